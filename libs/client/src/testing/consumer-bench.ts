import { ManualClock } from '@nestjs-rocketmq/foundation/testing';
import type { MessageQueue } from '@nestjs-rocketmq/message';
import { ResetConsumerClientOffset } from '@nestjs-rocketmq/protocol';
import { LoopbackNetwork } from '@nestjs-rocketmq/remoting/testing';
import type { Duration } from '../client-options.js';
import type { LitePullConsumerOptions } from '../consumer/lite-pull-options.js';
import { LitePullConsumer } from '../consumer/lite-pull-consumer.js';
import type { MessageBatch } from '../consumer/message-batch.js';
import type { PushConsumerOptions } from '../consumer/consumer-options.js';
import { PushConsumer } from '../consumer/push-consumer.js';
import { ScriptedCluster } from './scripted-cluster.js';

/**
 * For specs: push consumers of the group `g` on a scripted cluster, and what they saw. One for a
 * whole suite: `open` before each test, `close` after it.
 */
export class ConsumerBench {
  clock = new ManualClock();
  network = new LoopbackNetwork();
  cluster!: ScriptedCluster;
  seen: string[] = [];
  private consumers: (PushConsumer | LitePullConsumer)[] = [];

  /** A new clock, network and cluster, with the topic `t` of two queues and the group's retry topic. */
  async open(): Promise<void> {
    this.clock = new ManualClock();
    this.network = new LoopbackNetwork();
    this.seen = [];
    this.consumers = [];
    this.cluster = await ScriptedCluster.start(this.network, this.clock);
    this.cluster.addTopic('t', 2);
    this.cluster.addTopic('%RETRY%g', 1);
  }

  async consumer(options: Partial<PushConsumerOptions> = {}): Promise<PushConsumer> {
    const consumer = new PushConsumer({
      nameServers: this.cluster.nameServer,
      group: 'g',
      subscriptions: [{ topic: 't' }],
      from: 'first',
      clock: this.clock,
      network: this.network,
      listener: (messages) => {
        for (const one of messages) this.seen.push(one.text);
        return { kind: 'success' };
      },
      ...options,
    });
    this.consumers.push(consumer);
    await consumer.start();
    for (let i = 0; i < 20; i += 1) await this.clock.advance(0);
    return consumer;
  }

  /** A lite pull consumer of the group `g`, not started. */
  lite(options: Partial<LitePullConsumerOptions> = {}): LitePullConsumer {
    const { clock, network } = this;
    const nameServers = this.cluster.nameServer;
    const common = { nameServers, group: 'g', from: 'first', clock, network } as const;
    const consumer = new LitePullConsumer({ ...common, ...options });
    this.consumers.push(consumer);
    return consumer;
  }

  /** The same, started, with the topic `t`. */
  async startedLite(options: Partial<LitePullConsumerOptions> = {}): Promise<LitePullConsumer> {
    const consumer = this.lite({ subscriptions: [{ topic: 't' }], ...options });
    await this.done(consumer.start());
    return consumer;
  }

  /** The texts of the next batch; empty when none comes in time. */
  async polled(consumer: LitePullConsumer, timeout: Duration = '1s'): Promise<string[]> {
    return textsOf(await this.done(consumer.poll(timeout)));
  }

  /** The committed offset of a queue after the next round of storing. */
  async stored(queueId = 0): Promise<number | undefined> {
    await this.clock.advance(5_000);
    await this.until(() => false);
    return this.offset(queueId);
  }

  /** The committed offset of a queue. */
  offset(queueId: number, topic = 't'): number | undefined {
    return this.cluster.queues.offsets.get(`g ${topic} ${queueId}`);
  }

  /** An operator moves the group `g`, at every client that a broker knows. */
  reset(topic: string, offsets: readonly [MessageQueue, number][]): void {
    const asked = { topic, group: 'g', timestamp: 0, isForce: true };
    for (const peer of new Set(this.cluster.clients)) {
      peer.notify(ResetConsumerClientOffset, asked, { body: { offsetTable: [...offsets] } });
    }
  }

  /** Moves time until the work has ended. */
  async done<T>(work: Promise<T>): Promise<T> {
    let isOver = false;
    const over = (): void => void (isOver = true);
    work.then(over, over);
    for (let i = 0; i < 20 && !isOver; i += 1) await this.clock.advance(0);
    for (let i = 0; i < 1_000 && !isOver; i += 1) await this.clock.advance(100);
    return work;
  }

  /** Lets everything settle, without moving time, until `look` finds what it wants. */
  async until(look: () => boolean): Promise<void> {
    for (let i = 0; i < 300 && !look(); i += 1) await this.clock.advance(0);
  }

  async close(): Promise<void> {
    await this.done(Promise.all(this.consumers.map((one) => one.close({ deadline: 0 }))));
    await this.done(this.cluster.close());
  }
}

/** Messages with the texts `m<from>` up to, not including, `m<to>`. */
export function texts(from: number, to: number): { text: string }[] {
  return Array.from({ length: to - from }, (_, i) => ({ text: `m${from + i}` }));
}

/** The same, the texts only. */
export function named(from: number, to: number): string[] {
  return texts(from, to).map((one) => one.text);
}

export function textsOf(batch: MessageBatch | undefined): string[] {
  return (batch?.messages ?? []).map((one) => one.text);
}
