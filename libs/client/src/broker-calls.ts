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
import { atFirstPort, pullEvent, vipAddress, type CallSettings } from './call-settings.js';
import { pulls } from './diagnostics.js';
import type { Namespace } from './namespace.js';
import { refusal } from './refusals.js';

export { isRefusal, refusal } from './refusals.js';

export type SendAnswer = Answer<typeof SendMessageV2>;
export type PullAnswer = Answer<typeof PullMessage>;
/** An urgent pull leaves in this call, before its caller goes on. */
export type HowToPull = Pick<
  InvokeOptions<typeof PullMessage>,
  'timeoutMs' | 'signal' | 'isUrgent'
>;

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

function bare(queue: MessageQueue): MessageQueueBody {
  return { topic: queue.topic, brokerName: queue.brokerName, queueId: queue.queueId };
}

/**
 * What a client asks of name servers and brokers, one function per command; nothing else in this
 * package puts a request on the wire. Refusals reject with `BrokerRefusedError`, except on the two
 * send calls, whose callers sort failures themselves; failures of the network reject as remoting
 * made them.
 */
export class BrokerCalls {
  private readonly namespace: Namespace | undefined;
  private readonly isVip: boolean;

  constructor(
    private readonly remoting: RemotingClient,
    private readonly requestTimeout: number,
    how: CallSettings = {},
  ) {
    this.namespace = how.namespace;
    this.isVip = how.vipChannelEnabled ?? false;
  }

  /** The hot call: the promise of remoting as it is, refusals as `ResponseError`. */
  sendMessage(
    address: string,
    asked: Asking<typeof SendMessageV2>,
    body: Uint8Array,
    timeoutMs: number,
  ): Promise<SendAnswer> {
    return this.send(address, SendMessageV2, asked, { body, timeoutMs });
  }

  sendBatch(
    address: string,
    asked: Asking<typeof SendBatchMessage>,
    body: Uint8Array,
    timeoutMs: number,
  ): Promise<SendAnswer> {
    return this.send(address, SendBatchMessage, asked, { body, timeoutMs });
  }

  /** A reply to a request, for the client that waits for it. */
  sendReply(
    address: string,
    asked: Asking<typeof SendReplyMessageV2>,
    body: Uint8Array,
    timeoutMs: number,
  ): Promise<SendAnswer> {
    return this.send(address, SendReplyMessageV2, asked, { body, timeoutMs });
  }

  /** Resolves when the request was handed to the connection; nobody answers. */
  async sendOneWay(
    address: string,
    asked: Asking<typeof SendMessageV2>,
    body: Uint8Array,
  ): Promise<void> {
    const named = this.namespace?.asked(SendMessageV2, asked) ?? asked;
    const target = this.isVip ? vipAddress(address) : address;
    await this.remoting.notify(target, SendMessageV2, named, { body });
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
    const named = this.namespace?.asked(EndTransaction, asked) ?? asked;
    await this.remoting.notify(address, EndTransaction, named);
  }

  /** The verdict of a check goes back over the connection on which the question came. */
  answerCheck(peer: Peer, asked: Asking<typeof EndTransaction>): void {
    peer.notify(EndTransaction, this.namespace?.asked(EndTransaction, asked) ?? asked);
  }

  async pull(
    address: string,
    asked: Asking<typeof PullMessage>,
    how: HowToPull,
  ): Promise<PullAnswer> {
    const pull = async () => this.plain(await this.ask(address, PullMessage, asked, how));
    return pulls.hasSubscribers ? pulls.tracePromise(pull, pullEvent(address, asked)) : pull();
  }

  /** The same, from a lite pull consumer. */
  async pullLite(
    address: string,
    asked: Asking<typeof LitePullMessage>,
    how: HowToPull,
  ): Promise<PullAnswer> {
    const pull = async () => this.plain(await this.ask(address, LitePullMessage, asked, how));
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
    await this.ask(address, HeartBeat, {}, { body: this.namespace?.heartbeat(body) ?? body });
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
    const { clientId, data } = of;
    const group = this.namespace?.wrap(of.group) ?? of.group;
    const subscriptionData = this.namespace?.wrapTopic(data) ?? data;
    const body = { clientId, group, subscriptionData };
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
    const body = this.lockBody(holder, queues);
    const answer = await this.ask(address, LockBatchMq, {}, { body });
    const { namespace } = this;
    const locked = answer.body.lockOKMQSet;
    return namespace === undefined ? locked : locked.map((queue) => namespace.unwrapTopic(queue));
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
    return new StoredMessage(this.namespace?.records(answer.body) ?? answer.body);
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
    if (answer.code !== ResponseCode.SUCCESS) return [];
    return decodeRecords(this.namespace?.records(answer.body) ?? answer.body);
  }

  /** The promise of remoting as it is. */
  private send<C extends CommandDefinition>(
    address: string,
    definition: C,
    asked: Asking<C>,
    options: InvokeOptions<C>,
  ): Promise<Answer<C>> {
    if (this.namespace === undefined && !this.isVip) {
      return this.remoting.invoke(address, definition, asked, options);
    }
    const named = this.namespace?.asked(definition, asked) ?? asked;
    const target = this.isVip ? vipAddress(address) : address;
    return this.remoting.invoke(target, definition, named, options);
  }

  /** What a pull brought, with names for users. */
  private plain(answer: PullAnswer): PullAnswer {
    const { namespace } = this;
    if (namespace === undefined || answer.body === undefined) return answer;
    const { code, name, remark, header, version, extFields } = answer;
    const body = namespace.records(answer.body);
    return { code, name, remark, header, version, extFields, body };
  }

  private lockBody(holder: LockHolder, queues: readonly MessageQueue[]) {
    const { namespace } = this;
    const mqSet = queues.map(bare);
    return {
      clientId: holder.clientId,
      consumerGroup: namespace?.wrap(holder.group) ?? holder.group,
      mqSet: namespace === undefined ? mqSet : mqSet.map((queue) => namespace.wrapTopic(queue)),
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
    const named = this.namespace?.asked(definition, asked) ?? asked;
    const target = this.isVip && !atFirstPort.has(definition) ? vipAddress(address) : address;
    try {
      return await this.remoting.invoke(target, definition, named, { ...options, timeoutMs });
    } catch (error) {
      throw refusal(error, address, definition.name);
    }
  }
}
