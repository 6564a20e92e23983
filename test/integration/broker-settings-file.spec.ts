import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { startNameserver } from '@nestjs-rocketmq/nameserver';
import {
  GetBrokerClusterInfo,
  GetMaxOffset,
  GetRouteinfoByTopic,
  PullMessage,
  ResponseCode,
} from '@nestjs-rocketmq/protocol';
import { ListenError } from '@nestjs-rocketmq/remoting';
import { freePorts } from '../support/java.js';
import { OperatedBroker, refusalOf } from '../support/operated-broker.js';

const soon = { timeoutMs: 30_000 };
const nameserver = () => startNameserver({ listenPort: 0, bindAddress: '127.0.0.1' });

async function clusterAt(broker: OperatedBroker, address: string) {
  return (await broker.raw.client.invoke(address, GetBrokerClusterInfo, {}, soon)).body;
}

async function routeAt(broker: OperatedBroker, address: string, topic: string) {
  const asked = { topic };
  return (await broker.raw.client.invoke(address, GetRouteinfoByTopic, asked, soon)).body;
}

/** Each setting of the founding documents: file, start, what 26 shows, what the broker does. */
describe('a configuration file with', () => {
  it('cluster, name, id and name servers: the broker stands so in both of them', async () => {
    await using one = await nameserver();
    await using two = await nameserver();
    await using broker = await OperatedBroker.start(
      'brokerClusterName=rocketmq-cluster\nbrokerName=broker-b\nbrokerId=0\n' +
        `namesrvAddr=${one.address};${two.address}\n`,
    );
    expect(await broker.settings()).toMatchObject({
      brokerClusterName: 'rocketmq-cluster',
      brokerName: 'broker-b',
      brokerId: '0',
      namesrvAddr: `${one.address};${two.address}`,
    });
    for (const { address } of [one, two]) {
      expect(await clusterAt(broker, address)).toMatchObject({
        clusterAddrTable: { 'rocketmq-cluster': ['broker-b'] },
        brokerAddrTable: { 'broker-b': { brokerAddrs: { 0: broker.raw.address } } },
      });
    }
  });

  it('defaultTopicQueueNums: a topic that creates itself gets no more queues', async () => {
    await using ns = await nameserver();
    await using broker = await OperatedBroker.start(
      `defaultTopicQueueNums=4\nnamesrvAddr=${ns.address}\n`,
    );
    expect((await broker.settings())['defaultTopicQueueNums']).toBe('4');
    await broker.raw.send('orders', 'a', { more: { defaultTopicQueueNums: 16 } });
    const route = await routeAt(broker, ns.address, 'orders');
    expect(route.queueDatas[0]).toMatchObject({ readQueueNums: 4, writeQueueNums: 4 });
  });

  it.each([true, false])('autoCreateTopicEnable=%s: unknown topics', async (isOn) => {
    await using broker = await OperatedBroker.start(`autoCreateTopicEnable=${isOn}`);
    expect((await broker.settings())['autoCreateTopicEnable']).toBe(String(isOn));
    const sent = broker.raw.send('orders', 'a');
    if (isOn) await sent;
    else expect((await refusalOf(sent)).responseCode).toBe(ResponseCode.TOPIC_NOT_EXIST);
  });

  it.each([true, false])('autoCreateSubscriptionGroup=%s: unknown groups', async (isOn) => {
    await using broker = await OperatedBroker.start(`autoCreateSubscriptionGroup=${isOn}`);
    expect((await broker.settings())['autoCreateSubscriptionGroup']).toBe(String(isOn));
    await broker.raw.send('orders', 'a');
    const pulled = broker.raw.pull('orders', { group: 'unknown' });
    if (isOn) expect((await pulled).name).toBe('SUCCESS');
    else {
      const { responseCode } = await refusalOf(pulled);
      expect(responseCode).toBe(ResponseCode.SUBSCRIPTION_GROUP_NOT_EXIST);
    }
  });

  it('listenPort: everything there, all but pulls two below, and no second broker beside', async () => {
    const port = await freePorts([-2, 0, 1]);
    await using broker = await OperatedBroker.start(`listenPort=${port}`);
    const { raw } = broker;
    expect(raw.address).toBe(`127.0.0.1:${port}`);
    expect((await broker.settings())['listenPort']).toBe(String(port));
    await raw.send('orders', 'a');
    const second = `127.0.0.1:${port - 2}`;
    const asked = { topic: 'orders', queueId: 0 };
    const { header } = await raw.client.invoke(second, GetMaxOffset, asked, soon);
    expect(header.offset).toBe(1);
    const pull = raw.client.invoke(
      second,
      PullMessage,
      {
        consumerGroup: 'c',
        topic: 'orders',
        queueId: 0,
        queueOffset: 0,
        maxMsgNums: 1,
        sysFlag: 4,
        commitOffset: 0,
        suspendTimeoutMillis: 0,
        subscription: '*',
        subVersion: 0,
      },
      soon,
    );
    const { responseCode, remark } = await refusalOf(pull);
    expect(responseCode).toBe(ResponseCode.REQUEST_CODE_NOT_SUPPORTED);
    expect(remark).toContain('served on the first port of a broker only');
    for (const taken of [port, port + 2]) {
      await expect(OperatedBroker.start(`listenPort=${taken}`)).rejects.toThrow(ListenError);
    }
  });

  it('file sizes under their names of before 4.5: they count, with a warning', async () => {
    await using broker = await OperatedBroker.start(
      'mapedFileSizeCommitLog=1048576\nmapedFileSizeConsumeQueue=300010\n' +
        'storePathRootDir=FOLDER/store\n',
    );
    expect(await broker.settings()).toMatchObject({
      mappedFileSizeCommitLog: '1048576',
      mappedFileSizeConsumeQueue: '300010',
    });
    await broker.raw.send('orders', 'a');
    await broker.raw.broker.close();
    const store = join(broker.folder, 'store');
    expect(statSync(join(store, 'commitlog', '0'.repeat(20))).size).toBe(1_048_576);
    expect(statSync(join(store, 'consumequeue/orders/0', '0'.repeat(20))).size).toBe(300_020);
    const warnings = broker.lines.filter((line) => line.startsWith('warn'));
    expect(warnings).toEqual([
      expect.stringContaining("'mapedFileSizeCommitLog' is the old name"),
      expect.stringContaining("'mapedFileSizeConsumeQueue' is the old name"),
      expect.stringContaining('counts bytes, 20 for each message'),
    ]);
  });

  it('storePathRootDir and storePathCommitLog: the files are there', async () => {
    await using broker = await OperatedBroker.start(
      'storePathRootDir=FOLDER/root\nstorePathCommitLog=FOLDER/elsewhere/log\n',
    );
    expect(await broker.settings()).toMatchObject({
      storePathRootDir: join(broker.folder, 'root'),
      storePathCommitLog: join(broker.folder, 'elsewhere/log'),
    });
    await broker.raw.send('orders', 'a');
    await broker.raw.broker.close();
    expect(readdirSync(join(broker.folder, 'elsewhere/log'))).toEqual(['0'.repeat(20)]);
    expect(existsSync(join(broker.folder, 'root/commitlog'))).toBe(false);
    expect(existsSync(join(broker.folder, 'root/consumequeue/orders'))).toBe(true);
    expect(existsSync(join(broker.folder, 'root/config/topics.json'))).toBe(true);
  });

  it.each([
    ['storePathConsumeQueue', '<storePathRootDir>/consumequeue'],
    ['stroeCheckpoint', 'storePathIndex'],
    ['storeCheckPoint', '<storePathRootDir>/checkpoint'],
    ['abortFile', '<storePathRootDir>/abort'],
  ])('%s, which nobody reads: it starts and says what really holds', async (name, truth) => {
    await using broker = await OperatedBroker.start(`${name}=/somewhere/else`);
    const warnings = broker.lines.filter((line) => line.startsWith('warn'));
    expect(warnings).toEqual([expect.stringContaining(`'${name}' is no option`)]);
    expect(warnings[0]).toContain(truth);
    expect(await broker.settings()).not.toHaveProperty(name);
  });

  it('maxMessageSize: a body of so many bytes is stored, one byte more is refused', async () => {
    await using broker = await OperatedBroker.start('maxMessageSize=65536');
    expect((await broker.settings())['maxMessageSize']).toBe('65536');
    await broker.raw.send('orders', 'x'.repeat(65_536));
    const { responseCode, remark } = await refusalOf(broker.raw.send('orders', 'x'.repeat(65_537)));
    expect(responseCode).toBe(ResponseCode.MESSAGE_ILLEGAL);
    expect(remark).toContain('65536');
  });

  it('brokerRole: a SYNC_MASTER without a slave says so to those who wait', async () => {
    await using async = await OperatedBroker.start('brokerRole=ASYNC_MASTER');
    expect((await async.raw.send('orders', 'a')).name).toBe('SUCCESS');
    await using sync = await OperatedBroker.start('brokerRole=SYNC_MASTER');
    expect((await sync.settings())['brokerRole']).toBe('SYNC_MASTER');
    expect((await sync.raw.send('orders', 'a')).name).toBe('SLAVE_NOT_AVAILABLE');
    const careless = await sync.raw.send('orders', 'b', { properties: { WAIT: 'false' } });
    expect(careless.name).toBe('SUCCESS');
    expect(await sync.raw.receive('orders', 2)).toHaveLength(2);
    await using alone = await OperatedBroker.start('brokerRole=SYNC_MASTER\ninSyncReplicas=1');
    expect((await alone.raw.send('orders', 'a')).name).toBe('SUCCESS');
  });

  it('flushDiskType: what SYNC_FLUSH acknowledged is on the disk', async () => {
    await using sync = await OperatedBroker.start('flushDiskType=SYNC_FLUSH');
    expect((await sync.settings())['flushDiskType']).toBe('SYNC_FLUSH');
    await sync.raw.send('orders', 'a');
    expect((await sync.figures())['remainHowManyDataToFlush']).toBe('0 B');
    await using async = await OperatedBroker.start(
      'flushDiskType=ASYNC_FLUSH\nflushIntervalCommitLog=3600000\n',
    );
    await async.raw.send('orders', 'a');
    expect((await async.figures())['remainHowManyDataToFlush']).not.toBe('0 B');
  });

  it('brokerIP1: clients are told that address', async () => {
    await using ns = await nameserver();
    await using broker = await OperatedBroker.start(
      `brokerIP1=localhost\nnamesrvAddr=${ns.address}\n`,
    );
    expect((await broker.settings())['brokerIP1']).toBe('localhost');
    await broker.raw.send('orders', 'a');
    const route = await routeAt(broker, ns.address, 'orders');
    expect(route.brokerDatas[0]?.brokerAddrs).toEqual({ 0: `localhost:${broker.raw.broker.port}` });
  });
});
