import { ClientInstance, PullConsumer } from '@nestjs-rocketmq/client';
import { EmbeddedRocketMQ } from '@nestjs-rocketmq/embedded';
import type { Logger } from '@nestjs-rocketmq/foundation';
import type { MessageQueue, StoredMessage } from '@nestjs-rocketmq/message';
import type { MemoryFileSystem } from './disk/memory-file-system.js';
import type { MemoryNetwork } from './network/memory-network.js';
import type { KitClock } from './time/kit-clock.js';

/** Where a cluster of a kit lives. */
export interface ClusterSurroundings {
  readonly clock: KitClock;
  readonly network: MemoryNetwork;
  readonly disk: MemoryFileSystem;
  readonly logger: Logger;
  readonly broker: Readonly<Record<string, unknown>>;
  readonly queues: number;
}

const oneMebibyte = 1024 * 1024;

/** Small files, for most tests store little and all of them want to start soon. */
const smallStore = {
  mappedFileSizeCommitLog: 64 * oneMebibyte,
  mappedFileSizeConsumeQueue: 20 * 4096,
  maxHashSlotNum: 4096,
  maxIndexNum: 16_384,
};

/** Seldom saved, seldom told: every timer that comes costs real time. */
const calm = {
  registerNameServerPeriod: 60_000,
  flushConsumerOffsetInterval: 60_000,
  flushDelayOffsetInterval: 60_000,
};

/** Who asks on behalf of the tests. */
const kitGroup = 'rocketmq-test-kit';

/** A name server and a broker in memory: what one connection of the application meets. */
export class KitCluster {
  readonly nameServers: string;
  private starting: Promise<EmbeddedRocketMQ> | undefined;
  private readonly known = new Set<string>();
  private readerStarting: Promise<PullConsumer> | undefined;
  private instance: ClientInstance | undefined;

  constructor(
    readonly name: string,
    private readonly ports: { readonly nameServer: number; readonly broker: number },
    private readonly parts: ClusterSurroundings,
  ) {
    this.nameServers = `127.0.0.1:${ports.nameServer}`;
  }

  start(): Promise<EmbeddedRocketMQ> {
    const { clock, network, disk, logger, broker } = this.parts;
    this.starting ??= EmbeddedRocketMQ.start({
      clock,
      network,
      fileSystem: disk,
      dir: `/rocketmq/${this.name}`,
      nameserver: { listenPort: this.ports.nameServer },
      broker: { ...smallStore, ...calm, listenPort: this.ports.broker, ...broker },
      logger,
    });
    return this.starting;
  }

  disconnect(): void {
    this.parts.network.disconnect(this.ports.broker);
  }

  reconnect(): void {
    this.parts.network.reconnect(this.ports.broker);
  }

  /** Makes a topic, unless it is there: a listener that starts before the first send gets everything. */
  async makeTopic(topic: string): Promise<void> {
    if (this.known.has(topic)) return;
    this.known.add(topic);
    const { admin } = await this.reader();
    await admin.createTopic(topic, { queues: this.parts.queues });
  }

  /** Everything that stands in a topic, in the order in which it was stored. */
  async messagesOf(topic: string): Promise<StoredMessage[]> {
    if (this.starting === undefined) return [];
    const reader = await this.reader();
    const queues = await reader.fetchMessageQueues(topic).catch(() => []);
    const found = await Promise.all(queues.map((queue) => this.messagesIn(reader, queue)));
    return found.flat().toSorted((one, other) => one.logPosition - other.logPosition);
  }

  async close(): Promise<void> {
    const reader = await this.readerStarting?.catch(() => undefined);
    await reader?.close();
    await this.instance?.close();
    const embedded = await this.starting?.catch(() => undefined);
    await embedded?.close();
  }

  private async messagesIn(reader: PullConsumer, queue: MessageQueue): Promise<StoredMessage[]> {
    const messages: StoredMessage[] = [];
    let offset = await reader.minOffset(queue);
    const end = await reader.maxOffset(queue);
    while (offset < end) {
      const pulled = await reader.pull(queue, '*', offset, 32);
      messages.push(...pulled.messages);
      if (pulled.nextOffset <= offset) break;
      offset = pulled.nextOffset;
    }
    return messages;
  }

  private reader(): Promise<PullConsumer> {
    this.readerStarting ??= this.startReader();
    return this.readerStarting;
  }

  private async startReader(): Promise<PullConsumer> {
    await this.start();
    const { clock, network, logger } = this.parts;
    const { nameServers } = this;
    this.instance = new ClientInstance({
      nameServers,
      clock,
      network,
      logger,
      pollNameServerInterval: '5m',
      heartbeatBrokerInterval: '1m',
    });
    const reader = new PullConsumer({ instance: this.instance, group: kitGroup });
    await reader.start();
    return reader;
  }
}
