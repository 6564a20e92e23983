import { systemClock } from '@nestjs-rocketmq/foundation';
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import {
  LitePullConsumer,
  Producer,
  PullConsumer,
  PushConsumer,
  type LitePullConsumerOptions,
  type MessageBatch,
  type ProducerOptions,
  type PushConsumerOptions,
  type SendOptions,
} from '@nestjs-rocketmq/client';
import type { MessageQueue, OutgoingMessage } from '@nestjs-rocketmq/message';
import { Inbox } from '../../support/client-cluster.js';
import { eventually } from '../../support/eventually.js';
import { RawBroker } from '../../support/raw-broker.js';
import {
  askByHand,
  createTopic,
  startJavaBroker,
  startJavaServers,
  temporaryFolder,
  untilRegistered,
} from '../../support/java.js';
import { startOurBroker, startOurServers } from '../../support/our-servers.js';
import { listBrokerProperties, ListPlace, promptOpMessages } from '../client-list.js';
import { OurPeer } from '../our-peer.js';
import type { MatrixServer } from './case.js';

/** How long anything may take; machines are slow and busy. */
export const deadline = 90_000;

/** A broker beside that of the column, of the same kind, with properties of its own. */
export interface ExtraBroker {
  readonly name: string;
  readonly port: number;
  /** Makes a topic of one queue here (`alsoThere`: at the column's broker too); waits for its route. */
  topic(word: string, alsoThere?: boolean): Promise<string>;
}

/** A server and what cases need of it. One for all cases of a column. */
export class Stand implements AsyncDisposable {
  readonly folder = temporaryFolder('matrix');
  private readonly closers: (() => Promise<unknown>)[] = [];
  private count = 0;

  private constructor(
    readonly server: MatrixServer,
    readonly nameServers: string,
    readonly brokerAddress: string,
    readonly brokerName: string,
    private readonly closeServers: () => Promise<void>,
    private readonly sender: Producer,
    private readonly looker: PullConsumer,
  ) {}

  static async start(server: MatrixServer): Promise<Stand> {
    const running = await startServers(server);
    const { nameServers } = running;
    const common = { nameServers, ...patience };
    const sender = new Producer({ ...common, sendTimeout, group: 'p-stand' });
    const looker = new PullConsumer({ ...common, group: 'c-stand' });
    const { brokerAddress, brokerName } = running;
    await Promise.all([sender.start(), looker.start()]);
    const close = () => running.close();
    return new Stand(server, nameServers, brokerAddress, brokerName, close, sender, looker);
  }

  /** What every client of ours is given. */
  common(): { readonly nameServers: string } & typeof patience {
    return { nameServers: this.nameServers, ...patience };
  }

  /** A client of the list that Java's play too, with its producer `p`. */
  async listPlace(form: 'json' | 'binary'): Promise<ListPlace> {
    const folder = join(this.folder, `peer-${this.next()}`);
    mkdirSync(folder);
    const peer = new OurPeer({ broker: this.brokerAddress, headerForm: form, folder });
    this.closers.push(() => peer.close());
    const group = `g-producer-${this.count}`;
    await peer.run('producer', { id: 'p', ns: this.nameServers, group });
    return new ListPlace(
      () => this,
      () => peer,
      `ours-${form}-${this.count}`,
    );
  }

  /** A group or other name that no other case uses. */
  name(word: string): string {
    return `${word}-${this.next()}`;
  }

  async producer(options: Partial<ProducerOptions> = {}): Promise<Producer> {
    const producer = new Producer({
      ...this.common(),
      sendTimeout,
      group: this.name('p'),
      ...options,
    });
    this.closers.push(() => producer.close());
    await producer.start();
    return producer;
  }

  /** Its inbox takes every message, and `listener` answers; success by default. */
  async push(
    options: Partial<PushConsumerOptions> &
      Pick<PushConsumerOptions, 'subscriptions'> & { readonly isPaused?: boolean },
  ): Promise<{ consumer: PushConsumer; inbox: Inbox }> {
    const inbox = new Inbox();
    const { listener = () => ({ kind: 'success' }), isPaused = false, ...rest } = options;
    const consumer = new PushConsumer({
      ...this.common(),
      group: this.name('c'),
      from: 'first',
      rebalanceInterval: 1_000,
      heartbeatBrokerInterval: 1_000,
      persistConsumerOffsetInterval: 1_000,
      offsetDirectory: this.folder,
      ...rest,
      listener: (messages, context) => {
        inbox.take(messages);
        return listener(messages, context);
      },
    });
    this.closers.push(() => consumer.close({ deadline: 1_000 }));
    if (isPaused) consumer.pause();
    await consumer.start();
    return { consumer, inbox };
  }

  async lite(
    options: Partial<LitePullConsumerOptions> & { group: string },
  ): Promise<LitePullConsumer> {
    const consumer = new LitePullConsumer({ ...this.common(), from: 'first', ...options });
    this.closers.push(() => consumer.close({ deadline: 1_000 }));
    await consumer.start();
    return consumer;
  }

  /** Makes a topic; its route is known when this resolves. */
  async topic(word: string, queues = 1): Promise<MessageQueue[]> {
    const topic = this.name(word);
    await createTopic(this.brokerAddress, topic, queues);
    const { brokerName } = this;
    const all = Array.from({ length: queues }, (_, queueId) => ({ topic, brokerName, queueId }));
    await eventually(`route of ${topic}`, deadline, () =>
      this.looker.fetchMessageQueues(topic).catch(() => undefined),
    );
    return all;
  }

  /** A topic of one queue with the messages 0, 1, ... with the tags `even` and `odd`. */
  async filled(word: string, count: number): Promise<MessageQueue> {
    const [queue] = (await this.topic(word)) as [MessageQueue];
    await this.fill(queue, 0, count);
    return queue;
  }

  /** Sends the messages `from` to `to` - 1 in order; a lite or plain pull sees them when this resolves. */
  async fill(queue: MessageQueue, from: number, to: number): Promise<void> {
    const end = await this.looker.maxOffset(queue);
    for (let i = from; i < to; i += 1) {
      const tags = i % 2 === 0 ? 'even' : 'odd';
      await this.send({ topic: queue.topic, body: Buffer.from(`${i}`), tags }, { queue });
    }
    await eventually(`${to - from} messages`, deadline, async () =>
      (await this.looker.maxOffset(queue)) === end + to - from ? true : undefined,
    );
  }

  /**
   * A broker of ours beside the one of the column, for cases that lose one. It makes no topics by
   * itself, so that no other case comes upon it.
   */
  async secondBroker(): Promise<{
    readonly name: string;
    makeTopic(topic: string, queues: number): Promise<void>;
    close(): Promise<void>;
  }> {
    const name = this.name('broker-second');
    const raw = await RawBroker.start({
      namesrvAddr: this.nameServers,
      brokerName: name,
      brokerClusterName: 'DefaultCluster',
      autoCreateTopicEnable: false,
    });
    this.closers.push(() => raw[Symbol.asyncDispose]());
    await untilRegistered(this.nameServers, raw.address);
    return {
      name,
      close: () => raw.close(),
      makeTopic: async (topic, queues) => {
        await createTopic(raw.address, topic, queues);
        await eventually(`${topic} at ${name}`, deadline, async () => {
          const all = await this.looker.fetchMessageQueues(topic).catch(() => []);
          return all.some((queue) => queue.brokerName === name) || undefined;
        });
      },
    };
  }

  /** Started once for all cases that share it; it makes no topics by itself. */
  async extraBroker(properties: Record<string, string | number | boolean>): Promise<ExtraBroker> {
    const name = this.name('broker-extra');
    const { server, nameServers } = this;
    const all = { brokerName: name, autoCreateTopicEnable: false, ...properties };
    const address = await startExtraBroker(server, nameServers, all, (close) =>
      this.closers.push(close),
    );
    const topic = async (word: string, alsoThere = false): Promise<string> => {
      const made = this.name(word);
      await createTopic(address, made, 1);
      if (alsoThere) await createTopic(this.brokerAddress, made, 1);
      await eventually(`${made} at ${name}`, deadline, async () => {
        const queues = await this.looker.fetchMessageQueues(made).catch(() => []);
        return queues.length === (alsoThere ? 2 : 1) || undefined;
      });
      return made;
    };
    return { name, port: Number(address.split(':')[1]), topic };
  }

  /** Waits for a state of the outside. */
  async until(what: string, isSo: () => boolean | Promise<boolean>): Promise<void> {
    await eventually(what, deadline, async () => ((await isSo()) ? true : undefined));
  }

  /** Waits until the clock is well behind a time; answers the time then. */
  async laterThan(time: number | undefined): Promise<number> {
    await this.until('a later millisecond', () => Date.now() > (time ?? 0) + 5);
    return Date.now();
  }

  /** A handler that takes its time. */
  pause(ms: number): Promise<void> {
    return systemClock.sleep(ms);
  }

  /** What the broker keeps for a group. */
  async committed(group: string, queue: MessageQueue): Promise<number | undefined> {
    const asked = { consumerGroup: group, topic: queue.topic, queueId: `${queue.queueId}` };
    const answer = await askByHand(this.brokerAddress, 14, asked);
    const offset = /"offset":"?(\d+)/.exec(answer)?.[1];
    return offset === undefined ? undefined : Number(offset);
  }

  send(message: OutgoingMessage, options?: SendOptions) {
    return this.sender.send(message, options);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.closers.map((close) => close()));
    await this.sender.close();
    await this.looker.close();
    await this.closeServers();
    rmSync(this.folder, { recursive: true, force: true });
  }

  private next(): number {
    return (this.count += 1);
  }
}

const patience = { pollNameServerInterval: 1_000, requestTimeout: '60s' } as const;
const sendTimeout = '60s';

async function startServers(server: MatrixServer) {
  const properties = {
    ...listBrokerProperties,
    enablePropertyFilter: true,
    traceTopicEnable: true,
    // Brokers start new groups at 0 while they take the first messages of a queue to be in memory.
    accessMessageInMemoryMaxRatio: 0,
  };
  if (server === 'ours') return startOurServers({ properties });
  const more = { ...promptOpMessages, recallMessageEnable: true, timerWheelEnable: true };
  const java = await startJavaServers(server, {
    heapMb: 320,
    properties: { ...properties, ...(server === '4.9.7' ? {} : more) },
  });
  const { address, name } = java.broker;
  return { ...java, brokerAddress: address, brokerName: name };
}

async function startExtraBroker(
  server: MatrixServer,
  nameServers: string,
  properties: Record<string, string | number | boolean>,
  onClose: (close: () => Promise<unknown>) => void,
): Promise<string> {
  if (server !== 'ours') {
    const java = await startJavaBroker(server, { nameServers, heapMb: 320, properties });
    onClose(() => java.kill());
    return java.address;
  }
  const storeDir = temporaryFolder('extra-store');
  const ours = await startOurBroker({ nameServers, storeDir, properties });
  onClose(async () => {
    await ours.program.stop();
    rmSync(storeDir, { recursive: true, force: true });
  });
  await untilRegistered(nameServers, ours.address);
  return ours.address;
}

/** Polls until `count` messages came. */
export async function take(consumer: LitePullConsumer, count: number): Promise<string[]> {
  const seen: string[] = [];
  const end = Date.now() + deadline;
  while (seen.length < count && Date.now() < end) seen.push(...textsIn(await consumer.poll()));
  return seen;
}

export function textsIn(batch: MessageBatch | undefined): string[] {
  return (batch?.messages ?? []).map((one) => one.text);
}

export const numbers = (from: number, to: number): string[] =>
  Array.from({ length: to - from }, (_, i) => `${from + i}`);

export const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString();
