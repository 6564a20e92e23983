import { type Clock, type Logger, messageOf } from '@nestjs-rocketmq/foundation';
import { isSystemGroup } from '@nestjs-rocketmq/message';
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
import type { OffsetResets } from '../offsets/offset-resets.js';
import type { Arrivals, Waiter } from './arrivals.js';
import { forbid, type PullCheckOptions, PullChecks } from './pull-checks.js';
import type { PullSubscriptions } from './pull-subscription.js';
import type { ClientDirectory } from '../membership/client-directory.js';
import type { GroupTable } from '../topics/group-table.js';
import type { WaitingLine } from '../send/waiting-line.js';
import type { TopicTable } from '../topics/topic-table.js';

type Pull = typeof PullMessage;

export interface PullOptions extends PullCheckOptions {
  readonly longPollingEnable: boolean;
  readonly shortPollingTimeMills: number;
  readonly litePullMessageEnable: boolean;
  readonly slaveReadEnable: boolean;
  readonly disableConsumeIfConsumerReadSlowly: boolean;
  readonly consumerFallbehindThreshold: number;
  readonly useServerSideResetOffset: boolean;
}

export interface PullParts {
  readonly store: MessageStore;
  readonly line: WaitingLine;
  readonly topics: TopicTable;
  readonly groups: GroupTable;
  readonly clients: ClientDirectory;
  readonly offsets: ConsumerOffsets;
  readonly resets: OffsetResets;
  readonly subscriptions: PullSubscriptions;
  readonly arrivals: Arrivals;
  readonly figures: Figures;
  readonly clock: Clock;
  readonly logger: Logger;
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
  private readonly checks: PullChecks;
  /** Of the last search, ms. */
  private searchTook = 0;
  private readonly limits: {
    maxBytes?: number;
    filter: PullFilter['codeFilter'];
    suits: PullFilter['suits'];
    accepts: PullFilter['accepts'];
  } = { filter: undefined, suits: undefined, accepts: undefined };

  constructor(private readonly parts: PullParts) {
    this.checks = new PullChecks(parts);
  }

  pull(asked: AskedView<Pull>, reply: Reply<Pull>): void {
    if (this.parts.line.refuses('pull', reply)) return;
    const filter = this.checks.admit(asked, reply);
    if (filter === undefined) return;
    const { sysFlag, topic, queueId } = asked;
    const queue = this.parts.store.queue(topic, queueId);
    if (this.wasReset(queue, asked, reply)) return;
    if ((sysFlag & PullSysFlag.commitOffset) !== 0) {
      this.parts.offsets.commit(asked.consumerGroup, topic, queueId, asked.commitOffset);
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
    if (this.parts.line.refuses('litePull', reply)) return;
    if (this.parts.options.litePullMessageEnable) return this.pull(asked, reply);
    const remark = `the broker[${this.parts.options.brokerIP1}] for lite pull consumer is forbidden`;
    forbid(reply, 1, remark);
  }

  /**
   * Looks at a held pull anew, because something arrived or changed: true when it was answered. What
   * is allowed and wanted may have changed since; with another filter the search begins anew.
   */
  wake(held: HeldPull): boolean {
    const filter = this.checks.admit(held.asked, held.reply);
    if (filter === undefined || this.wasReset(held.queue, held.asked, held.reply)) return true;
    if (filter !== held.filter) {
      held.filter = filter;
      held.offset = held.asked.queueOffset;
    }
    return this.look(held);
  }

  private look(held: HeldPull): boolean {
    const found = this.find(held.queue, held.asked, held.offset, held.filter);
    if (isNothingYet(found, held.offset)) return false;
    if (found.status === 'NO_MATCHED_MESSAGE') {
      held.offset = found.next;
      // There may be more behind what one search looks through.
      return found.next < held.queue.visible ? this.look(held) : false;
    }
    this.answerHeld(held, found);
    return true;
  }

  /** The time of a held pull is up: answers with what there is. */
  giveUp(held: HeldPull): void {
    if (this.checks.admit(held.asked, held.reply) === undefined) return;
    this.answerHeld(held, this.find(held.queue, held.asked, held.offset, held.filter));
  }

  /** Whoever does not take the answers it has is given no messages: it is told to ask again. */
  private answerHeld({ queue, asked, reply }: HeldPull, found: Found): void {
    if (found.status !== 'FOUND' || !reply.isChoked) {
      return this.answer(queue, asked, reply, found);
    }
    this.begin(queue, asked, reply, asked.queueOffset);
    reply.outcome(ResponseCode.PULL_RETRY_IMMEDIATELY, 'the answers before this one are not taken');
  }

  /** A held pull could not be answered as it should; whoever waits beside it is not to feel that. */
  failed(held: HeldPull, error: unknown): void {
    const { topic, queueId } = held.queue;
    this.parts.logger.error('a pull that waited cannot be answered', { topic, queueId, error });
    held.reply.refuse(ResponseCode.SYSTEM_ERROR, messageOf(error));
  }

  /** Tells a pull where an operator has set its group; true when it did. */
  private wasReset(queue: ConsumeQueue, asked: Asked<Pull>, reply: Reply<Pull>): boolean {
    const { resets, options } = this.parts;
    const { consumerGroup, topic, queueId } = asked;
    const offset = resets.take(consumerGroup, topic, queueId);
    if (offset === undefined || !options.useServerSideResetOffset) return false;
    this.parts.figures.sentOn(consumerGroup, topic, queueId, offset);
    this.begin(queue, asked, reply, offset);
    reply.outcome(ResponseCode.PULL_OFFSET_MOVED, 'OFFSET_RESET');
    return true;
  }

  private find(queue: ConsumeQueue, asked: Asked<Pull>, from: number, filter: PullFilter): Found {
    const { limits } = this;
    limits.filter = filter.codeFilter;
    limits.suits = filter.suits;
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
    const { figures } = this.parts;
    this.begin(queue, asked, reply, found.next, found.isFarBehind);
    if (found.status === 'FOUND') {
      const { consumerGroup, topic } = asked;
      const { count, bytes, next } = found;
      this.fill(found, reply);
      figures.found(consumerGroup, topic, queue.queueId, count, bytes, this.searchTook, next);
      if (this.parts.options.disableConsumeIfConsumerReadSlowly) {
        this.disableIfSlow(consumerGroup, topic, found);
      }
      return;
    }
    figures.missed();
    if (found.next !== asked.queueOffset) {
      figures.sentOn(asked.consumerGroup, asked.topic, queue.queueId, found.next);
    }
    reply.outcome(codeOf(found, asked.queueOffset), found.status);
  }

  /** When the disk does not give the messages, nothing of the answer leaves. */
  private fill(found: Found, reply: Reply<Pull>): void {
    const room = reply.successWithBody(found.bytes);
    try {
      this.parts.store.read(found, room);
    } catch (error) {
      reply.withdraw();
      throw error;
    }
  }

  /** The fields that every answer with offsets has. */
  private begin(
    queue: ConsumeQueue,
    asked: Pick<Asked<Pull>, 'consumerGroup' | 'topic'>,
    reply: Reply<Pull>,
    next: number,
    isFarBehind = false,
  ): void {
    const { answer } = reply;
    const { groups, topics, options } = this.parts;
    const group = groups.get(asked.consumerGroup);
    answer.nextBeginOffset = next;
    answer.minOffset = queue.min;
    answer.maxOffset = queue.visible;
    answer.topicSysFlag = topics.get(asked.topic)?.config.topicSysFlag;
    answer.groupSysFlag = group?.groupSysFlag;
    answer.suggestWhichBrokerId = 0;
    if (!options.slaveReadEnable || group === undefined) return;
    answer.suggestWhichBrokerId = isFarBehind ? group.whichBrokerWhenConsumeSlowly : group.brokerId;
  }

  /** A group that lies too far back makes the disk slow for all others. */
  private disableIfSlow(group: string, topic: string, { bytesBehind }: Found): void {
    const { groups, options, logger } = this.parts;
    if (bytesBehind <= options.consumerFallbehindThreshold || isSystemGroup(group)) return;
    groups.disable(group);
    logger.warn('a group lies too far back and gets nothing more until it is switched on again', {
      group,
      topic,
      bytesBehind,
      allowed: options.consumerFallbehindThreshold,
    });
  }

  private deadline(asked: AskedView<Pull>): number {
    const { options, clock } = this.parts;
    const wait = options.longPollingEnable
      ? Math.min(Math.max(asked.suspendTimeoutMillis, 0), longestWait)
      : options.shortPollingTimeMills;
    return clock.monotonic() + wait;
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
    public filter: PullFilter,
    readonly deadline: number,
  ) {
    this.offset = asked.queueOffset;
  }

  get isGone(): boolean {
    return this.reply.isGone;
  }

  arrived(): boolean {
    try {
      return this.processor.wake(this);
    } catch (error) {
      this.processor.failed(this, error);
      return true;
    }
  }

  expired(): void {
    try {
      this.processor.giveUp(this);
    } catch (error) {
      this.processor.failed(this, error);
    }
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
