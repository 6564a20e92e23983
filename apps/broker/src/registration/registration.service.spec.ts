import { Deferred, silentLogger } from '@nestjs-rocketmq/foundation';
import { ManualClock } from '@nestjs-rocketmq/foundation/testing';
import {
  decodeRegisterBrokerBody,
  type RegisterBroker,
  WireVersion,
} from '@nestjs-rocketmq/protocol';
import type { RemotingClient } from '@nestjs-rocketmq/remoting';
import { MemoryTable } from '../testing/memory-table.js';
import { TopicTable } from '../topics/topic-table.js';
import { RegistrationService } from './registration.service.js';

interface Told {
  readonly address: string;
  readonly name: string;
  readonly topics: string[];
}

/** Name servers that write down what they are told; `hold` makes them slow. */
class NameServers {
  readonly told: Told[] = [];
  readonly dead = new Set<string>();
  hold: Deferred<void> | undefined;

  readonly client = {
    invoke: async (
      address: string,
      definition: typeof RegisterBroker,
      _: unknown,
      { body }: { body?: Uint8Array },
    ): Promise<void> => {
      if (this.dead.has(address)) throw new Error('nobody listens');
      const topics =
        body === undefined
          ? []
          : Object.keys(
              decodeRegisterBrokerBody(body, WireVersion.V5_3_3).topicConfigSerializeWrapper
                .topicConfigTable,
            );
      this.told.push({ address, name: definition.name, topics });
      await this.hold?.promise;
    },
  } as unknown as RemotingClient;
}

describe('RegistrationService', () => {
  let clock: ManualClock;
  let topics: TopicTable;
  let servers: NameServers;
  let service: RegistrationService;

  beforeEach(() => {
    clock = new ManualClock(0);
    topics = new TopicTable({
      file: new MemoryTable(),
      clock,
      logger: silentLogger,
      autoCreateTopicEnable: true,
    });
    topics.load([]);
    servers = new NameServers();
    service = new RegistrationService({
      client: servers.client,
      topics,
      clock,
      logger: silentLogger,
      identity: {
        brokerName: 'a',
        clusterName: 'c',
        brokerAddr: '127.0.0.1:1',
        haServerAddr: '127.0.0.1:2',
      },
      nameServers: ['one', 'two'],
      periodMillis: 30_000,
      timeoutMillis: 1000,
    });
  });

  it('tells every name server at the start, every period, and at the end', async () => {
    await service.open();
    expect(servers.told.map(({ address }) => address)).toEqual(['one', 'two']);
    await clock.advance(30_000);
    expect(servers.told).toHaveLength(4);
    await service.close();
    expect(servers.told.slice(4).map(({ name }) => name)).toEqual([
      'UNREGISTER_BROKER',
      'UNREGISTER_BROKER',
    ]);
    await clock.advance(60_000);
    expect(servers.told).toHaveLength(6);
  });

  it('has told of a new topic when the table says so', async () => {
    await service.open();
    topics.ensure('orders', 1);
    await topics.told();
    expect(servers.told.at(-1)?.topics).toContain('orders');
  });

  it('gathers what changes while a registration is under way', async () => {
    await service.open();
    servers.hold = new Deferred<void>();
    topics.ensure('t0', 1);
    await clock.advance(0);
    for (let i = 1; i < 100; i += 1) topics.ensure(`t${i}`, 1);
    servers.hold.resolve();
    servers.hold = undefined;
    await topics.told();
    expect(servers.told).toHaveLength(6);
    expect(servers.told.at(-1)?.topics).toHaveLength(100);
  });

  it('does not let a dead name server hold anybody up for long, and tells the others', async () => {
    servers.dead.add('one');
    await service.open();
    servers.hold = new Deferred<void>();
    topics.ensure('orders', 1);
    let isTold = false;
    const told = topics.told().then(() => (isTold = true));
    await clock.advance(2999);
    expect(isTold).toBe(false);
    await clock.advance(1);
    await told;
    expect(servers.told.every(({ address }) => address === 'two')).toBe(true);
    servers.hold.resolve();
  });

  it('says goodbye only where it was registered', async () => {
    servers.dead.add('one');
    await service.open();
    await service.close();
    const goodbyes = servers.told.filter(({ name }) => name === 'UNREGISTER_BROKER');
    expect(goodbyes.map(({ address }) => address)).toEqual(['two']);
  });
});
