import { ManualClock } from '@nestjs-rocketmq/foundation/testing';
import {
  ConsumeMessageDirectly,
  consumeMessageDirectlyResultBody,
  consumerRunningInfoBody,
  GetConsumerRunningInfo,
  GetConsumerStatusFromClient,
} from '@nestjs-rocketmq/protocol';
import { LoopbackNetwork } from '@nestjs-rocketmq/remoting/testing';
import { ConsumerBench, texts } from '../testing/consumer-bench.js';
import { recordOf } from '../testing/records.js';
import type { ConsumeVerdicts } from './consumer-options.js';

const timeoutMs = 1_000;

describe('what a broker may ask of a running consumer', () => {
  let clock: ManualClock;
  let bench: ConsumerBench;

  beforeEach(async () => {
    clock = new ManualClock();
    bench = await ConsumerBench.start(clock, new LoopbackNetwork());
  });

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
      PROP_CONSUME_ORDERLY: 'false',
      PROP_CONSUMER_START_TIMESTAMP: String(Date.UTC(2026, 0, 1)),
    });
    expect(info.subscriptionSet.map((one) => one.topic)).toEqual(['t', '%RETRY%g']);
    const [, first] =
      info.mqTable.find(([{ topic, queueId }]) => topic === 't' && queueId === 0) ?? [];
    expect(first).toMatchObject({ cachedMsgCount: 0, commitOffset: 3, droped: false });
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

  it.each<[string, () => ConsumeVerdicts, object]>([
    ['success', () => ({ kind: 'success' }), { consumeResult: 'CR_SUCCESS' }],
    ['a retry', () => ({ kind: 'retry' }), { consumeResult: 'CR_LATER' }],
    [
      'a failure',
      () => {
        throw new Error('broken');
      },
      { consumeResult: 'CR_THROW_EXCEPTION', remark: 'broken' },
    ],
  ])('to consume one message now, which ends in %s', async (_, listener, expected) => {
    const consumer = await bench.consumer({ listener });
    const asked = { consumerGroup: 'g', clientId: consumer.clientId, brokerName: 'broker-a' };
    const body = recordOf({ topic: 't', text: 'one', queueOffset: 9 });
    const ask = client().invoke(ConsumeMessageDirectly, asked, { body, timeoutMs });
    const answer = await bench.done(ask);
    expect(consumeMessageDirectlyResultBody.read(answer.body)).toMatchObject(expected);
    expect(bench.cluster.queues.sentBack).toEqual([]);
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
