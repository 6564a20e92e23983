import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { startNameserver } from '@nestjs-rocketmq/nameserver';
import { parseOffsetMessageId } from '@nestjs-rocketmq/message';
import {
  EndTransaction,
  GetConsumeStats,
  InvokeBrokerToResetOffset,
  TransactionDecision,
  UpdateAndCreateTopic,
  UpdateConsumerOffset,
  UpdateNamesrvConfig,
} from '@nestjs-rocketmq/protocol';
import { eventually } from '../support/eventually.js';
import { OperatedBroker } from '../support/operated-broker.js';
import { consumerOf, temporaryFolder } from '../support/raw-broker.js';

const watched = 'metricsExporterType=PROM\nmetricsPromExporterPort=0\n';

async function get(port: number | undefined, path: string): Promise<[number, string]> {
  const answer = await fetch(`http://127.0.0.1:${port}${path}`);
  return [answer.status, await answer.text()];
}

/** Samples by name and labels, without the labels that all have. */
async function samples(port: number | undefined): Promise<Record<string, number>> {
  const [status, text] = await get(port, '/metrics');
  expect(status).toBe(200);
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return Object.fromEntries(
    lines.map((line) => {
      const [, name = '', labels = '', value] = /^(\w+)(?:\{(.*)\})? (\S+)$/.exec(line) ?? [];
      const own = labels.split(',').filter((one) => !/^(cluster|node_type|node_id)=/.test(one));
      return [own.length > 0 ? `${name}{${own.join(',')}}` : name, Number(value)];
    }),
  );
}

describe('a broker that is watched', () => {
  it("serves the figures of Apache's broker under their names, and true", async () => {
    await using broker = await OperatedBroker.start(`${watched}metricsLabel=zone:north\n`);
    const { raw } = broker;
    const port = raw.broker.statusPort;
    for (let i = 0; i < 3; i += 1) await raw.send('orders', 'four');
    await raw.heartbeat('a@1', { producers: ['p'], consumers: [consumerOf('c', 'orders')] });
    await raw.receive('orders', 2, { group: 'c', maxCount: 2 });
    const text = (await get(port, '/metrics'))[1];
    expect(text).toContain(
      'rocketmq_broker_permission{cluster="DefaultCluster",node_type="broker",' +
        'node_id="broker-a",zone="north"} 6',
    );
    const now = await samples(port);
    const zone = 'zone="north"';
    const normal = `${zone},topic="orders",message_type="normal",is_system="false"`;
    const read = `${zone},topic="orders",consumer_group="c",is_retry="false",is_system="false"`;
    expect(now).toMatchObject({
      [`rocketmq_messages_in_total{${normal}}`]: 3,
      [`rocketmq_messages_out_total{${read}}`]: 2,
      [`rocketmq_message_size_bucket{${normal},le="1024"}`]: 3,
      [`rocketmq_message_size_bucket{${normal},le="+Inf"}`]: 3,
      [`rocketmq_message_size_count{${normal}}`]: 3,
    });
    const connections = Object.entries(now).filter(([name]) => name.includes('_connections{'));
    expect(connections.map(([, count]) => count)).toEqual([1, 1]);
    const { commitLogMaxOffset } = await broker.figures();
    const size = `rocketmq_storage_size_bytes{${zone},storage_type="local",storage_medium="disk"}`;
    expect(now[size]).toBe(Number(commitLogMaxOffset));
  });

  it('tells of transactions by topic, and how long topics and groups took to create', async () => {
    await using broker = await OperatedBroker.start(watched);
    const { raw } = broker;
    const port = raw.broker.statusPort;
    const properties = { TRAN_MSG: 'true', PGROUP: 'payers' };
    const half = async (topic: string) => (await raw.send(topic, 'half', { properties })).header;
    const halves = [await half('orders'), await half('orders'), await half('refunds')];
    const topicOf = (topic: string) => `topic="${topic}"`;
    expect(await samples(port)).toMatchObject({
      [`rocketmq_half_messages{${topicOf('orders')}}`]: 2,
      [`rocketmq_half_messages{${topicOf('refunds')}}`]: 1,
    });
    for (const [i, commitOrRollback] of [
      TransactionDecision.commit,
      TransactionDecision.rollback,
    ].entries()) {
      const { msgId = '', queueOffset = 0 } = halves[i] ?? {};
      const asked = {
        producerGroup: 'payers',
        tranStateTableOffset: queueOffset,
        commitLogOffset: parseOffsetMessageId(msgId).position,
        commitOrRollback,
        fromTransactionCheck: false,
        msgId,
      };
      await raw.client.invoke(raw.address, EndTransaction, asked, { timeoutMs: 30_000 });
    }
    await half('refunds');
    const made = {
      topic: 'made',
      defaultTopic: 'TBW102',
      readQueueNums: 1,
      writeQueueNums: 1,
      perm: 6,
      topicFilterType: 'SINGLE_TAG',
      topicSysFlag: 0,
      order: false,
    };
    await raw.client.invoke(raw.address, UpdateAndCreateTopic, made, { timeoutMs: 30_000 });
    const now = await samples(port);
    expect(now).toMatchObject({
      [`rocketmq_half_messages{${topicOf('refunds')}}`]: 2,
      [`rocketmq_commit_messages_total{${topicOf('orders')}}`]: 1,
      [`rocketmq_rollback_messages_total{${topicOf('orders')}}`]: 1,
      [`rocketmq_finish_message_latency_milliseconds_bucket{${topicOf('orders')},le="86400"}`]: 1,
      [`rocketmq_finish_message_latency_milliseconds_count{${topicOf('orders')}}`]: 1,
      'rocketmq_topic_create_execution_time_milliseconds_count{invocation_status="success"}': 1,
    });
    expect(Object.keys(now)).not.toContain(`rocketmq_half_messages{${topicOf('orders')}}`);
  });

  it('tells messages apart by type, where they lie, and dead or tried ones are not sent anew', async () => {
    await using broker = await OperatedBroker.start(watched);
    const { raw } = broker;
    await raw.send('orders', 'plain');
    await raw.send('orders', 'one of a row', { properties: { __SHARDINGKEY: 'customer 7' } });
    await raw.send('orders', 'later', { properties: { DELAY: '18' } });
    await raw.send('orders', 'perhaps', { properties: { TRAN_MSG: 'true', PGROUP: 'p' } });
    await raw.heartbeat('a@1', { consumers: [consumerOf('c', 'orders')] });
    await raw.send('%RETRY%c', 'again');
    const now = await samples(raw.broker.statusPort);
    const taken = Object.entries(now).filter(([name]) => name.includes('_messages_in_total{'));
    const of = (topic: string, type: string, isSystem: boolean) =>
      `rocketmq_messages_in_total{topic="${topic}",message_type="${type}",is_system="${isSystem}"}`;
    expect(Object.fromEntries(taken)).toEqual({
      [of('orders', 'normal', false)]: 1,
      [of('orders', 'fifo', false)]: 1,
      [of('SCHEDULE_TOPIC_XXXX', 'delay', true)]: 1,
      [of('RMQ_SYS_TRANS_HALF_TOPIC', 'transaction', true)]: 1,
    });
  });

  it('tells how long requests took, held ones and others', async () => {
    await using broker = await OperatedBroker.start(watched);
    const { raw } = broker;
    const port = raw.broker.statusPort;
    await raw.send('orders', 'one');
    const held = raw.pull('orders', { offset: 1, waitMillis: 30_000 });
    await eventually('the pull is held', 60_000, async () =>
      (await samples(port))['rocketmq_processor_watermark{processor="pull"}'] === 1
        ? true
        : undefined,
    );
    await raw.send('orders', 'two');
    expect((await held).name).toBe('SUCCESS');
    await raw.pull('orders', { offset: 2 });
    const counts = async (): Promise<Record<string, number>> => {
      const all = Object.entries(await samples(port));
      return Object.fromEntries(
        all.flatMap(([name, value]) => {
          const [, labels] =
            /^rocketmq_rpc_latency_milliseconds_count\{protocol_type="remoting",(.*)\}$/.exec(
              name,
            ) ?? [];
          return labels === undefined ? [] : [[labels.replaceAll(/\w+="(\w+)"/g, '$1'), value]];
        }),
      );
    };
    expect(await counts()).toEqual({
      'false,send_message_v2,success,success': 2,
      'true,pull_message,success,success': 1,
      'false,pull_message,pull_not_found,success': 1,
    });
    await broker.change('enableRemotingMetrics=false');
    expect(await counts()).toEqual({});
  });

  it('tells what a group has pulled and not acknowledged, and what it has not pulled', async () => {
    await using broker = await OperatedBroker.start(watched);
    const { raw } = broker;
    const port = raw.broker.statusPort;
    for (let i = 0; i < 5; i += 1) await raw.send('orders', 'four');
    await raw.heartbeat('a@1', { consumers: [consumerOf('c', 'orders')] });
    const group = 'consumer_group="c",topic="orders",is_retry="false",is_system="false"';
    const told = async (): Promise<number[]> => {
      const now = await samples(port);
      return ['lag', 'inflight', 'ready'].map(
        (what) => now[`rocketmq_consumer_${what}_messages{${group}}`] ?? Number.NaN,
      );
    };
    const commit = (commitOffset: number) => {
      const asked = { consumerGroup: 'c', topic: 'orders', queueId: 0, commitOffset };
      return raw.client.invoke(raw.address, UpdateConsumerOffset, asked, { timeoutMs: 30_000 });
    };
    // It has said nothing yet about where it begins.
    expect(await told()).toEqual([0, 0, 0]);
    await raw.receive('orders', 3, { group: 'c', maxCount: 3 });
    await commit(1);
    expect(await told()).toEqual([4, 2, 2]);
    const how = { timeoutMs: 30_000 };
    const stats = await raw.client.invoke(
      raw.address,
      GetConsumeStats,
      { consumerGroup: 'c' },
      how,
    );
    const [, progress] = stats.body.offsetTable.find(([{ queueId }]) => queueId === 0) ?? [];
    expect(progress).toMatchObject({ brokerOffset: 5, consumerOffset: 1, pullOffset: 3 });
    await commit(3);
    await raw.receive('orders', 2, { group: 'c', offset: 3 });
    expect(await told()).toEqual([2, 2, 0]);
    const now = await samples(port);
    expect(now[`rocketmq_consumer_queueing_latency_milliseconds{${group}}`]).toBe(0);
    expect(now).toHaveProperty([`rocketmq_consumer_lag_latency_milliseconds{${group}}`]);
    const back = {
      topic: 'orders',
      group: 'c',
      timestamp: 0,
      isForce: true,
      queueId: 0,
      offset: 0,
    };
    await raw.client.invoke(raw.address, InvokeBrokerToResetOffset, back, how);
    expect(await told()).toEqual([5, 0, 5]);
  });

  it('leaves out the metrics that are switched off, at once', async () => {
    await using broker = await OperatedBroker.start(watched);
    const port = broker.raw.broker.statusPort;
    expect(await samples(port)).toHaveProperty(['rocketmq_topic_number']);
    await broker.change('enableStatsMetrics=false');
    expect(await samples(port)).not.toHaveProperty(['rocketmq_topic_number']);
  });

  it('is ready when it is registered, and well all the time', async () => {
    const nameserver = await startNameserver({ listenPort: 0, bindAddress: '127.0.0.1' });
    await nameserver.close();
    await using broker = await OperatedBroker.start(
      `${watched}namesrvAddr=${nameserver.address}\n`,
    );
    const port = broker.raw.broker.statusPort;
    expect(await get(port, '/healthz')).toEqual([200, 'ok the store works\n']);
    const [status, text] = await get(port, '/readyz');
    expect(status).toBe(503);
    expect(text).toContain('NO registered with a name server');
    const listenPort = nameserver.port;
    await using again = await startNameserver({ listenPort, bindAddress: '127.0.0.1' });
    expect(again.port).toBe(listenPort);
    const ready = async () => ((await get(port, '/readyz'))[0] === 200 ? true : undefined);
    await eventually('the broker is ready', 60_000, ready);
  });

  it('is not watched unless it is told to', async () => {
    await using broker = await OperatedBroker.start('metricsExporterType=OTLP_GRPC\n');
    expect(broker.raw.broker.statusPort).toBeUndefined();
    const warning = 'warn metricsExporterType=OTLP_GRPC is not there: nothing is exported.';
    expect(broker.lines.filter((line) => line.startsWith(warning))).toHaveLength(1);
  });

  it('writes its figures to the log again and again, with the type LOG', async () => {
    const settings = 'metricsExporterType=LOG\nmetricLoggingExporterIntervalInMills=100\n';
    await using broker = await OperatedBroker.start(settings);
    expect(broker.raw.broker.statusPort).toBeUndefined();
    const permissions = () =>
      broker.lines.filter((line) => line.startsWith('info rocketmq_broker_permission{'));
    await eventually('the figures are logged twice', 60_000, async () =>
      permissions().length >= 2 ? true : undefined,
    );
    expect(permissions()[0]).toMatch(/node_id="broker-a"\} 6$/);
  });

  it('writes its log to a file as well, from a level on that changes at once', async () => {
    await using broker = await OperatedBroker.start('logDir=FOLDER/logs\npopPollingSize=1\n');
    const log = (): string => readFileSync(join(broker.folder, 'logs/broker.log'), 'utf8');
    expect(log()).toContain(' INFO  [broker] Broker options: popPollingSize does nothing here');
    await broker.change('logLevel=error');
    await broker.change('transactionCheckMax=3');
    expect(log()).not.toContain('transactionCheckMax');
    await broker.change('logLevel=info');
    await broker.change('transactionCheckMax=4');
    expect(log()).toContain('transactionCheckMax=4');
  });
});

describe('a nameserver that is watched', () => {
  it('serves figures of its own, health, and a log in a file', async () => {
    const folder = temporaryFolder();
    const logDir = join(folder.path, 'logs');
    await using nameserver = await startNameserver({
      listenPort: 0,
      bindAddress: '127.0.0.1',
      dir: folder.path,
      logDir,
      logLevel: 'error',
      metricsExporterType: 'PROM',
      metricsPromExporterPort: 0,
      metricsPromExporterHost: '127.0.0.1',
    });
    const { statusPort } = nameserver;
    await using broker = await OperatedBroker.start(`namesrvAddr=${nameserver.address}\n`);
    const now = await samples(statusPort);
    expect(now['rocketmq_namesrv_brokers']).toBe(1);
    expect(now['rocketmq_namesrv_broker_names']).toBe(1);
    expect(await get(statusPort, '/healthz')).toEqual([200, 'ok the process answers\n']);
    expect((await get(statusPort, '/readyz'))[0]).toBe(200);
    expect(existsSync(join(logDir, 'namesrv.log'))).toBe(false);
    const how = { body: 'logLevel=info', timeoutMs: 30_000 };
    await broker.raw.client.invoke(nameserver.address, UpdateNamesrvConfig, {}, how);
    const more = { ...how, body: 'enableTopicList=true' };
    await broker.raw.client.invoke(nameserver.address, UpdateNamesrvConfig, {}, more);
    expect(readFileSync(join(logDir, 'namesrv.log'), 'utf8')).toContain('enableTopicList=true');
    folder.remove();
  });
});
