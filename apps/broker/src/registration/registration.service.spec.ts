import { Deferred, silentLogger } from '@nestjs-rocketmq/foundation';
import { ManualClock } from '@nestjs-rocketmq/foundation/testing';
import {
  decodeRegisterBrokerBody,
  ResponseCode,
  ResponseError,
  WireVersion,
} from '@nestjs-rocketmq/protocol';
import type { RemotingClient } from '@nestjs-rocketmq/remoting';
import { loadBrokerConfig } from '../broker.config.js';
import { MemoryTable } from '../testing/memory-table.js';
import { newTopic } from '../topics/topic.js';
import { TopicTable } from '../topics/topic-table.js';
import type { RegistrationSettings } from './registration.options.js';
import { RegistrationService } from './registration.service.js';

interface Told {
  readonly address: string;
  readonly name: string;
  readonly topics: string[];
  readonly perms: number[];
  readonly asked: Record<string, unknown>;
}

/** Name servers that write down what they are told; `hold` makes them slow. */
class NameServers {
  readonly told: Told[] = [];
  readonly dead = new Set<string>();
  readonly old = new Set<string>();
  hold: Deferred<void> | undefined;
  /** What they answer to QUERY_DATA_VERSION. */
  changed = false;
  orderTopics: Record<string, string> | undefined;
  private readonly closeListeners: (() => void)[] = [];

  /** Cuts the connection to one and lets nobody in any more. */
  cut(address: string): void {
    this.dead.add(address);
    for (const listener of this.closeListeners) listener();
  }

  named(name: string): Told[] {
    return this.told.filter((one) => one.name === name);
  }

  private async invoke(
    address: string,
    { name }: { name: string },
    asked: Record<string, unknown>,
    { body }: { body?: unknown } = {},
  ): Promise<unknown> {
    if (this.dead.has(address)) throw new Error('nobody listens');
    const isNew = name === 'QUERY_DATA_VERSION' || name === 'REGISTER_TOPIC_IN_NAMESRV';
    if (isNew && this.old.has(address)) {
      throw new ResponseError(ResponseCode.REQUEST_CODE_NOT_SUPPORTED, 'never heard of it');
    }
    const table =
      name === 'REGISTER_BROKER'
        ? decodeRegisterBrokerBody(body as Uint8Array, WireVersion.V5_3_3)
            .topicConfigSerializeWrapper.topicConfigTable
        : {};
    const perms = Object.values(table).map(({ perm }) => perm);
    this.told.push({ address, name, topics: Object.keys(table), perms, asked });
    await this.hold?.promise;
    if (name === 'QUERY_DATA_VERSION') return { header: { changed: this.changed } };
    if (name !== 'REGISTER_BROKER' || this.orderTopics === undefined) return {};
    return { body: { table: this.orderTopics } };
  }

  readonly client = {
    invoke: this.invoke.bind(this),
    notify: this.invoke.bind(this),
    onPeerClose: (listener: () => void) => this.closeListeners.push(listener),
    openPeers: () => ({ has: (address: string) => !this.dead.has(address) }),
  } as unknown as RemotingClient;
}

describe('RegistrationService', () => {
  let clock: ManualClock;
  let topics: TopicTable;
  let servers: NameServers;
  let open: RegistrationService[];

  beforeEach(() => {
    clock = new ManualClock(0);
    topics = new TopicTable({
      file: new MemoryTable(),
      clock,
      logger: silentLogger,
      options: { autoCreateTopicEnable: true },
    });
    topics.load([]);
    servers = new NameServers();
    open = [];
  });
  afterEach(async () => {
    for (const service of open) await service.close();
    expect(clock.waiting).toBe(0);
  });

  async function start(
    given: Record<string, unknown> = {},
    settings?: RegistrationSettings,
  ): Promise<RegistrationService> {
    const service = new RegistrationService({
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
      settings:
        settings ?? loadBrokerConfig({ namesrvAddr: 'one:1;two:2', ...given }, silentLogger),
    });
    open.push(service);
    await service.open();
    return service;
  }

  it('tells every name server at the start, every period, and at the end', async () => {
    const service = await start();
    expect(servers.told.map(({ address }) => address)).toEqual(['one:1', 'two:2']);
    await clock.advance(30_000);
    expect(servers.named('REGISTER_BROKER')).toHaveLength(4);
    await service.close();
    expect(servers.told.slice(4).map(({ name }) => name)).toEqual([
      'UNREGISTER_BROKER',
      'UNREGISTER_BROKER',
    ]);
    await clock.advance(60_000);
    expect(servers.told).toHaveLength(6);
  });

  it('has told of a new topic when the table says so', async () => {
    await start();
    topics.ensure('orders', 1);
    await topics.told();
    expect(servers.told.at(-1)?.topics).toContain('orders');
  });

  it('gathers what changes while a registration is under way', async () => {
    await start();
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
    servers.dead.add('one:1');
    await start();
    const hold = new Deferred<void>();
    servers.hold = hold;
    topics.ensure('orders', 1);
    let isTold = false;
    const told = topics.told().then(() => (isTold = true));
    await clock.advance(2999);
    expect(isTold).toBe(false);
    await clock.advance(1);
    await told;
    expect(servers.told.every(({ address }) => address === 'two:2')).toBe(true);
    servers.hold = undefined;
    hold.resolve();
  });

  it('says goodbye only where it was registered', async () => {
    servers.dead.add('one:1');
    const service = await start();
    await service.close();
    expect(servers.named('UNREGISTER_BROKER').map(({ address }) => address)).toEqual(['two:2']);
  });

  it('registers soon after a name server came up, or came back', async () => {
    servers.dead.add('one:1');
    await start();
    await clock.advance(3000);
    servers.dead.clear();
    await clock.advance(3000);
    expect(servers.told.map(({ address }) => address)).toEqual(['two:2', 'one:1']);
    servers.cut('two:2');
    servers.dead.clear();
    await clock.advance(3000);
    expect(servers.told.map(({ address }) => address)).toEqual(['two:2', 'one:1', 'two:2']);
  });

  it('asks first when told not to register without need', async () => {
    await start({ forceRegister: false, namesrvAddr: 'one:1' });
    await clock.advance(30_000);
    expect(servers.told.map(({ name }) => name)).toEqual(['REGISTER_BROKER', 'QUERY_DATA_VERSION']);
    servers.changed = true;
    await clock.advance(30_000);
    expect(servers.told.at(-1)?.name).toBe('REGISTER_BROKER');
    servers.old.add('one:1');
    await clock.advance(30_000);
    expect(servers.named('REGISTER_BROKER')).toHaveLength(3);
  });

  it('tells a single topic alone where it is asked to, and all to name servers before 5.0', async () => {
    servers.old.add('two:2');
    await start({ enableSingleTopicRegister: true });
    topics.ensure('orders', 1);
    await topics.told();
    expect(servers.told.slice(2).map(({ address, name }) => [address, name])).toEqual([
      ['one:1', 'REGISTER_TOPIC_IN_NAMESRV'],
      ['two:2', 'REGISTER_BROKER'],
    ]);
    expect(servers.named('REGISTER_TOPIC_IN_NAMESRV')[0]?.asked).toEqual({ topic: 'orders' });
  });

  it('tells all topics at once after a flood of changes', async () => {
    await start({ enableSingleTopicRegister: true, namesrvAddr: 'one:1' });
    servers.hold = new Deferred<void>();
    topics.ensure('t0', 1);
    await clock.advance(0);
    for (let i = 1; i <= 101; i += 1) topics.ensure(`t${i}`, 1);
    servers.hold.resolve();
    servers.hold = undefined;
    await topics.told();
    expect(servers.told.map(({ name }) => name)).toEqual([
      'REGISTER_BROKER',
      'REGISTER_TOPIC_IN_NAMESRV',
      'REGISTER_BROKER',
    ]);
  });

  it('says in the header that a registration is compressed, and it is', async () => {
    topics.ensure('orders', 3);
    await start({ compressedRegister: true });
    expect(servers.told[0]).toMatchObject({ topics: ['orders'], asked: { compressed: true } });
  });

  it('tells topics in parts of the size asked for, each with a version of its own', async () => {
    for (let i = 0; i < 5; i += 1) topics.ensure(`t${i}`, 1);
    const before = topics.version.toJSON().counter;
    await start({
      enableSplitRegistration: true,
      splitRegistrationSize: 2,
      namesrvAddr: 'one:1',
    });
    expect(servers.told.map((one) => one.topics)).toEqual([['t0', 't1'], ['t2', 't3'], ['t4']]);
    expect(topics.version.toJSON().counter).toBe(before + 3);
  });

  it('takes away from its topics what the broker itself does not allow', async () => {
    topics.ensure('orders', 1);
    await start({ brokerPermission: 4, namesrvAddr: 'one:1' });
    expect(servers.told[0]?.perms).toEqual([4]);
    expect(topics.get('orders')?.perm).toBe(6);
  });

  it('beats when it is told to, and registers where it was forgotten', async () => {
    await start({ enableSlaveActingMaster: true, namesrvAddr: 'one:1' });
    expect(servers.told[0]?.asked).toMatchObject({
      enableActingMaster: true,
      heartbeatTimeoutMillis: 10_000,
    });
    await clock.advance(2000);
    expect(servers.named('QUERY_DATA_VERSION')).toHaveLength(2);
    servers.changed = true;
    await clock.advance(1000);
    expect(servers.told.at(-1)?.name).toBe('REGISTER_BROKER');
  });

  it('beats with the request of 5.0 when name servers understand it', async () => {
    const given = { enableSlaveActingMaster: true, compatibleWithOldNameSrv: false };
    await start({ ...given, namesrvAddr: 'one:1' });
    await clock.advance(1000);
    expect(servers.told.at(-1)).toMatchObject({
      name: 'BROKER_HEARTBEAT',
      asked: { brokerName: 'a', brokerAddr: '127.0.0.1:1', clusterName: 'c' },
    });
  });

  it('orders a topic that an operator gave an order at the name server', async () => {
    topics.update(newTopic('orders', 2, 6));
    servers.orderTopics = { orders: 'a:2', unknown: 'a:1' };
    await start({ namesrvAddr: 'one:1' });
    await topics.told();
    expect(topics.get('orders')?.config.order).toBe(true);
    expect(topics.get('unknown')).toBeUndefined();
    expect(servers.named('REGISTER_BROKER')).toHaveLength(2);
  });

  it('goes over to other name servers, and to another period, when settings change', async () => {
    const settings = { ...loadBrokerConfig({ namesrvAddr: 'one:1;two:2' }, silentLogger) };
    const service = await start({}, settings);
    Object.assign(settings, {
      namesrvAddr: ['two:2', 'three:3'],
      registerNameServerPeriod: 10_000,
    });
    await service.settingsChanged();
    const told = servers.told.slice(2).map(({ address, name }) => `${address} ${name}`);
    expect(told.toSorted()).toEqual([
      'one:1 UNREGISTER_BROKER',
      'three:3 REGISTER_BROKER',
      'two:2 REGISTER_BROKER',
    ]);
    expect(service.isRegistered).toBe(true);
    await clock.advance(10_000);
    expect(servers.told.slice(5).map(({ address }) => address)).toEqual(['two:2', 'three:3']);
  });
});
