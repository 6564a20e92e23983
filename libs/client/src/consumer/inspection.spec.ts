import {
  ConsumeMessageDirectly,
  consumeMessageDirectlyResultBody,
  consumerRunningInfoBody,
  GetConsumerRunningInfo,
  GetConsumerStatusFromClient,
} from '@nestjs-rocketmq/protocol';
import { ConsumerBench, texts } from '../testing/consumer-bench.js';
import { recordOf } from '../testing/records.js';
import type { ConsumeContext, ConsumeVerdicts } from './consumer-options.js';

const timeoutMs = 1_000;

describe('what a broker may ask of a running consumer', () => {
  const bench = new ConsumerBench();

  beforeEach(() => bench.open());

  afterEach(() => bench.close());

  const client = () => {
    const peer = bench.cluster.clients.at(-1);
    if (peer === undefined) throw new Error('no client said who it is');
    return peer;
  };

  it('how it runs: subscriptions, queues and how far they are', async () => {
    bench.cluster.queues.add('t', 0, ...texts(0, 3));
    const consumer = await bench.consumer();
    const asked = { consumerGroup: 'g', clientId: consumer.clientId };
    const answer = await bench.done(client().invoke(GetConsumerRunningInfo, asked, { timeoutMs }));
    const info = consumerRunningInfoBody.read(answer.body);
    expect(info.properties).toMatchObject({
      PROP_CONSUME_TYPE: 'CONSUME_PASSIVELY',
      PROP_CONSUMEORDERLY: 'false',
      PROP_CONSUMER_START_TIMESTAMP: String(Date.UTC(2026, 0, 1)),
    });
    expect(info.subscriptionSet.map((one) => one.topic)).toEqual(['t', '%RETRY%g']);
    const [, first] =
      info.mqTable.find(([{ topic, queueId }]) => topic === 't' && queueId === 0) ?? [];
    expect(first).toMatchObject({ cachedMsgCount: 0, commitOffset: 3, droped: false });
    expect(info.jstack).toBeUndefined();
  });

  it('how it runs, with its options under the names of Java and what it did lately', async () => {
    bench.cluster.queues.add('t', 0, ...texts(0, 6));
    const consumer = await bench.consumer({ maxReconsumeTimes: 3, consumeTimeout: '5m' });
    const asked = { consumerGroup: 'g', clientId: consumer.clientId };
    const answer = await bench.done(client().invoke(GetConsumerRunningInfo, asked, { timeoutMs }));
    const info = consumerRunningInfoBody.read(answer.body);
    expect(info.properties).toMatchObject({
      PROP_NAMESERVER_ADDR: `${bench.cluster.nameServer};`,
      PROP_CLIENT_VERSION: 'V5_3_3',
      messageModel: 'CLUSTERING',
      consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET',
      consumeThreadMin: '20',
      consumeTimeout: '5',
      maxReconsumeTimes: '3',
    });
    expect(Object.keys(info.statusTable)).toEqual(['t', '%RETRY%g']);
    expect(info.statusTable['t']).toMatchObject({ consumeOKTPS: 6, consumeFailedMsgs: 0 });
  });

  it('what runs in it now, in place of the threads of Java', async () => {
    bench.cluster.queues.add('t', 0, ...texts(0, 1));
    const consumer = await bench.consumer({ listener: () => new Promise(() => undefined) });
    await bench.clock.advance(1_500);
    const asked = { consumerGroup: 'g', clientId: consumer.clientId, jstackEnable: true };
    const answer = await bench.done(client().invoke(GetConsumerRunningInfo, asked, { timeoutMs }));
    const { jstack } = consumerRunningInfoBody.read(answer.body);
    expect(jstack).toContain(`pid ${process.pid}`);
    expect(jstack).toMatch(/listener calls: 1\n {2}t broker-a 0: 1 from \w+, 1500 ms/);
  });

  it('of a consumer in its own process: counters, rates, and every queue', async () => {
    bench.cluster.queues.add('t', 0, ...texts(0, 4));
    let calls = 0;
    const consumer = await bench.consumer({
      concurrency: 2,
      listener: () => {
        calls += 1;
        return calls > 2 ? new Promise(() => undefined) : { kind: 'success' };
      },
    });
    consumer.pause([{ topic: 't', brokerName: 'broker-a', queueId: 1 }]);
    const { queues, totals, topics, ...rest } = consumer.status();
    expect(rest).toEqual({
      group: 'g',
      clientId: consumer.clientId,
      isRunning: true,
      isPaused: false,
    });
    expect(totals).toMatchObject({ pulled: 4, consumed: 2, running: 2 });
    expect(topics['t']).toMatchObject({ pullTps: 4, consumeOkTps: 2, consumeFailedTps: 0 });
    expect(queues.filter(({ queue }) => queue.topic === 't')).toMatchObject([
      { committed: 2, pullOffset: 4, held: 2, end: 4, isPaused: false },
      { committed: 0, pullOffset: 0, held: 0, end: 0, isPaused: true },
    ]);
  });

  it('where it stands in the queues of a topic', async () => {
    bench.cluster.queues.add('t', 1, ...texts(0, 2));
    await bench.consumer();
    const asked = { group: 'g', topic: 't' };
    const ask = client().invoke(GetConsumerStatusFromClient, asked, { timeoutMs });
    const { body } = await bench.done(ask);
    const rows = body.messageQueueTable.map(([{ queueId }, offset]) => [queueId, offset]);
    expect(rows.sort()).toEqual([
      [0, 0],
      [1, 2],
    ]);
  });

  it.each<[string, (context: ConsumeContext) => ConsumeVerdicts, object]>([
    ['success', () => ({ kind: 'success' }), { consumeResult: 'CR_SUCCESS', order: false }],
    ['a retry', () => ({ kind: 'retry' }), { consumeResult: 'CR_LATER' }],
    ['nothing', () => undefined as never, { consumeResult: 'CR_RETURN_NULL' }],
    ['something else', () => 'done' as never, { consumeResult: 'CR_THROW_EXCEPTION' }],
    [
      'a failure',
      () => {
        throw new Error('broken');
      },
      { consumeResult: 'CR_THROW_EXCEPTION', remark: 'broken' },
    ],
  ])('to consume one message now, which ends in %s', async (_, listener, expected) => {
    const consumer = await bench.consumer({ listener: (_, context) => listener(context) });
    const asked = { consumerGroup: 'g', clientId: consumer.clientId, brokerName: 'broker-a' };
    const body = recordOf({ topic: 't', text: 'one', queueOffset: 9 });
    const ask = client().invoke(ConsumeMessageDirectly, asked, { body, timeoutMs });
    const answer = await bench.done(ask);
    expect(consumeMessageDirectlyResultBody.read(answer.body)).toMatchObject(expected);
    expect(bench.cluster.queues.sentBack).toEqual([]);
  });

  it.each<[string, boolean, ConsumeVerdicts]>([
    ['CR_COMMIT', false, { kind: 'commit' }],
    ['CR_ROLLBACK', false, { kind: 'rollback' }],
    ['CR_SUCCESS', true, { kind: 'success' }],
    ['CR_LATER', true, { kind: 'suspend' }],
  ])('to consume one message in order now, which ends in %s', async (expected, auto, verdict) => {
    const consumer = await bench.consumer({
      mode: 'orderly',
      listener: (_, context) => {
        context.autoCommit = auto;
        return verdict;
      },
    });
    const asked = { consumerGroup: 'g', clientId: consumer.clientId, brokerName: 'broker-a' };
    const body = recordOf({ topic: 't', text: 'one', queueOffset: 9 });
    const ask = client().invoke(ConsumeMessageDirectly, asked, { body, timeoutMs });
    const answer = await bench.done(ask);
    expect(consumeMessageDirectlyResultBody.read(answer.body)).toMatchObject({
      consumeResult: expected,
      order: true,
      autoCommit: auto,
    });
  });

  it('about a group that does not run here, which is refused by name', async () => {
    await bench.consumer();
    const asked = { consumerGroup: 'other', clientId: 'x' };
    const ask = bench.done(client().invoke(GetConsumerRunningInfo, asked, { timeoutMs }));
    await expect(ask).rejects.toMatchObject({
      responseCode: 1,
      remark: 'The consumer group <other> does not run in this client',
    });
  });
});
