import { ManualClock } from '@nestjs-rocketmq/foundation/testing';
import { LoopbackNetwork } from '@nestjs-rocketmq/remoting/testing';
import type { ProducerOptions } from '../producer/producer-options.js';
import { Producer } from '../producer/producer.js';
import { ScriptedCluster } from './scripted-cluster.js';

/**
 * For specs: producers of the group `g` on a scripted cluster of two brokers with the topic `orders`.
 * Close it after each test.
 */
export class ProducerBench {
  private readonly producers: Producer[] = [];

  private constructor(
    readonly clock: ManualClock,
    readonly network: LoopbackNetwork,
    readonly cluster: ScriptedCluster,
  ) {}

  static async open(): Promise<ProducerBench> {
    const clock = new ManualClock();
    const network = new LoopbackNetwork();
    const cluster = await ScriptedCluster.start(network, clock, ['broker-a', 'broker-b']);
    cluster.addTopic('orders', 2);
    return new ProducerBench(clock, network, cluster);
  }

  /** A producer that has not started. */
  producer(options: Partial<ProducerOptions> = {}): Producer {
    const { clock, network } = this;
    const nameServers = this.cluster.nameServer;
    const producer = new Producer({ nameServers, group: 'g', clock, network, ...options });
    this.producers.push(producer);
    return producer;
  }

  async started(options?: Partial<ProducerOptions>): Promise<Producer> {
    const producer = this.producer(options);
    await producer.start();
    return producer;
  }

  async close(): Promise<void> {
    for (const producer of this.producers) await producer.close({ deadline: 0 });
    await this.cluster.close();
  }
}
