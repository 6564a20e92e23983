import { Deferred } from '@nestjs-rocketmq/foundation';
import { ManualClock } from '@nestjs-rocketmq/foundation/testing';
import { decodeProperties } from '@nestjs-rocketmq/message';
import { LoopbackNetwork } from '@nestjs-rocketmq/remoting/testing';
import { ClientInstance } from '../client-instance.js';
import { ScriptedCluster, type SendOutcome } from '../testing/scripted-cluster.js';
import { TraceDispatcher } from './trace-dispatcher.js';
import { decodeTraces, type SubBeforeTrace } from './trace-record.js';

const record = (msgId: string, keys?: string): SubBeforeTrace => ({
  kind: 'SubBefore',
  timestamp: 1,
  regionId: 'r',
  group: 'g',
  requestId: 'R',
  msgId,
  retryTimes: 0,
  keys,
});

describe('TraceDispatcher', () => {
  const clock = new ManualClock();
  let cluster: ScriptedCluster;
  let instance: ClientInstance;
  let traces: TraceDispatcher;

  beforeEach(async () => {
    const network = new LoopbackNetwork();
    cluster = await ScriptedCluster.start(network, clock);
    cluster.addTopic('TRACES', 1);
    instance = new ClientInstance({ nameServers: cluster.nameServer, network, clock });
    traces = of(3);
  });

  afterEach(async () => {
    await instance.close();
    await cluster.close();
  });

  const of = (batch: number): TraceDispatcher => {
    const settings = { group: 'g', traceTopic: 'TRACES', traceMsgBatchNum: batch };
    return new TraceDispatcher(instance, settings, 'CONSUME');
  };

  const bodies = () => cluster.sends.map(({ body }) => Buffer.from(body).toString());
  const idsSent = () => bodies().map((body) => decodeTraces(body).map(({ msgId }) => msgId));
  const keysSent = () =>
    cluster.sends.map(({ asked }) => decodeProperties(asked.properties ?? '')['KEYS']);

  it('sends records in messages of a batch, found by ids and keys', async () => {
    for (const id of ['a', 'b', 'c', 'd'])
      traces.append(record(id, id === 'b' ? 'k1 k2' : undefined));
    await traces.close(1_000);
    expect(idsSent()).toEqual([['a', 'b', 'c'], ['d']]);
    expect(keysSent()).toEqual(['a b k1 k2 c', 'd']);
    expect(cluster.sends[0]?.asked).toMatchObject({
      topic: 'TRACES',
      producerGroup: '_INNER_TRACE_PRODUCER-g-CONSUME',
    });
    expect(traces.statistics).toEqual({ sent: 4, dropped: 0, failed: 0, waiting: 0 });
  });

  it('sends what is less than a batch after five seconds', async () => {
    traces.append(record('a'));
    await clock.advance(4_999);
    expect(cluster.sends).toEqual([]);
    await clock.advance(1);
    await traces.close(1_000);
    expect(idsSent()).toEqual([['a']]);
  });

  it('has no more than four messages under way, and drops and counts what is over the bound', async () => {
    const gate = new Deferred<SendOutcome>();
    cluster.onSend = () => gate.promise;
    for (let i = 0; i < 3 * 4 + 2048 + 5; i += 1) traces.append(record(`${i}`));
    expect(traces.statistics).toMatchObject({ sent: 0, dropped: 5, waiting: 2048 });
    gate.resolve({});
    await traces.close(1_000);
    expect(traces.statistics).toEqual({ sent: 3 * 4 + 2048, dropped: 5, failed: 0, waiting: 0 });
  });

  it('keeps messages below 128000 bytes', async () => {
    traces = of(20);
    const long = 'x'.repeat(50_000);
    for (const id of ['a', 'b', 'c']) traces.append({ ...record(id), requestId: long });
    await traces.close(1_000);
    expect(idsSent()).toEqual([['a', 'b'], ['c']]);
  });

  it('finds a message with more keys than fit by its id only', async () => {
    traces.append(record('a', 'k'.repeat(33_000)));
    await traces.close(1_000);
    expect(keysSent()).toEqual(['a']);
  });

  it('counts what cannot be sent, and goes on', async () => {
    cluster.onSend = () => ({ code: 'TOPIC_NOT_EXIST' });
    traces.append(record('a'));
    traces.append(record('b'));
    traces.append(record('c'));
    traces.append(record('d'));
    await clock.advance(5_000);
    await traces.close(1_000);
    expect(traces.statistics).toEqual({ sent: 0, dropped: 0, failed: 4, waiting: 0 });
  });

  it('ends its closing in time when no broker answers', async () => {
    cluster.onSend = () => new Promise(() => undefined);
    for (let i = 0; i < 20; i += 1) traces.append(record(`${i}`));
    const closing = traces.close(700);
    await clock.advance(700);
    await closing;
    expect(traces.statistics).toMatchObject({ sent: 0, dropped: 8, waiting: 0 });
    traces.append(record('late'));
    expect(traces.statistics).toMatchObject({ dropped: 9, waiting: 0 });
  });
});
