import type { Clock, Timer } from '@nestjs-rocketmq/foundation';
import type { MessageQueue } from '@nestjs-rocketmq/message';
import {
  CheckClientConfig,
  ConsumerSendMsgBack,
  GetConsumerListByGroup,
  GetEarliestMsgStoretime,
  GetMaxOffset,
  GetMinOffset,
  LitePullMessage,
  LockBatchMq,
  NotifyConsumerIdsChanged,
  PullMessage,
  PullSysFlag,
  QueryConsumerOffset,
  ResponseCode,
  ResponseError,
  SearchOffsetByTimestamp,
  UnlockBatchMq,
  UpdateConsumerOffset,
  type Asked,
} from '@nestjs-rocketmq/protocol';
import type { Outcome, Peer, Router } from '@nestjs-rocketmq/remoting';
import { recordOf, type RecordOf } from './records.js';

type PullAsked = Asked<typeof PullMessage>;
type PullOutcome = Outcome<typeof PullMessage>;

/** For specs: queues, offsets, members and locks of scripted brokers, kept in memory. */
export class ScriptedQueues {
  /** Committed offsets by `group topic queueId`. */
  readonly offsets = new Map<string, number>();
  /** Lock holders by `topic queueId`. */
  readonly locks = new Map<string, string>();
  readonly sentBack: Asked<typeof ConsumerSendMsgBack>[] = [];
  readonly pulls: PullAsked[] = [];
  /** Client ids and peers by group. */
  readonly members = new Map<string, Map<string, Peer>>();
  /** The first offset that is still there, by `topic queueId`. */
  readonly minOffsets = new Map<string, number>();
  /** Answers instead of the queues, when it answers at all. */
  onPull: (asked: PullAsked) => PullOutcome | undefined = () => undefined;
  /** False: answers as 4.x brokers do. */
  knowsLitePulls = true;
  /** False: refuses to unlock queues. */
  takesUnlocks = true;
  /** True: what cannot be consumed is not taken back. */
  refusesSendBack = false;
  /** What it says to a filter that is checked: a refusal, or nothing. */
  filterRefusal: string | undefined;
  /** Timers of pulls that are held. */
  readonly holding = new Set<Timer>();
  private readonly messages = new Map<string, RecordOf[]>();
  private arrivals: (() => void)[] = [];

  constructor(private readonly clock: Clock) {}

  /** Appends messages to a queue; who waits for them gets them. */
  add(topic: string, queueId: number, ...messages: Omit<RecordOf, 'topic'>[]): void {
    const key = `${topic} ${queueId}`;
    const all = this.messages.get(key) ?? [];
    for (const message of messages) {
      all.push({ ...message, topic, queueId, queueOffset: all.length });
    }
    this.messages.set(key, all);
    for (const wake of this.arrivals.splice(0)) wake();
  }

  /** Holds no pull any longer, and answers none of them. */
  close(): void {
    for (const timer of this.holding) timer.cancel();
    this.holding.clear();
  }

  /** Tells every member of a group that the members changed. */
  notify(group: string): void {
    for (const peer of this.members.get(group)?.values() ?? []) {
      if (!peer.closed) peer.notify(NotifyConsumerIdsChanged, { consumerGroup: group });
    }
  }

  route(router: Router): void {
    router
      .route(PullMessage, (asked) => this.pull(asked))
      .route(LitePullMessage, (asked) => {
        if (this.knowsLitePulls) return this.pull(asked);
        throw new ResponseError(ResponseCode.REQUEST_CODE_NOT_SUPPORTED, 'not supported');
      })
      .route(GetConsumerListByGroup, ({ consumerGroup }) => ({
        body: { consumerIdList: [...(this.members.get(consumerGroup)?.keys() ?? [])] },
      }))
      .route(QueryConsumerOffset, ({ consumerGroup, topic, queueId }) => {
        const offset = this.offsets.get(`${consumerGroup} ${topic} ${queueId}`);
        return offset === undefined ? { code: 'QUERY_NOT_FOUND' } : { header: { offset } };
      })
      .route(UpdateConsumerOffset, ({ consumerGroup, topic, queueId, commitOffset }) => {
        this.offsets.set(`${consumerGroup} ${topic} ${queueId}`, commitOffset);
      })
      .route(GetMaxOffset, ({ topic, queueId }) => ({
        header: { offset: this.messages.get(`${topic} ${queueId}`)?.length ?? 0 },
      }))
      .route(GetMinOffset, ({ topic, queueId }) => ({
        header: { offset: this.minOffsets.get(`${topic} ${queueId}`) ?? 0 },
      }))
      .route(GetEarliestMsgStoretime, ({ topic, queueId }) => {
        const first = this.minOffsets.get(`${topic} ${queueId}`) ?? 0;
        const message = this.messages.get(`${topic} ${queueId}`)?.[first];
        return { header: { timestamp: message === undefined ? -1 : timeOf(message) } };
      })
      .route(SearchOffsetByTimestamp, ({ topic, queueId, timestamp }) => {
        const all = this.messages.get(`${topic} ${queueId}`) ?? [];
        const found = all.findIndex((message) => timeOf(message) >= timestamp);
        return { header: { offset: found < 0 ? all.length : found } };
      })
      .route(CheckClientConfig, () => {
        if (this.filterRefusal === undefined) return;
        throw new ResponseError(ResponseCode.SUBSCRIPTION_PARSE_FAILED, this.filterRefusal);
      })
      .route(ConsumerSendMsgBack, (asked) => {
        if (this.refusesSendBack) throw new ResponseError(ResponseCode.SYSTEM_ERROR, 'no master');
        this.sentBack.push(asked);
      })
      .route(LockBatchMq, (_, { body }) => ({
        body: { lockOKMQSet: body.mqSet.filter((queue) => this.lock(queue, body.clientId)) },
      }))
      .route(UnlockBatchMq, (_, { body }) => {
        if (!this.takesUnlocks) throw new ResponseError(ResponseCode.SYSTEM_ERROR, 'not now');
        for (const queue of body.mqSet) this.locks.delete(`${queue.topic} ${queue.queueId}`);
      });
  }

  private lock(queue: MessageQueue, clientId: string): boolean {
    const key = `${queue.topic} ${queue.queueId}`;
    const holder = this.locks.get(key) ?? clientId;
    this.locks.set(key, holder);
    return holder === clientId;
  }

  private async pull(asked: PullAsked): Promise<PullOutcome> {
    this.pulls.push(asked);
    const scripted = this.onPull(asked);
    if (scripted !== undefined) return scripted;
    const found = this.look(asked);
    if (found !== undefined) return found;
    if ((asked.sysFlag & PullSysFlag.suspend) === 0) return nothing(asked);
    await new Promise<void>((wake) => {
      const timer = this.clock.after(asked.suspendTimeoutMillis, () => {
        this.holding.delete(timer);
        wake();
      });
      this.holding.add(timer);
      this.arrivals.push(wake);
    });
    return this.look(asked) ?? nothing(asked);
  }

  private look(asked: PullAsked): PullOutcome | undefined {
    const { topic, queueId, queueOffset, maxMsgNums, maxMsgBytes = 2 ** 31 } = asked;
    const key = `${topic} ${queueId}`;
    const all = this.messages.get(key) ?? [];
    const min = this.minOffsets.get(key) ?? 0;
    if (queueOffset < min) return answer('PULL_OFFSET_MOVED', min, all.length);
    if (queueOffset > all.length) return answer('PULL_OFFSET_MOVED', all.length, all.length);
    if (queueOffset === all.length) return undefined;
    const found: Uint8Array[] = [];
    let bytes = 0;
    for (const message of all.slice(queueOffset, queueOffset + maxMsgNums)) {
      const record = recordOf(message);
      bytes += record.length;
      // The first one always comes, however large.
      if (found.length > 0 && bytes > maxMsgBytes) break;
      found.push(record);
    }
    const body = Buffer.concat(found);
    return { ...answer('SUCCESS', queueOffset + found.length, all.length), body };
  }
}

const timeOf = (message: RecordOf): number => message.storeTimestamp ?? 2;

const nothing = ({ queueOffset }: PullAsked): PullOutcome =>
  answer('PULL_NOT_FOUND', queueOffset, queueOffset);

function answer(
  code: 'SUCCESS' | 'PULL_NOT_FOUND' | 'PULL_OFFSET_MOVED',
  nextBeginOffset: number,
  maxOffset: number,
): PullOutcome {
  return { code, header: { suggestWhichBrokerId: 0, nextBeginOffset, minOffset: 0, maxOffset } };
}
