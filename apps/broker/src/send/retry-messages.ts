import type { Clock } from '@nestjs-rocketmq/foundation';
import { deadLetterTopic, groupOfTopic, PropertyName } from '@nestjs-rocketmq/message';
import { ResponseCode, WireVersion } from '@nestjs-rocketmq/protocol';
import type { QueueLocks } from '../membership/queue-locks.js';
import type { GroupTable } from '../topics/group-table.js';
import type { Topic } from '../topics/topic.js';
import type { TopicTable } from '../topics/topic-table.js';
import type { MessageDraft } from './message-draft.js';
import type { SendRefusal } from './send-checks.js';

/** Dead letters of a group lie in one queue. */
const deadLetterQueues = 1;

export interface Redirection {
  readonly refusal?: SendRefusal;
  readonly isDead: boolean;
}

interface RetryAsk {
  readonly reconsumeTimes?: number | undefined;
  readonly maxReconsumeTimes?: number | undefined;
}

/**
 * What becomes of a message that a client sends straight to `%RETRY%<group>`: consumers that keep
 * order do so when they give up, others when their send-back failed. It is a dead letter when it
 * was tried more often than allowed, or when somebody of the group holds a queue lock, because then
 * the group consumes in order and has tried already (Apache's `handleRetryAndDLQ`).
 */
export class RetryMessages {
  constructor(
    private readonly topics: TopicTable,
    private readonly groups: GroupTable,
    private readonly locks: QueueLocks,
    private readonly clock: Clock,
  ) {}

  redirect(draft: MessageDraft, asked: RetryAsk, topic: Topic, version: number): Redirection {
    const group = groupOfTopic(topic.name) ?? '';
    const config = this.groups.find(group);
    if (config === undefined) return { refusal: unknownGroup(group), isDead: false };
    const most = maxAttempts(config.retryMaxTimes, asked.maxReconsumeTimes, version);
    const isDead = draft.reconsumeTimes > most || this.locks.anyHeld(group, this.clock.monotonic());
    if (isDead) this.toDeadLetters(draft, group);
    draft.rewriteProperties(isDead ? { [PropertyName.DELAY_TIME_LEVEL]: '-1' } : {});
    return { isDead };
  }

  /** Makes the draft a dead letter of the group. */
  toDeadLetters(draft: MessageDraft, group: string): void {
    draft.topic = this.topics.ensure(deadLetterTopic(group), deadLetterQueues).name;
    draft.queueId = 0;
  }
}

/** How often a message may be tried again: newer clients say so themselves. */
export function maxAttempts(ofGroup: number, asked: number | undefined, version: number): number {
  return asked !== undefined && version >= WireVersion.V3_4_9 ? asked : ofGroup;
}

export function unknownGroup(group: string): SendRefusal {
  return {
    code: ResponseCode.SUBSCRIPTION_GROUP_NOT_EXIST,
    remark: `subscription group not exist, ${group}; create it with mqadmin updateSubGroup`,
  };
}
