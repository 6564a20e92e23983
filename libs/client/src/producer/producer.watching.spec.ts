import type { ManualClock } from '@nestjs-rocketmq/foundation/testing';
import { ProducerBench } from '../testing/producer-bench.js';
import { type ScriptedCluster, scriptedOffsetId } from '../testing/scripted-cluster.js';
import type { ProducerOptions } from './producer-options.js';
import { Producer } from './producer.js';
import type { RecallContext, SendContext, SendHook, SendOutcome } from './send-hooks.js';
import { decodeTraces } from '../trace/trace-record.js';

const body = Buffer.from('hello');
const message = { topic: 'orders', body };

describe('Producer, watched and avoiding', () => {
  let bench: ProducerBench;
  let clock: ManualClock;
  let cluster: ScriptedCluster;
  let producer: Producer;

  const start = async (options?: Partial<ProducerOptions>): Promise<Producer> =>
    (producer = await bench.started(options));

  beforeEach(async () => {
    bench = await ProducerBench.open();
    ({ clock, cluster } = bench);
  });

  afterEach(() => bench.close());

  const recorder = () => {
    const before: SendContext[] = [];
    const after: [SendContext, SendOutcome][] = [];
    const hook: SendHook = {
      beforeSend: (context) => void before.push(context),
      afterSend: (context, outcome) => void after.push([context, outcome]),
    };
    return { before, after, hook };
  };

  it('shows hooks each attempt before and after, with what became of it', async () => {
    const { before, after, hook } = recorder();
    await start({ hooks: [hook] });
    let isFirst = true;
    cluster.onSend = () => {
      if (!isFirst) return {};
      isFirst = false;
      return { code: 'SYSTEM_BUSY', remark: 'slow down' };
    };
    const result = await producer.send({ ...message, keys: 'k' });
    expect(before.map(({ attempt, type, mode, msgId }) => [attempt, type, mode, msgId])).toEqual([
      [1, 'normal', 'send', result.msgId],
      [2, 'normal', 'send', result.msgId],
    ]);
    expect(after.map(([context]) => context)).toEqual(before);
    expect(after[0]?.[1].error).toMatchObject({ responseCode: 2, remark: 'slow down' });
    expect(after[1]?.[1].result).toEqual(result);
    expect(before[1]).toMatchObject({
      messages: [{ keys: 'k' }],
      address: cluster.addressOf(result.queue.brokerName),
      queue: result.queue,
    });
  });

  it('tells hooks batches, one-way sends, delayed messages and replies apart', async () => {
    const { before, after, hook } = recorder();
    await start();
    const stop = producer.addHook(hook);
    await producer.sendBatch([message, message]);
    await producer.sendOneWay(message);
    await producer.send({ ...message, delayMs: 5 });
    stop();
    await producer.send(message);
    expect(before.map((one) => [one.isBatch, one.messages.length, one.mode, one.type])).toEqual([
      [true, 2, 'send', 'normal'],
      [false, 1, 'one-way', 'normal'],
      [false, 1, 'send', 'delayed'],
    ]);
    expect(after[1]?.[1].result).toBeUndefined();
  });

  it('sends as if nothing were when a hook throws', async () => {
    const fail = () => {
      throw new Error('broken hook');
    };
    await start({ hooks: [{ beforeSend: fail, afterSend: fail }] });
    expect((await producer.send(message)).status).toBe('SEND_OK');
  });

  it('sends nothing when a hook forbids it, and does not try again', async () => {
    let asked = 0;
    const checkSend = () => {
      asked += 1;
      throw new Error('not on Sundays');
    };
    await start({ hooks: [{ checkSend }] });
    await expect(producer.send(message)).rejects.toMatchObject({
      code: 'CLIENT_SEND_FORBIDDEN',
      message: expect.stringContaining('not on Sundays') as string,
    });
    await expect(producer.sendOneWay(message)).rejects.toMatchObject({
      code: 'CLIENT_SEND_FORBIDDEN',
    });
    expect([cluster.sends.length, asked]).toEqual([0, 2]);
  });

  const namesOf = () => cluster.sends.map(({ broker }) => broker);

  it('avoids a broker that was busy for a while, when told to, and comes back to it', async () => {
    await start({ sendLatencyEnable: true });
    cluster.onSend = ({ broker }) => (broker === 'broker-a' ? { code: 'SYSTEM_BUSY' } : {});
    while (!namesOf().includes('broker-a')) await producer.send(message);
    const before = cluster.sends.length;
    for (let i = 0; i < 8; i += 1) await producer.send(message);
    expect(new Set(namesOf().slice(before))).toEqual(new Set(['broker-b']));
    cluster.onSend = () => ({});
    await clock.advance(10_000);
    for (let i = 0; i < 4; i += 1) await producer.send(message);
    expect(namesOf().slice(before + 8)).toContain('broker-a');
  });

  it('does not avoid a broker that refused a bad message', async () => {
    await start({ sendLatencyEnable: true });
    cluster.onSend = () => ({ code: 'MESSAGE_ILLEGAL' });
    for (let i = 0; i < 4; i += 1) await producer.send(message).catch(() => undefined);
    cluster.onSend = () => ({});
    for (let i = 0; i < 4; i += 1) await producer.send(message);
    expect(new Set(namesOf().slice(4)).size).toBe(2);
  });

  it('still sends when every broker is to be avoided', async () => {
    await start({ sendLatencyEnable: true, startDetectorEnable: true });
    cluster.onSend = () => ({ code: 'SYSTEM_BUSY' });
    await expect(producer.send(message)).rejects.toMatchObject({ code: 'CLIENT_SEND_FAILED' });
    cluster.onSend = () => ({});
    expect((await producer.send(message)).status).toBe('SEND_OK');
  });

  it('finds out in the background that a broker answers again', async () => {
    await start({ sendLatencyEnable: true, startDetectorEnable: true, detectInterval: '1s' });
    cluster.onSend = ({ broker }) => (broker === 'broker-a' ? { code: 'SYSTEM_BUSY' } : {});
    while (!namesOf().includes('broker-a')) await producer.send(message);
    cluster.onSend = () => ({});
    await clock.advance(13_000);
    const before = cluster.sends.length;
    for (let i = 0; i < 4; i += 1) await producer.send(message);
    expect(namesOf().slice(before)).toContain('broker-a');
  });

  it('cuts the time of an attempt short while others may follow', async () => {
    await start({ maxTimeoutPerRequest: 500, sendTimeout: '3s' });
    let isFirst = true;
    cluster.onSend = () => {
      if (!isFirst) return {};
      isFirst = false;
      return new Promise(() => undefined);
    };
    const sent = producer.send(message);
    await clock.advance(600);
    expect((await sent).status).toBe('SEND_OK');
    expect(new Set(namesOf()).size).toBe(2);
  });

  it('tries another broker after further response codes when told to', async () => {
    await start({ retryResponseCodes: [13] });
    let isFirst = true;
    cluster.onSend = () => {
      if (!isFirst) return {};
      isFirst = false;
      return { code: 'MESSAGE_ILLEGAL' };
    };
    expect((await producer.send(message)).status).toBe('SEND_OK');
  });

  it('asks at the start for the routes of topics that it is told', async () => {
    await start({ topics: ['orders', 'missing'] });
    const before = cluster.routeQuestions;
    await producer.send(message);
    expect(cluster.routeQuestions).toBe(before);
  });

  it.each([
    [{ latencyMax: [5, 5], notAvailableDuration: [1, 2] }],
    [{ latencyMax: [5], notAvailableDuration: [1, 2] }],
  ])('refuses tables of latency that do not fit: %j', async (tables) => {
    await start();
    const options = { nameServers: 'a:1', group: 'g', ...tables };
    expect(() => new Producer(options)).toThrow(
      expect.objectContaining({ code: 'CLIENT_CONFIGURATION_INVALID' }),
    );
  });

  const handle = (text: string) => Buffer.from(text).toString('base64url');

  it('recalls a timer message at the broker that holds it', async () => {
    await start();
    const recallHandle = handle('v1 orders broker-b 1900000000000 KEY');
    const place = { msgId: scriptedOffsetId, queueId: 0, queueOffset: 0 };
    cluster.onSend = () => ({ header: { ...place, recallHandle } });
    const sent = await producer.send({ ...message, deliverAt: 1_900_000_000_000 });
    expect(sent.recallHandle).toBe(recallHandle);
    cluster.onRecall = (asked) => ({ header: { msgId: `${asked.topic} ${asked.brokerName}` } });
    expect(await producer.recall('orders', recallHandle)).toBe('orders broker-b');
  });

  it('shows and traces what a broker answered to a recall', async () => {
    cluster.addTopic('TRACES', 1);
    const told: RecallContext[] = [];
    const hooks = [{ afterRecall: (context: RecallContext) => void told.push(context) }];
    const group = (await start({ enableTrace: true, traceTopic: 'TRACES', hooks })).group;
    const text = handle('v1 orders broker-b 1900000000000 KEY');
    cluster.onRecall = () => ({ header: { msgId: 'KEY' } });
    await producer.recall('orders', text);
    const common = { group, topic: 'orders', msgId: 'KEY' };
    expect(told).toEqual([{ ...common, isRecalled: true }]);
    await producer.close();
    const traces = cluster.sends.filter(({ asked }) => asked.topic === 'TRACES');
    const records = traces.flatMap(({ body: sent }) => decodeTraces(Buffer.from(sent).toString()));
    expect(records).toMatchObject([{ ...common, kind: 'Recall', success: true }]);
  });

  it.each([
    ['no handle', 'orders', ''],
    ['a handle of another version', 'orders', handle('v2 orders broker-b 1 KEY')],
    ['a cut handle', 'orders', handle('v1 orders broker-b 1')],
    ['a retry topic', '%RETRY%g', handle('v1 orders broker-b 1 KEY')],
  ])('refuses to recall with %s', async (_, topic, text) => {
    await start();
    await expect(producer.recall(topic, text)).rejects.toMatchObject({
      code: 'CLIENT_MESSAGE_INVALID',
    });
  });

  it('says so when a broker cannot recall at all', async () => {
    await start();
    const text = handle('v1 orders broker-b 1900000000000 KEY');
    await expect(producer.recall('orders', text)).rejects.toMatchObject({
      code: 'CLIENT_BROKER_REFUSED',
      responseCode: 3,
      message: expect.stringContaining('cannot recall') as string,
    });
  });
});
