import { randomBytes } from 'node:crypto';
import {
  BrokerRefusedError,
  Producer,
  type ProducerOptions,
  PushConsumer,
  type PushConsumerOptions,
  type SendOptions,
} from '@nestjs-rocketmq/client';
import { messageOf, silentLogger } from '@nestjs-rocketmq/foundation';
import { SeededRandom } from '@nestjs-rocketmq/foundation/testing';
import type { StoredMessage } from '@nestjs-rocketmq/message';
import { eventually } from '../support/eventually.js';
import { brokerNames, type Cluster, longestBody, queuesOfTopic } from './cluster.js';
import type { RelayNetwork } from './fault-relay.js';
import type { History, Place } from './history.js';
import type { TestClock } from './test-clock.js';

const sharedWithinMs = 60_000;
/** Attempts after the first before a message is dead. */
export const maxReconsumeTimes = 2;
/** While so many are not handled yet, senders wait. */
const mostUnhandled = 4_000;
/** Messages that can never be consumed; at most so many. */
const mostNever = 10;

export interface LoadOptions {
  readonly topic: string;
  readonly seed: number;
  readonly cluster: Cluster;
  readonly network: RelayNetwork;
  readonly clock: TestClock;
  readonly history: History;
  /** Senders that leave the queue to the client; none of their sends may fail with one broker left. */
  readonly free: number;
  /** Senders with a queue of their own each. */
  readonly lanes: number;
  /** The part of messages that fail at first or always. */
  readonly troubles: number;
  readonly producer?: Partial<ProducerOptions>;
  readonly consumer?: Partial<PushConsumerOptions>;
}

/** Senders and two consumer groups that go as fast as they are let. */
export class Load {
  readonly concurrentGroup: string;
  readonly orderlyGroup: string;
  readonly consumers: PushConsumer[] = [];
  readonly producer: Producer;
  /** What failed at senders that leave the queue to the client. */
  readonly failures: string[] = [];
  private readonly random: SeededRandom;
  private readonly running: Promise<void>[] = [];
  private isStopped = false;
  private count = 0;
  private nevers = 0;
  private members = 0;
  private readonly body = randomBytes(longestBody + 1);

  constructor(readonly options: LoadOptions) {
    this.random = new SeededRandom(options.seed);
    this.concurrentGroup = `${options.topic}-concurrent`;
    this.orderlyGroup = `${options.topic}-orderly`;
    this.producer = new Producer({
      group: `${options.topic}-producers`,
      ...this.client(),
      compressBodyOver: 4 * longestBody,
      // How slow the machine is that runs this is no matter.
      sendTimeout: '20s',
      ...options.producer,
    });
  }

  async open(): Promise<void> {
    await this.producer.start();
    for (const group of [this.concurrentGroup, this.orderlyGroup]) {
      for (let n = 0; n < 2; n += 1) this.create(group);
    }
    await Promise.all(this.consumers.map((one) => one.start()));
    // Queues that still change hands would be a reason to repeat something.
    await eventually('every queue in one hand', sharedWithinMs, () =>
      this.isShared() ? true : undefined,
    );
    const { free, lanes } = this.options;
    for (let n = 0; n < free; n += 1) this.running.push(this.sendFree());
    for (let n = 0; n < lanes; n += 1) this.running.push(this.sendInLane(n));
  }

  /** Whether each group has every queue of the topic once. */
  private isShared(): boolean {
    const { topic } = this.options;
    const all = brokerNames.length * queuesOfTopic;
    return [this.concurrentGroup, this.orderlyGroup].every((group) => {
      const members = this.consumers.filter((one) => one.group === group);
      const shares = members.map(
        (one) => one.assignedQueues().filter((queue) => queue.topic === topic).length,
      );
      return shares.every((share) => share === all / members.length);
    });
  }

  /** One more member of a group, not started yet. */
  create(group: string): PushConsumer {
    const { history, topic, consumer } = this.options;
    const member = `member-${(this.members += 1)}`;
    const isOrderly = group === this.orderlyGroup;
    const one = new PushConsumer({
      group,
      ...this.client(),
      subscriptions: [{ topic }],
      from: 'first',
      mode: isOrderly ? 'orderly' : 'concurrent',
      maxReconsumeTimes: isOrderly ? -1 : maxReconsumeTimes,
      pullRetryDelay: '100ms',
      persistConsumerOffsetInterval: '1s',
      ...consumer,
      listener: async ([message], { queue }) => {
        // Calls overlap with others, as real ones do.
        await new Promise<void>((done) => void setImmediate(done));
        const one = message as StoredMessage;
        const id = idOf(one);
        const { brokerName, queueId } = queue;
        const place: Place = { brokerName, queueId, offset: one.queueOffset };
        const times = one.reconsumeTimes;
        history.append({ kind: 'handled', id, group, member, place, times });
        if (isOrderly || !isTrouble(id, times)) return { kind: 'success' };
        return { kind: 'retry' };
      },
    });
    this.consumers.push(one);
    return one;
  }

  async leave(consumer: PushConsumer, deadline: number): Promise<void> {
    const at = this.consumers.indexOf(consumer);
    if (at >= 0) this.consumers.splice(at, 1);
    await consumer.close({ deadline });
  }

  /** No further sends; resolves when those under way have ended. */
  async stopSending(): Promise<void> {
    this.isStopped = true;
    await Promise.all(this.running);
  }

  async close(): Promise<void> {
    await this.stopSending();
    const consumers = this.consumers.map((one) => one.close({ deadline: 10_000 }));
    await Promise.all([this.producer.close({ deadline: 10_000 }), ...consumers]);
  }

  private client() {
    const { cluster, network, clock } = this.options;
    return {
      nameServers: cluster.nameServers,
      network,
      clock,
      logger: silentLogger,
      pollNameServerInterval: '5s',
      heartbeatBrokerInterval: '1s',
    };
  }

  private async sendFree(): Promise<void> {
    while (!this.isStopped) {
      await this.pace();
      const dice = this.random.next();
      await this.send(`${this.kind(dice)}-${(this.count += 1)}`, undefined, {}, dice > 0.998);
    }
  }

  private kind(dice: number): 'free' | 'never' | 'second' {
    const { troubles } = this.options;
    if (dice > troubles) return 'free';
    if (dice > troubles / 2 || this.nevers >= mostNever) return 'second';
    this.nevers += 1;
    return 'never';
  }

  /** One message after the other to one queue. */
  private async sendInLane(lane: number): Promise<void> {
    const brokerName = brokerNames[lane % brokerNames.length] as string;
    const queueId = Math.floor(lane / brokerNames.length) % queuesOfTopic;
    const queue = { topic: this.options.topic, brokerName, queueId };
    while (!this.isStopped) {
      await this.pace();
      await this.send(`lane-${(this.count += 1)}`, lane, { queue }, false);
    }
  }

  private async send(
    id: string,
    lane: number | undefined,
    options: SendOptions,
    isTooLong: boolean,
  ): Promise<void> {
    const { history, topic } = this.options;
    history.append({ kind: 'invoke', id, lane });
    const length = isTooLong ? longestBody + 1 : 20 + this.random.below(400);
    const body = Buffer.from(this.body.subarray(0, length));
    body.write(`${id} `);
    try {
      const { queue, queueOffset } = await this.producer.send({ topic, body }, options);
      const { brokerName, queueId } = queue;
      history.append({ kind: 'ok', id, place: { brokerName, queueId, offset: queueOffset } });
    } catch (error) {
      const kind = isTooLong && error instanceof BrokerRefusedError ? 'failed' : 'unknown';
      history.append({ kind, id, why: messageOf(error) });
      if (lane === undefined && kind === 'unknown')
        this.failures.push(`${id}: ${messageOf(error)}`);
      // A caller whose send failed waits a little before the next one.
      if (kind === 'unknown') await new Promise((done) => setTimeout(done, 20));
    }
  }

  private async pace(): Promise<void> {
    const { history } = this.options;
    const unhandled = (): number =>
      2 * history.counts.acknowledged - history.counts.handled + history.counts.repeated;
    while (unhandled() > 2 * mostUnhandled && !this.isStopped) {
      await new Promise((done) => setTimeout(done, 5));
    }
  }
}

/** The id at the beginning of a body. */
export function idOf(message: StoredMessage): string {
  return Buffer.from(message.body.subarray(0, 32)).toString('latin1').split(' ')[0] as string;
}

/** Whether an attempt fails. */
function isTrouble(id: string, times: number): boolean {
  return id.startsWith('never-') || (id.startsWith('second-') && times === 0);
}
