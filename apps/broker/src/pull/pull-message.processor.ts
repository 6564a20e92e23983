import type { Clock } from '@nestjs-rocketmq/foundation';
import {
  type Asked,
  type AskedView,
  type LitePullMessage,
  type PullMessage,
  PullSysFlag,
  ResponseCode,
} from '@nestjs-rocketmq/protocol';
import type { HeldReply, Reply } from '@nestjs-rocketmq/remoting';
import type { ConsumeQueue, Found, MessageStore } from '@nestjs-rocketmq/store';
import type { Figures } from '../admin/figures.js';
import type { PullFilter } from '../filters/pull-filter.js';
import type { ConsumerOffsets } from '../offsets/consumer-offsets.js';
import type { GroupTable } from '../topics/group-table.js';
import { isReadable } from '../topics/permissions.js';
import type { TopicTable } from '../topics/topic-table.js';
import type { Arrivals, Waiter } from './arrivals.js';
import { isRefused, type PullSubscriptions } from './pull-subscription.js';

type Pull = typeof PullMessage;

export interface PullOptions {
  readonly brokerIP1: string;
  readonly brokerPermission: number;
  readonly longPollingEnable: boolean;
  readonly shortPollingTimeMills: number;
  readonly litePullMessageEnable: boolean;
}

export interface PullParts {
  readonly store: MessageStore;
  readonly topics: TopicTable;
  readonly groups: GroupTable;
  readonly offsets: ConsumerOffsets;
  readonly subscriptions: PullSubscriptions;
  readonly arrivals: Arrivals;
  readonly figures: Figures;
  readonly clock: Clock;
  readonly options: PullOptions;
}

/** No client waits longer; a wrong number must not keep a reply for days. */
const longestWait = 300_000;

/**
 * PULL_MESSAGE: finds messages, or waits for an arrival and finds again, then answers.
 *
 * A pull that may wait and finds nothing is held in `arrivals` and comes back through `look`. What
 * arrives and is not wanted (another tag) only moves the held pull on; it stays held.
 */
export class PullMessageProcessor {
  private filter: PullFilter | undefined;
  /** Of the last search, ms. */
  private searchTook = 0;
  private readonly limits: {
    maxBytes?: number;
    filter: PullFilter['codeFilter'];
    accepts: PullFilter['accepts'];
  } = { filter: undefined, accepts: undefined };

  constructor(private readonly parts: PullParts) {}

  pull(asked: AskedView<Pull>, reply: Reply<Pull>): void {
    const queue = this.queueFor(asked, reply);
    if (queue === undefined) return;
    const filter = this.filter as PullFilter;
    const { sysFlag } = asked;
    if ((sysFlag & PullSysFlag.commitOffset) !== 0) {
      const { consumerGroup, topic, queueId, commitOffset } = asked;
      this.parts.offsets.commit(consumerGroup, topic, queueId, commitOffset);
    }
    const found = this.find(queue, asked, asked.queueOffset, filter);
    if ((sysFlag & PullSysFlag.suspend) !== 0 && isNothingYet(found, asked.queueOffset)) {
      const held = new HeldPull(
        this,
        queue,
        asked.keep(),
        reply.hold(),
        filter,
        this.deadline(asked),
      );
      if (this.parts.arrivals.hold(queue, held)) return;
      return this.answer(queue, asked, held.reply, found);
    }
    this.answer(queue, asked, reply, found);
  }

  pullLite(asked: AskedView<typeof LitePullMessage>, reply: Reply<typeof LitePullMessage>): void {
    if (this.parts.options.litePullMessageEnable) return this.pull(asked, reply);
    const remark = `the broker[${this.parts.options.brokerIP1}] for lite pull consumer is forbidden`;
    forbid(reply, 1, remark);
  }

  /** Searches again for a held pull; true when that was an answer. */
  look(held: HeldPull): boolean {
    const found = this.find(held.queue, held.asked, held.offset, held.filter);
    if (isNothingYet(found, held.offset)) return false;
    if (found.status === 'NO_MATCHED_MESSAGE') {
      held.offset = found.next;
      // There may be more behind what one search looks through.
      return found.next < held.queue.visible ? this.look(held) : false;
    }
    this.answer(held.queue, held.asked, held.reply, found);
    return true;
  }

  /** The time of a held pull is up: answers with what there is. */
  giveUp(held: HeldPull): void {
    const found = this.find(held.queue, held.asked, held.offset, held.filter);
    this.answer(held.queue, held.asked, held.reply, found);
  }

  private find(queue: ConsumeQueue, asked: Asked<Pull>, from: number, filter: PullFilter): Found {
    const { limits } = this;
    limits.filter = filter.codeFilter;
    limits.accepts = filter.accepts;
    if (asked.maxMsgBytes !== undefined && asked.maxMsgBytes > 0) {
      limits.maxBytes = asked.maxMsgBytes;
    } else delete limits.maxBytes;
    const { store, clock } = this.parts;
    const began = clock.monotonic();
    const found = store.find(queue, from, asked.maxMsgNums, limits);
    this.searchTook = clock.monotonic() - began;
    return found;
  }

  private answer(
    queue: ConsumeQueue,
    asked: Pick<Asked<Pull>, 'consumerGroup' | 'topic' | 'queueOffset'>,
    reply: Reply<Pull>,
    found: Found,
  ): void {
    const { answer } = reply;
    const { figures } = this.parts;
    answer.suggestWhichBrokerId = 0;
    answer.nextBeginOffset = found.next;
    answer.minOffset = queue.min;
    answer.maxOffset = queue.visible;
    if (found.status === 'FOUND') {
      const { consumerGroup, topic } = asked;
      const { count, bytes } = found;
      figures.found(consumerGroup, topic, queue.queueId, count, bytes, this.searchTook);
      this.parts.store.read(found, reply.successWithBody(found.bytes));
      return;
    }
    figures.missed();
    reply.outcome(codeOf(found, asked.queueOffset), found.status);
  }

  /** The queue to read from, with its filter in `filter`; answers and gives undefined if refused. */
  private queueFor(asked: AskedView<Pull>, reply: Reply<Pull>): ConsumeQueue | undefined {
    const { options, groups, topics, subscriptions, store } = this.parts;
    if (!isReadable(options.brokerPermission)) {
      return forbid(reply, 1, `the broker[${options.brokerIP1}] pulling message is forbidden`);
    }
    const { consumerGroup, queueId } = asked;
    const group = groups.find(consumerGroup);
    if (group === undefined) {
      const remark =
        `subscription group [${consumerGroup}] does not exist, ` +
        'create it with mqadmin updateSubGroup';
      return refuse(reply, ResponseCode.SUBSCRIPTION_GROUP_NOT_EXIST, remark);
    }
    if (!group.consumeEnable) {
      return forbid(reply, 2, `subscription group no permission, ${consumerGroup}`);
    }
    const topic = topics.get(asked.topic);
    if (topic === undefined) {
      const remark = `topic[${asked.topic}] not exist, apply first please!`;
      return refuse(reply, ResponseCode.TOPIC_NOT_EXIST, remark);
    }
    if (!isReadable(topic.perm)) {
      return forbid(reply, 3, `the topic[${asked.topic}] pulling message is forbidden`);
    }
    if (queueId < 0 || queueId >= topic.readQueues) {
      const remark =
        `queueId[${queueId}] is illegal, topic:[${asked.topic}] topicConfig.readQueueNums:` +
        `[${topic.readQueues}] consumer:[${reply.peer.remoteAddress}]`;
      return refuse(reply, ResponseCode.INVALID_PARAMETER, remark);
    }
    const subscription = subscriptions.of(asked, group);
    if (isRefused(subscription)) {
      if (subscription.forbiddenType === undefined) {
        return refuse(reply, subscription.code, subscription.remark);
      }
      return forbid(reply, subscription.forbiddenType, subscription.remark);
    }
    this.filter = subscription;
    return store.queue(topic.name, queueId);
  }

  private deadline(asked: AskedView<Pull>): number {
    const { options, clock } = this.parts;
    const wait = options.longPollingEnable
      ? Math.min(Math.max(asked.suspendTimeoutMillis, 0), longestWait)
      : options.shortPollingTimeMills;
    return clock.now() + wait;
  }
}

/** A pull that waits. */
class HeldPull implements Waiter {
  /** Where to search from: moves over messages that are not wanted. */
  offset: number;

  constructor(
    private readonly processor: PullMessageProcessor,
    readonly queue: ConsumeQueue,
    readonly asked: Asked<Pull>,
    readonly reply: HeldReply<Pull>,
    readonly filter: PullFilter,
    readonly deadline: number,
  ) {
    this.offset = asked.queueOffset;
  }

  get isGone(): boolean {
    return this.reply.isGone;
  }

  arrived(): boolean {
    return this.processor.look(this);
  }

  expired(): void {
    this.processor.giveUp(this);
  }
}

/** The offset is where the next message will be. */
function isNothingYet(found: Found, offset: number): boolean {
  if (found.status === 'OFFSET_OVERFLOW_ONE') return true;
  return found.status === 'NO_MESSAGE_IN_QUEUE' && offset === 0;
}

/** Apache's table of search results and response codes. */
function codeOf(found: Found, asked: number): number {
  switch (found.status) {
    case 'FOUND':
      return ResponseCode.SUCCESS;
    case 'MESSAGE_WAS_REMOVING':
    case 'NO_MATCHED_MESSAGE':
      return ResponseCode.PULL_RETRY_IMMEDIATELY;
    case 'NO_MESSAGE_IN_QUEUE':
      return asked === 0 ? ResponseCode.PULL_NOT_FOUND : ResponseCode.PULL_OFFSET_MOVED;
    case 'OFFSET_OVERFLOW_ONE':
      return ResponseCode.PULL_NOT_FOUND;
    case 'OFFSET_OVERFLOW_BADLY':
    case 'OFFSET_TOO_SMALL':
      return ResponseCode.PULL_OFFSET_MOVED;
  }
}

function refuse(reply: Reply<Pull>, code: number, remark: string): undefined {
  reply.refuse(code, remark);
}

/** NO_PERMISSION that says who forbids: 1 broker, 2 group, 3 topic, 4 broadcast, 5 subscription. */
function forbid(reply: Reply<Pull>, type: number, remark: string): undefined {
  const { answer } = reply;
  answer.suggestWhichBrokerId = 0;
  answer.nextBeginOffset = 0;
  answer.minOffset = 0;
  answer.maxOffset = 0;
  answer.forbiddenType = type;
  reply.outcome(ResponseCode.NO_PERMISSION, remark);
}
