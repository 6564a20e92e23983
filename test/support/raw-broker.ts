import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type BrokerOptions, type RunningBroker, startBroker } from '@nestjs-rocketmq/broker';
import { silentLogger, systemClock } from '@nestjs-rocketmq/foundation';
import { decodeRecords, encodeProperties, type StoredMessage } from '@nestjs-rocketmq/message';
import {
  type Asking,
  type ConsumerData,
  GetMaxOffset,
  HeartBeat,
  PullMessage,
  PullSysFlag,
  SendMessageV2,
  subscriptionGroupConfig,
  UpdateAndCreateSubscriptiongroup,
} from '@nestjs-rocketmq/protocol';
import { type Answer, RemotingClient, type Router } from '@nestjs-rocketmq/remoting';

export interface SendHow {
  readonly queueId?: number;
  readonly properties?: Record<string, string>;
  readonly more?: Partial<Asking<typeof SendMessageV2>>;
}

export interface PullHow {
  readonly group?: string;
  readonly queueId?: number;
  readonly offset?: number;
  readonly subscription?: string;
  readonly expressionType?: string;
  /** True: the subscription that the group's heartbeats announced counts. */
  readonly announced?: boolean;
  readonly subVersion?: number;
  readonly waitMillis?: number;
  readonly maxCount?: number;
}

const smallLog = { mappedFileSizeCommitLog: 16 * 1024 * 1024 };

/** A folder for one spec; gone when it ends. */
export function temporaryFolder(): { path: string; remove: () => void } {
  const path = mkdtempSync(join(tmpdir(), 'nestjs-rocketmq-'));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}

/** A broker on a folder of its own, and a client that speaks to it in single commands. */
export class RawBroker implements AsyncDisposable {
  private constructor(
    readonly broker: RunningBroker,
    readonly client: RemotingClient,
    private readonly remove: () => void,
  ) {}

  static async start(
    properties: Record<string, unknown> = {},
    options: BrokerOptions & { router?: Router } = {},
  ): Promise<RawBroker> {
    const folder = options.dir === undefined ? temporaryFolder() : undefined;
    const broker = await startBroker({
      logger: silentLogger,
      ...options,
      dir: folder?.path ?? (options.dir || undefined),
      properties: {
        listenPort: 0,
        bindAddress: '127.0.0.1',
        brokerIP1: '127.0.0.1',
        brokerName: 'broker-a',
        // A slow disk of the machine that runs the specs is not what they ask about.
        brokerFastFailureEnable: false,
        // Nor does a clock that leaps make silent clients.
        ...(options.clock !== undefined && { serverChannelMaxIdleTimeSeconds: 86_400 }),
        ...(properties['mapedFileSizeCommitLog'] === undefined && smallLog),
        ...properties,
      },
    });
    const { router } = options;
    const client = RawBroker.clientOf(router);
    return new RawBroker(broker, client, () => folder?.remove());
  }

  static clientOf(router?: Router): RemotingClient {
    return new RemotingClient({ clock: systemClock, logger: silentLogger, router });
  }

  get address(): string {
    return this.broker.address;
  }

  send(
    topic: string,
    body: string | Uint8Array,
    how: SendHow = {},
  ): Promise<Answer<typeof SendMessageV2>> {
    const asked = {
      producerGroup: 'producers',
      topic,
      defaultTopic: 'TBW102',
      defaultTopicQueueNums: 4,
      queueId: how.queueId ?? 0,
      sysFlag: 0,
      bornTimestamp: Date.now(),
      flag: 0,
      properties: encodeProperties(how.properties ?? {}),
      ...how.more,
    };
    const bytes = typeof body === 'string' ? new TextEncoder().encode(body) : body;
    return this.client.invoke(this.address, SendMessageV2, asked, {
      body: bytes,
      timeoutMs: 30_000,
    });
  }

  async pull(topic: string, how: PullHow = {}): Promise<Answer<typeof PullMessage>> {
    const wait = how.waitMillis ?? 0;
    const asked = {
      consumerGroup: how.group ?? 'consumers',
      topic,
      queueId: how.queueId ?? 0,
      queueOffset: how.offset ?? 0,
      maxMsgNums: how.maxCount ?? 32,
      sysFlag:
        (how.announced === true ? 0 : PullSysFlag.subscription) |
        (wait > 0 ? PullSysFlag.suspend : 0),
      commitOffset: 0,
      suspendTimeoutMillis: wait,
      subscription: how.subscription ?? '*',
      subVersion: how.subVersion ?? 0,
      ...(how.expressionType === undefined ? {} : { expressionType: how.expressionType }),
    };
    return this.client.invoke(this.address, PullMessage, asked, { timeoutMs: wait + 30_000 });
  }

  /** Pulls until there are `count` messages in the queue; waits for them with long polls. */
  async receive(topic: string, count: number, how: PullHow = {}): Promise<StoredMessage[]> {
    const messages: StoredMessage[] = [];
    let offset = how.offset ?? 0;
    while (messages.length < count) {
      const answer = await this.pull(topic, { waitMillis: 30_000, ...how, offset });
      if (answer.name !== 'SUCCESS' && answer.name !== 'PULL_RETRY_IMMEDIATELY') {
        throw new Error(`${messages.length} of ${count} messages of ${topic}: ${answer.name}`);
      }
      if (answer.name === 'SUCCESS') messages.push(...decodeRecords(answer.body));
      offset = answer.header.nextBeginOffset;
    }
    return messages;
  }

  async maxOffset(topic: string, queueId = 0): Promise<number> {
    const answer = await this.client.invoke(
      this.address,
      GetMaxOffset,
      { topic, queueId },
      { timeoutMs: 30_000 },
    );
    return answer.header.offset;
  }

  createGroup(groupName: string): Promise<void> {
    return createGroup(this.client, this.address, groupName);
  }

  async heartbeat(
    clientID: string,
    groups: { producers?: string[]; consumers?: ConsumerData[] },
    client = this.client,
  ): Promise<Answer<typeof HeartBeat>> {
    const body = {
      clientID,
      producerDataSet: (groups.producers ?? []).map((groupName) => ({ groupName })),
      consumerDataSet: groups.consumers ?? [],
      heartbeatFingerprint: 0,
      withoutSub: false,
    };
    return client.invoke(this.address, HeartBeat, {}, { body, timeoutMs: 30_000 });
  }

  async close(): Promise<void> {
    await this.client.close();
    await this.broker.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
    this.remove();
  }
}

/** Makes a group known; brokers keep offsets of known ones only. */
export async function createGroup(
  client: RemotingClient,
  address: string,
  groupName: string,
): Promise<void> {
  const body = subscriptionGroupConfig.read({ groupName }, 'group');
  await client.invoke(address, UpdateAndCreateSubscriptiongroup, {}, { body, timeoutMs: 30_000 });
}

/** A consumer group as its heartbeat describes it. */
export function consumerOf(
  groupName: string,
  topic: string,
  subString = '*',
  expressionType = 'TAG',
): ConsumerData {
  return {
    groupName,
    consumeType: 'CONSUME_PASSIVELY',
    messageModel: 'CLUSTERING',
    consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET',
    unitMode: false,
    subscriptionDataSet: [
      {
        topic,
        subString,
        subVersion: 1,
        tagsSet: [],
        codeSet: [],
        classFilterMode: false,
        expressionType,
      },
    ],
  };
}
