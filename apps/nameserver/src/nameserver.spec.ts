import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import 'reflect-metadata';
import { Deferred, OptionsError, silentLogger } from '@nestjs-rocketmq/foundation';
import { ManualClock } from '@nestjs-rocketmq/foundation/testing';
import * as commands from '@nestjs-rocketmq/protocol';
import {
  encodeRegisterBrokerBody,
  registerBodyCrc,
  ResponseError,
} from '@nestjs-rocketmq/protocol';
import type { HeaderForm, RegisterBrokerBody, TopicConfig } from '@nestjs-rocketmq/protocol';
import { ListenError, RemotingClient } from '@nestjs-rocketmq/remoting';
import { LoopbackNetwork } from '@nestjs-rocketmq/remoting/testing';
import { startNameserver } from './start-nameserver.js';
import type { RunningNameserver, StartNameserverOptions } from './start-nameserver.js';

const topic = (topicName: string): TopicConfig => ({
  attributes: {},
  order: false,
  perm: 6,
  readQueueNums: 4,
  topicFilterType: 'SINGLE_TAG',
  topicName,
  topicSysFlag: 0,
  writeQueueNums: 4,
});
const bodyOf = (counter: number, ...names: string[]): RegisterBrokerBody => ({
  filterServerList: [],
  topicConfigSerializeWrapper: {
    dataVersion: { counter, stateVersion: 0, timestamp: 1 },
    topicConfigTable: Object.fromEntries(names.map((name) => [name, topic(name)])),
  },
});
const broker = {
  brokerName: 'broker-a',
  brokerAddr: '127.0.0.1:10911',
  clusterName: 'DefaultCluster',
  brokerId: 0,
};
const timeout = { timeoutMs: 1000 };

describe('a nameserver', () => {
  let folder: string;
  let clock: ManualClock;
  let network: LoopbackNetwork;
  let open: { close(): Promise<void> | void }[];
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'namesrv-'));
    clock = new ManualClock();
    network = new LoopbackNetwork({ chunkBytes: 100 });
    open = [];
  });
  afterEach(async () => {
    for (const each of open.toReversed()) await each.close();
    rmSync(folder, { recursive: true });
  });

  const start = async (options: StartNameserverOptions = {}): Promise<RunningNameserver> => {
    const ports = { clock, network, dir: folder, listenPort: 0, logger: silentLogger };
    const nameserver = await startNameserver({ ...ports, ...options });
    open.push(nameserver);
    return nameserver;
  };
  const connect = (form: HeaderForm = 'json'): RemotingClient => {
    const client = new RemotingClient({ network, clock, logger: silentLogger, form, idleMs: 0 });
    open.push(client);
    return client;
  };
  const register = (
    client: RemotingClient,
    address: string,
    body: Uint8Array = encodeRegisterBrokerBody(bodyOf(1, 'T', 'TBW102')),
    change: object = {},
  ): Promise<unknown> =>
    client.invoke(
      address,
      commands.RegisterBroker,
      { ...broker, haServerAddr: '127.0.0.1:10912', bodyCrc32: registerBodyCrc(body), ...change },
      { ...timeout, body },
    );
  const route = async (client: RemotingClient, address: string, name = 'T'): Promise<object> => {
    const asked = { topic: name };
    const answer = await client.invoke(address, commands.GetRouteinfoByTopic, asked, timeout);
    return { name: answer.name, queues: answer.body?.queueDatas.map((data) => data.brokerName) };
  };
  const version = async (
    client: RemotingClient,
    address: string,
    counter: number,
  ): Promise<object> => {
    const body = { counter, stateVersion: 0, timestamp: 1 };
    const options = { ...timeout, body };
    const answer = await client.invoke(address, commands.QueryDataVersion, broker, options);
    return { changed: answer.header.changed, known: answer.body };
  };

  it.each(['json', 'binary'] as const)(
    'tells where a topic lives after a broker registered over the wire, in %s headers',
    async (form) => {
      const { address } = await start();
      const client = connect(form);
      expect(await route(client, address)).toEqual({ name: 'TOPIC_NOT_EXIST', queues: undefined });
      await register(client, address);
      expect(await route(client, address)).toEqual({ name: 'SUCCESS', queues: ['broker-a'] });
    },
  );

  it('takes a compressed registration even when the header denies it, as 5.x brokers do', async () => {
    const { address } = await start();
    const client = connect();
    const body = encodeRegisterBrokerBody(bodyOf(1, 'T', 'U'), { compressed: true });
    await register(client, address, body, { compressed: false });
    expect(await route(client, address)).toMatchObject({ name: 'SUCCESS' });
  });

  it('refuses a body that does not fit its check sum, or is none', async () => {
    const { address } = await start();
    const client = connect();
    const bad = register(client, address, undefined, { bodyCrc32: 1 });
    await expect(bad).rejects.toMatchObject({ responseCode: 1, remark: 'crc32 not match' });
    await expect(register(client, address, Buffer.from('{"a":'))).rejects.toThrow(ResponseError);
    const single = encodeRegisterBrokerBody(bodyOf(1, 'T'));
    await expect(register(client, address, single)).rejects.toThrow('must name all topics');
    expect(await route(client, address)).toMatchObject({ name: 'TOPIC_NOT_EXIST' });
  });

  it('forgets a broker whose connection closes', async () => {
    const gone = new Deferred<string>();
    const logger = { ...silentLogger, warn: (sentence: string) => gone.resolve(sentence) };
    const { address } = await start({ logger });
    const client = connect();
    await register(client, address);
    client.closeAddress(address);
    expect(await gone.promise).toBe('A broker is gone: its connection closed');
    expect(await route(connect(), address)).toMatchObject({ name: 'TOPIC_NOT_EXIST' });
  });

  it('forgets a broker that says goodbye', async () => {
    const { address } = await start();
    const client = connect();
    await register(client, address);
    await client.invoke(address, commands.UnregisterBroker, broker, timeout);
    expect(await route(client, address)).toMatchObject({ name: 'TOPIC_NOT_EXIST' });
  });

  it('forgets a broker that falls silent, and keeps one that beats', async () => {
    const { address } = await start();
    const [client, asker] = [connect(), connect()];
    await register(client, address, undefined, { heartbeatTimeoutMillis: 10_000 });
    await clock.advance(9_000);
    await client.notify(address, commands.BrokerHeartbeat, broker);
    expect(await version(client, address, 1)).toMatchObject({ changed: false });
    await clock.advance(9_000);
    expect(await route(asker, address)).toMatchObject({ name: 'SUCCESS' });
    await clock.advance(6_000);
    expect(await route(asker, address)).toMatchObject({ name: 'TOPIC_NOT_EXIST' });
  });

  it('tells a broker whether its topics changed since it registered', async () => {
    const { address } = await start();
    const client = connect();
    expect(await version(client, address, 1)).toEqual({ changed: true, known: undefined });
    await register(client, address);
    expect(await version(client, address, 1)).toMatchObject({ changed: false });
    expect(await version(client, address, 2)).toMatchObject({
      changed: true,
      known: { counter: 1 },
    });
  });

  it('lists topics, clusters and members', async () => {
    const { address } = await start();
    const client = connect();
    await register(client, address);
    const all = await client.invoke(address, commands.GetAllTopicListFromNameserver, {}, timeout);
    expect(all.body).toEqual({ topicList: ['T', 'TBW102'] });
    const inCluster = { cluster: 'DefaultCluster' };
    const own = await client.invoke(address, commands.GetTopicsByCluster, inCluster, timeout);
    expect(own.body.topicList).toEqual(['T', 'TBW102']);
    const system = await client.invoke(address, commands.GetSystemTopicListFromNs, {}, timeout);
    expect(system.body).toEqual({
      topicList: ['DefaultCluster', 'broker-a'],
      brokerAddr: '127.0.0.1:10911',
    });
    const info = await client.invoke(address, commands.GetBrokerClusterInfo, {}, timeout);
    expect(info.body.clusterAddrTable).toEqual({ DefaultCluster: ['broker-a'] });
    const members = await client.invoke(address, commands.GetBrokerMemberGroup, broker, timeout);
    expect(members.body.brokerMemberGroup?.brokerAddrs).toEqual({ 0: '127.0.0.1:10911' });
  });

  it('takes and gives write permission, and deletes topics', async () => {
    const { address } = await start();
    const client = connect();
    await register(client, address);
    const wiped = await client.invoke(address, commands.WipeWritePermOfBroker, broker, timeout);
    expect(wiped.header).toEqual({ wipeTopicCount: 2 });
    const given = await client.invoke(address, commands.AddWritePermOfBroker, broker, timeout);
    expect(given.header).toEqual({ addTopicCount: 2 });
    await client.invoke(address, commands.DeleteTopicInNamesrv, { topic: 'T' }, timeout);
    expect(await route(client, address)).toMatchObject({ name: 'TOPIC_NOT_EXIST' });
  });

  it('keeps key-values over a restart and gives them to brokers as order configuration', async () => {
    const asked = { namespace: 'ORDER_TOPIC_CONFIG', key: 'T', value: 'broker-a:4' };
    const first = await start();
    const before = connect();
    await before.invoke(first.address, commands.PutKvConfig, asked, timeout);
    await first.close();
    const { address } = await start({ orderMessageEnable: true });
    const client = connect();
    expect(await register(client, address)).toMatchObject({ body: { table: { T: 'broker-a:4' } } });
    const got = await client.invoke(address, commands.GetKvConfig, asked, timeout);
    expect(got.header).toEqual({ value: 'broker-a:4' });
    const topicOf = { topic: 'T' };
    const told = await client.invoke(address, commands.GetRouteinfoByTopic, topicOf, timeout);
    expect(told.body.orderTopicConf).toBe('broker-a:4');
    await client.invoke(address, commands.DeleteKvConfig, asked, timeout);
    const none = await client.invoke(address, commands.GetKvlistByNamespace, asked, timeout);
    expect(none.name).toBe('QUERY_NOT_FOUND');
  });

  const update = (client: RemotingClient, address: string, body: string): Promise<unknown> =>
    client.invoke(address, commands.UpdateNamesrvConfig, {}, { ...timeout, body });

  it('changes settings while it runs and writes them to its file', async () => {
    writeFileSync(join(folder, 'namesrv.properties'), '# mine\nenableAllTopicList=true\n');
    const { address } = await start();
    const client = connect();
    await update(client, address, 'enableAllTopicList=false');
    const list = client.invoke(address, commands.GetAllTopicListFromNameserver, {}, timeout);
    await expect(list).rejects.toMatchObject({ responseCode: 1, remark: 'disable' });
    expect(readFileSync(join(folder, 'namesrv.properties'), 'utf8')).toBe(
      '# mine\nenableAllTopicList=false\n',
    );
    const late = await update(client, address, 'listenPort=1');
    expect(late).toMatchObject({ remark: 'after a restart: listenPort' });
    const shown = await client.invoke(address, commands.GetNamesrvConfig, {}, timeout);
    expect(shown.body).toContain('enableAllTopicList=false\n');
  });

  it('refuses settings that are unknown, out of range or not for others to change', async () => {
    const { address } = await start();
    const client = connect();
    await expect(update(client, address, 'listenPrt=1')).rejects.toThrow("mean 'listenPort'?");
    await expect(update(client, address, 'listenPort=-1')).rejects.toThrow('between 0 and 65535');
    const path = update(client, address, 'kvConfigPath=/etc/passwd');
    await expect(path).rejects.toMatchObject({ responseName: 'NO_PERMISSION' });
  });

  it('may be told not to answer routes while brokers come back', async () => {
    const { address } = await start({ needWaitForService: true, waitSecondsForService: 10 });
    const client = connect();
    await register(client, address);
    await expect(route(client, address)).rejects.toThrow('name server not ready');
    await clock.advance(10_000);
    expect(await route(client, address)).toMatchObject({ name: 'SUCCESS' });
  });

  it('refuses what it does not answer by name', async () => {
    const { address } = await start();
    const asked = { topic: 'T', queueId: 0 };
    const max = connect().invoke(address, commands.GetMaxOffset, asked, timeout);
    await expect(max).rejects.toMatchObject({
      responseName: 'REQUEST_CODE_NOT_SUPPORTED',
      remark: ' request type 30 not supported: GET_MAX_OFFSET, which a nameserver has not',
    });
  });

  it('starts wholly or not at all', async () => {
    await expect(start({ listenPort: 70_000 })).rejects.toThrow(OptionsError);
    await expect(start({ listenPrt: 1 } as object)).rejects.toThrow("did you mean 'listenPort'?");
    const { port } = await start();
    await expect(start({ listenPort: port })).rejects.toThrow(ListenError);
    expect(clock.waiting).toBeGreaterThan(0);
    for (const each of open.splice(0)) await each.close();
    expect(clock.waiting).toBe(0);
  });

  it('lives in a Nest application and closes with it', async () => {
    const { NestFactory } = await import('@nestjs/core');
    const { NameserverModule } = await import('./nameserver.module.js');
    const { NameserverServer } = await import('./nameserver.server.js');
    const module = NameserverModule.forRoot({ clock, network, dir: folder, listenPort: 0 });
    const context = await NestFactory.createApplicationContext(module, { logger: false });
    const { port } = context.get(NameserverServer).address;
    expect(await route(connect(), `127.0.0.1:${port}`)).toMatchObject({ name: 'TOPIC_NOT_EXIST' });
    await context.close();
    expect(await start({ listenPort: port })).toMatchObject({ port });
  });
});
