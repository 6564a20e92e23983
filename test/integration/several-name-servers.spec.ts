import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startBroker, type RunningBroker } from '@nestjs-rocketmq/broker';
import { Producer } from '@nestjs-rocketmq/client';
import { silentLogger } from '@nestjs-rocketmq/foundation';
import { ManualClock } from '@nestjs-rocketmq/foundation/testing';
import { startNameserver, type RunningNameserver } from '@nestjs-rocketmq/nameserver';
import {
  GetBrokerClusterInfo,
  GetRouteinfoByTopic,
  UpdateAndCreateTopic,
} from '@nestjs-rocketmq/protocol';
import { RemotingClient } from '@nestjs-rocketmq/remoting';
import { LoopbackNetwork } from '@nestjs-rocketmq/remoting/testing';

const ports = [9001, 9002, 9003] as const;
const nameServers = ports.map((port) => `127.0.0.1:${port}`).join(';');

/** All on one network in memory, moved by one clock. */
describe('several name servers side by side', () => {
  let folder: string;
  let clock: ManualClock;
  let network: LoopbackNetwork;
  let open: { close(): Promise<unknown> }[];
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'name-servers-'));
    clock = new ManualClock();
    network = new LoopbackNetwork();
    open = [];
  });
  afterEach(async () => {
    for (const each of open.toReversed()) await finished(each.close());
    rmSync(folder, { recursive: true });
  });

  /** Whatever waits for time gets it. */
  async function finished<T>(work: Promise<T>): Promise<T> {
    const state = { isOver: false };
    const end = work.finally(() => (state.isOver = true));
    end.catch(() => undefined);
    while (!state.isOver) await clock.advance(10);
    return end;
  }

  async function nameserver(port: number): Promise<RunningNameserver> {
    const dir = join(folder, String(port));
    const started = await startNameserver({ clock, network, dir, listenPort: port });
    open.push(started);
    return started;
  }

  async function broker(brokerName: string, more: object = {}): Promise<RunningBroker> {
    const properties = {
      brokerName,
      brokerIP1: '127.0.0.1',
      listenPort: brokerName === 'a' ? 10_911 : 11_911,
      mappedFileSizeCommitLog: 1024 * 1024,
      ...more,
    };
    const dir = join(folder, brokerName);
    const started = await finished(
      startBroker({ properties, dir, nameServers, clock, network, logger: silentLogger }),
    );
    open.push(started);
    return started;
  }

  function asker(): RemotingClient {
    const client = new RemotingClient({ network, clock, logger: silentLogger });
    open.push(client);
    return client;
  }

  async function brokersAt(client: RemotingClient, port: number): Promise<string[]> {
    const address = `127.0.0.1:${port}`;
    const options = { timeoutMs: 30_000 };
    const answer = await finished(client.invoke(address, GetBrokerClusterInfo, {}, options));
    return Object.keys(answer.body.brokerAddrTable).toSorted();
  }

  async function topicAt(client: RemotingClient, port: number, topic: string): Promise<string[]> {
    const address = `127.0.0.1:${port}`;
    const options = { timeoutMs: 30_000 };
    const answer = await finished(client.invoke(address, GetRouteinfoByTopic, { topic }, options));
    return (answer.body?.queueDatas ?? []).map(({ brokerName }) => brokerName).toSorted();
  }

  async function createTopic(client: RemotingClient, at: RunningBroker, topic: string) {
    const asked = {
      topic,
      defaultTopic: 'TBW102',
      readQueueNums: 2,
      writeQueueNums: 2,
      perm: 6,
      topicFilterType: 'SINGLE_TAG',
      topicSysFlag: 0,
      order: false,
    };
    const options = { timeoutMs: 30_000 };
    await finished(client.invoke(at.address, UpdateAndCreateTopic, asked, options));
  }

  it('know every broker, whoever started first', async () => {
    const client = asker();
    await broker('a');
    await nameserver(9001);
    await broker('b');
    await nameserver(9002);
    await nameserver(9003);
    await clock.advance(7000);
    for (const port of ports) expect(await brokersAt(client, port)).toEqual(['a', 'b']);
  });

  it('are lost one by one, and clients go on as long as one is left, and even without', async () => {
    const servers = [await nameserver(9001), await nameserver(9002), await nameserver(9003)];
    const a = await broker('a');
    const client = asker();
    await createTopic(client, a, 'orders');
    const producer = new Producer({ nameServers, group: 'p', clock, network });
    open.push(producer);
    await finished(producer.start());
    for (const server of servers) {
      expect(
        await finished(producer.send({ topic: 'orders', body: Buffer.from('x') })),
      ).toMatchObject({
        status: 'SEND_OK',
      });
      await finished(server.close());
      await clock.advance(31_000);
    }
    expect(
      await finished(producer.send({ topic: 'orders', body: Buffer.from('x') })),
    ).toMatchObject({
      status: 'SEND_OK',
    });
  });

  it('learn what changed while they were away', async () => {
    const [first] = [await nameserver(9001), await nameserver(9002), await nameserver(9003)];
    const a = await broker('a', { enableSingleTopicRegister: true });
    const client = asker();
    await finished(first.close());
    await createTopic(client, a, 'orders');
    expect(await topicAt(client, 9002, 'orders')).toEqual(['a']);
    await nameserver(9001);
    await clock.advance(4000);
    for (const port of ports) expect(await topicAt(client, port, 'orders')).toEqual(['a']);
  });

  it('keep brokers that beat, and forget one that leaves', async () => {
    await nameserver(9001);
    await nameserver(9002);
    await nameserver(9003);
    await broker('a');
    const b = await broker('b', { enableSlaveActingMaster: true });
    const client = asker();
    await clock.advance(20_000);
    expect(await brokersAt(client, 9003)).toEqual(['a', 'b']);
    await finished(b.close());
    for (const port of ports) expect(await brokersAt(client, port)).toEqual(['a']);
  });
});
