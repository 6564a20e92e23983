import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { silentLogger, systemClock } from '@nestjs-rocketmq/foundation';
import {
  AddWritePermOfBroker,
  GetRouteinfoByTopic,
  UpdateAndCreateTopic,
  WipeWritePermOfBroker,
} from '@nestjs-rocketmq/protocol';
import { RemotingClient } from '@nestjs-rocketmq/remoting';
import { eventually } from '../support/eventually.js';
import { freePorts, type RunningProgram, temporaryFolder } from '../support/java.js';
import { startOurBroker, startOurNameserver } from '../support/our-servers.js';

export const queuesOfTopic = 4;
export const brokerNames = ['broker-a', 'broker-b'] as const;
/** A body over this is refused by the brokers. */
export const longestBody = 64 * 1024;
const timeoutMs = 30_000;
const patienceMs = 60_000;

interface Server {
  program: RunningProgram;
  readonly address: string;
}

/** Two name servers and two brokers, each a process of its own, as operators run them. */
export class Cluster {
  readonly control = new RemotingClient({ clock: systemClock, logger: silentLogger });
  private readonly nameservers: Server[] = [];
  private readonly brokers = new Map<string, Server>();
  private readonly folder = temporaryFolder('client-faults');

  static async start(): Promise<Cluster> {
    const cluster = new Cluster();
    for (let n = 0; n < 2; n += 1) cluster.nameservers.push(await startOurNameserver());
    await Promise.all(brokerNames.map((name) => cluster.startBroker(name)));
    return cluster;
  }

  get nameServers(): string {
    return this.nameservers.map(({ address }) => address).join(';');
  }

  address(broker: string): string {
    const server = this.brokers.get(broker);
    if (server === undefined) throw new Error(`${broker} was never started`);
    return server.address;
  }

  /** A topic with its queues on both brokers, known to the name servers. */
  async topic(topic: string): Promise<void> {
    const asked = {
      topic,
      defaultTopic: 'TBW102',
      readQueueNums: queuesOfTopic,
      writeQueueNums: queuesOfTopic,
      perm: 6,
      topicFilterType: 'SINGLE_TAG',
      topicSysFlag: 0,
      order: false,
    } as const;
    for (const name of brokerNames) {
      await this.control.invoke(this.address(name), UpdateAndCreateTopic, asked, { timeoutMs });
    }
    await this.hasBrokers(topic, 2);
  }

  /** Waits until every name server names so many brokers of a topic that can be written. */
  async hasBrokers(topic: string, count: number): Promise<void> {
    for (const { address } of this.nameservers) {
      await eventually(`${count} brokers of ${topic} at ${address}`, patienceMs, async () => {
        try {
          const answer = await this.control.invoke(
            address,
            GetRouteinfoByTopic,
            { topic },
            { timeoutMs },
          );
          const queues = answer.body.queueDatas.filter(({ perm }) => (perm & 2) !== 0);
          return queues.length === count ? true : undefined;
        } catch {
          return count === 0 ? true : undefined;
        }
      });
    }
  }

  /** From now on nobody is told to write to a broker, or they are again. */
  async permitWriting(brokerName: string, isPermitted: boolean): Promise<void> {
    const command = isPermitted ? AddWritePermOfBroker : WipeWritePermOfBroker;
    for (const { address } of this.nameservers) {
      await this.control.invoke(address, command, { brokerName }, { timeoutMs });
    }
  }

  /** On its old port, unless another is wished. */
  async startBroker(name: string, onAnotherPort = false): Promise<void> {
    const before = this.brokers.get(name);
    const port =
      before === undefined || onAnotherPort
        ? await freePorts([-2, 0, 1])
        : Number(before.address.split(':')[1]);
    const { program, address } = await startOurBroker({
      nameServers: this.nameServers,
      storeDir: join(this.folder, name),
      port,
      properties: {
        bindAddress: '127.0.0.1',
        brokerName: name,
        registerNameServerPeriod: 10_000,
        messageDelayLevel: '1s 1s 1s 1s 1s 1s',
        maxMessageSize: longestBody,
        mappedFileSizeCommitLog: 32 * 1024 * 1024,
        flushConsumerOffsetInterval: 500,
      },
    });
    this.brokers.set(name, { program, address });
  }

  killBroker(name: string): Promise<void> {
    return this.broker(name).kill();
  }

  /** It says farewell to the name servers. */
  stopBroker(name: string): Promise<void> {
    return this.broker(name).stop();
  }

  /** The process stands still; its sockets stay open. */
  freezeBroker(name: string): void {
    process.kill(this.broker(name).pid, 'SIGSTOP');
  }

  thawBroker(name: string): void {
    process.kill(this.broker(name).pid, 'SIGCONT');
  }

  async killNameservers(): Promise<void> {
    await Promise.all(this.nameservers.map(({ program }) => program.kill()));
  }

  async startNameservers(): Promise<void> {
    for (const server of this.nameservers) {
      const { program } = await startOurNameserver(Number(server.address.split(':')[1]));
      server.program = program;
    }
  }

  async close(): Promise<void> {
    await this.control.close({ deadlineMs: 100 });
    const all = [...this.brokers.values(), ...this.nameservers];
    await Promise.all(all.map(({ program }) => program.kill()));
    rmSync(this.folder, { recursive: true, force: true });
  }

  private broker(name: string): RunningProgram {
    const server = this.brokers.get(name);
    if (server === undefined) throw new Error(`${name} was never started`);
    return server.program;
  }
}
