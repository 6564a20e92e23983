import { accessProblem } from '@nestjs-rocketmq/access';
import { decodeRecords, StoredMessage, type MessageQueue } from '@nestjs-rocketmq/message';
import {
  CheckClientConfig,
  ConsumerSendMsgBack,
  EndTransaction,
  GetBrokerClusterInfo,
  GetConsumerListByGroup,
  GetEarliestMsgStoretime,
  GetMaxOffset,
  GetMinOffset,
  GetRouteinfoByTopic,
  HeartBeat,
  LitePullMessage,
  LockBatchMq,
  Permission,
  PullMessage,
  QueryConsumerOffset,
  QueryMessage,
  RecallMessage,
  ResponseCode,
  ResponseError,
  SearchOffsetByTimestamp,
  SendBatchMessage,
  SendMessageV2,
  SendReplyMessageV2,
  UnlockBatchMq,
  UnregisterClient,
  UpdateAndCreateTopic,
  UpdateConsumerOffset,
  ViewMessageById,
  type Asking,
  type BrokerData,
  type CommandDefinition,
  type HeartbeatData,
  type MessageQueueBody,
  type SubscriptionData,
  type TopicRouteData,
} from '@nestjs-rocketmq/protocol';
import type { Answer, InvokeOptions, Peer, RemotingClient } from '@nestjs-rocketmq/remoting';
import { AccessDeniedError, BrokerRefusedError } from './client.errors.js';
import { pulls, type PullEvent } from './diagnostics.js';

export type SendAnswer = Answer<typeof SendMessageV2>;
export type PullAnswer = Answer<typeof PullMessage>;

/** Who gives and takes queue locks. */
export interface LockHolder {
  readonly group: string;
  readonly clientId: string;
}

/** Messages looked for by key; times are ms since 1970. */
export interface KeyQuery {
  readonly topic: string;
  readonly key: string;
  readonly isUnique: boolean;
  /** Messages at most. */
  readonly max: number;
  readonly begin: number;
  readonly end: number;
}

/** A broker's refusal in the client's own words; other errors as they are. */
export function refusal(error: unknown, address: string, what: string): unknown {
  if (!(error instanceof ResponseError)) return error;
  const { responseCode, responseName, remark } = error;
  const words = remark === '' ? '' : `: ${remark}`;
  const sentence = `${address} refused ${what} with ${responseName} (${responseCode})${words}`;
  const said = { responseCode, responseName, remark, address };
  const advice = accessProblem(responseCode, remark);
  return advice === undefined
    ? new BrokerRefusedError(sentence, said, { cause: error, retriable: error.retriable })
    : new AccessDeniedError(`${address} refused ${what}; ${advice} (${remark})`, said, {
        cause: error,
      });
}

/** True when the broker answered one of these codes, or any refusal when none is named. */
export function isRefusal(error: unknown, ...codes: readonly number[]): boolean {
  if (!(error instanceof BrokerRefusedError)) return false;
  return codes.length === 0 || codes.includes(error.responseCode);
}

function bare(queue: MessageQueue): MessageQueueBody {
  return { topic: queue.topic, brokerName: queue.brokerName, queueId: queue.queueId };
}

function pullEvent(address: string, asked: Asking<typeof PullMessage>): PullEvent {
  const { consumerGroup: group, topic, queueId, queueOffset: offset, maxMsgNums: max } = asked;
  return { group, address, topic, queueId, offset, max };
}

/**
 * What a client asks of name servers and brokers, one function per command; nothing else in this
 * package puts a request on the wire. Refusals reject with `BrokerRefusedError`, except on the two
 * send calls, whose callers sort failures themselves; failures of the network reject as remoting
 * made them.
 */
export class BrokerCalls {
  constructor(
    private readonly remoting: RemotingClient,
    private readonly requestTimeout: number,
  ) {}

  /** The hot call: the promise of remoting as it is, refusals as `ResponseError`. */
  sendMessage(
    address: string,
    asked: Asking<typeof SendMessageV2>,
    body: Uint8Array,
    timeoutMs: number,
  ): Promise<SendAnswer> {
    return this.remoting.invoke(address, SendMessageV2, asked, { body, timeoutMs });
  }

  sendBatch(
    address: string,
    asked: Asking<typeof SendBatchMessage>,
    body: Uint8Array,
    timeoutMs: number,
  ): Promise<SendAnswer> {
    return this.remoting.invoke(address, SendBatchMessage, asked, { body, timeoutMs });
  }

  /** A reply to a request, for the client that waits for it. */
  sendReply(
    address: string,
    asked: Asking<typeof SendReplyMessageV2>,
    body: Uint8Array,
    timeoutMs: number,
  ): Promise<SendAnswer> {
    return this.remoting.invoke(address, SendReplyMessageV2, asked, { body, timeoutMs });
  }

  /** Resolves when the request was handed to the connection; nobody answers. */
  async sendOneWay(
    address: string,
    asked: Asking<typeof SendMessageV2>,
    body: Uint8Array,
  ): Promise<void> {
    await this.remoting.notify(address, SendMessageV2, asked, { body });
  }

  /** Takes a timer message back; answers its unique key. */
  async recall(
    address: string,
    asked: Asking<typeof RecallMessage>,
    timeoutMs: number,
  ): Promise<string> {
    const answer = await this.ask(address, RecallMessage, asked, { timeoutMs });
    return answer.header.msgId;
  }

  async endTransaction(address: string, asked: Asking<typeof EndTransaction>): Promise<void> {
    await this.remoting.notify(address, EndTransaction, asked);
  }

  /** The verdict of a check goes back over the connection on which the question came. */
  answerCheck(peer: Peer, asked: Asking<typeof EndTransaction>): void {
    peer.notify(EndTransaction, asked);
  }

  async pull(
    address: string,
    asked: Asking<typeof PullMessage>,
    timeoutMs: number,
    signal: AbortSignal,
  ): Promise<PullAnswer> {
    if (!pulls.hasSubscribers) return this.ask(address, PullMessage, asked, { timeoutMs, signal });
    const pull = () => this.ask(address, PullMessage, asked, { timeoutMs, signal });
    return pulls.tracePromise(pull, pullEvent(address, asked));
  }

  /** The same, from a lite pull consumer. */
  async pullLite(
    address: string,
    asked: Asking<typeof LitePullMessage>,
    timeoutMs: number,
    signal: AbortSignal,
  ): Promise<PullAnswer> {
    const pull = () => this.ask(address, LitePullMessage, asked, { timeoutMs, signal });
    return pulls.hasSubscribers ? pulls.tracePromise(pull, pullEvent(address, asked)) : pull();
  }

  /** The route of a topic; undefined when the name server does not know the topic. */
  async topicRoute(address: string, topic: string): Promise<TopicRouteData | undefined> {
    const answer = await this.ask(address, GetRouteinfoByTopic, { topic });
    return answer.code === ResponseCode.SUCCESS ? answer.body : undefined;
  }

  /** Every broker that a name server knows. */
  async allBrokers(address: string): Promise<readonly BrokerData[]> {
    const answer = await this.ask(address, GetBrokerClusterInfo, {});
    return Object.values(answer.body.brokerAddrTable);
  }

  async heartbeat(address: string, body: HeartbeatData): Promise<void> {
    await this.ask(address, HeartBeat, {}, { body });
  }

  async unregister(
    address: string,
    clientID: string,
    group: { readonly producerGroup?: string; readonly consumerGroup?: string },
    timeoutMs: number,
  ): Promise<void> {
    await this.ask(address, UnregisterClient, { clientID, ...group }, { timeoutMs });
  }

  /** Client ids of the members of a group. */
  async consumerIds(address: string, consumerGroup: string): Promise<readonly string[]> {
    const answer = await this.ask(address, GetConsumerListByGroup, { consumerGroup });
    return answer.body.consumerIdList;
  }

  /** Rejects when the broker does not take the subscription. */
  async checkSubscription(
    address: string,
    of: { clientId: string; group: string; data: SubscriptionData },
  ): Promise<void> {
    const { clientId, group, data } = of;
    const body = { clientId, group, subscriptionData: data };
    await this.ask(address, CheckClientConfig, {}, { body });
  }

  /** The committed offset; undefined when the group never committed one. */
  async queryOffset(
    address: string,
    consumerGroup: string,
    queue: MessageQueue,
  ): Promise<number | undefined> {
    const { topic, queueId, brokerName } = queue;
    const asked = { consumerGroup, topic, queueId, brokerName };
    const answer = await this.ask(address, QueryConsumerOffset, asked);
    return answer.code === ResponseCode.SUCCESS ? answer.header.offset : undefined;
  }

  async updateOffset(
    address: string,
    consumerGroup: string,
    queue: MessageQueue,
    commitOffset: number,
  ): Promise<void> {
    const { topic, queueId, brokerName } = queue;
    const asked = { consumerGroup, topic, queueId, brokerName, commitOffset };
    await this.ask(address, UpdateConsumerOffset, asked);
  }

  /** One past the last message. */
  async maxOffset(address: string, queue: MessageQueue): Promise<number> {
    const { topic, queueId, brokerName } = queue;
    const answer = await this.ask(address, GetMaxOffset, { topic, queueId, brokerName });
    return answer.header.offset;
  }

  /** The first message still there. */
  async minOffset(address: string, queue: MessageQueue): Promise<number> {
    const { topic, queueId, brokerName } = queue;
    const answer = await this.ask(address, GetMinOffset, { topic, queueId, brokerName });
    return answer.header.offset;
  }

  /** When the first message still there was stored, ms since 1970; -1 when the queue is empty. */
  async earliestStoreTime(address: string, queue: MessageQueue): Promise<number> {
    const { topic, queueId, brokerName } = queue;
    const answer = await this.ask(address, GetEarliestMsgStoretime, { topic, queueId, brokerName });
    return answer.header.timestamp;
  }

  /** The first message stored at or after `timestamp` (ms since 1970); `upper`: the last one at it. */
  async searchOffset(
    address: string,
    queue: MessageQueue,
    timestamp: number,
    boundary: 'lower' | 'upper' = 'lower',
  ): Promise<number> {
    const { topic, queueId, brokerName } = queue;
    const boundaryType = boundary.toUpperCase();
    const asked = { topic, queueId, brokerName, timestamp, boundaryType };
    const answer = await this.ask(address, SearchOffsetByTimestamp, asked);
    return answer.header.offset;
  }

  /** The queues of those asked for that this client holds now. */
  async lockQueues(
    address: string,
    holder: LockHolder,
    queues: readonly MessageQueue[],
  ): Promise<readonly MessageQueue[]> {
    const answer = await this.ask(
      address,
      LockBatchMq,
      {},
      { body: this.lockBody(holder, queues) },
    );
    return answer.body.lockOKMQSet;
  }

  async unlockQueues(
    address: string,
    holder: LockHolder,
    queues: readonly MessageQueue[],
  ): Promise<void> {
    await this.ask(address, UnlockBatchMq, {}, { body: this.lockBody(holder, queues) });
  }

  /** Gives a message back that could not be consumed. */
  async sendBack(
    address: string,
    asked: Asking<typeof ConsumerSendMsgBack>,
    timeoutMs: number,
  ): Promise<void> {
    await this.ask(address, ConsumerSendMsgBack, asked, { timeoutMs });
  }

  /** Makes a topic, or changes how many queues it has. */
  async createTopic(
    address: string,
    topic: string,
    queues: number,
    defaultTopic: string,
  ): Promise<void> {
    await this.ask(address, UpdateAndCreateTopic, {
      topic,
      defaultTopic,
      readQueueNums: queues,
      writeQueueNums: queues,
      perm: Permission.read | Permission.write,
      topicFilterType: 'SINGLE_TAG',
      topicSysFlag: 0,
      order: false,
    });
  }

  /** The message at a position of the broker's log. */
  async viewMessage(address: string, topic: string, offset: number): Promise<StoredMessage> {
    const answer = await this.ask(address, ViewMessageById, { topic, offset });
    return new StoredMessage(answer.body);
  }

  /** What the broker's index has under a key, and under others of the same hash. */
  async queryMessages(address: string, wanted: KeyQuery): Promise<readonly StoredMessage[]> {
    const { topic, key, isUnique, max, begin, end } = wanted;
    const answer = await this.ask(
      address,
      QueryMessage,
      {
        topic,
        key,
        maxNum: max,
        beginTimestamp: begin,
        endTimestamp: end,
        isUniqueKey: String(isUnique),
      },
      // Brokers may have to read index files that were not read for long.
      { timeoutMs: this.requestTimeout * 3 },
    );
    return answer.code === ResponseCode.SUCCESS ? decodeRecords(answer.body) : [];
  }

  private lockBody(holder: LockHolder, queues: readonly MessageQueue[]) {
    return {
      clientId: holder.clientId,
      consumerGroup: holder.group,
      mqSet: queues.map(bare),
      onlyThisBroker: false,
    };
  }

  private async ask<C extends CommandDefinition>(
    address: string,
    definition: C,
    asked: Asking<C>,
    options: Partial<InvokeOptions<C>> = {},
  ): Promise<Answer<C>> {
    const timeoutMs = options.timeoutMs ?? this.requestTimeout;
    try {
      return await this.remoting.invoke(address, definition, asked, { ...options, timeoutMs });
    } catch (error) {
      throw refusal(error, address, definition.name);
    }
  }
}
