import { PullSysFlag } from '@nestjs-rocketmq/protocol';
import { BrokerRefusedError, ClientStateError, InvalidPullError } from '../client.errors.js';
import { ConsumerBench, texts } from '../testing/consumer-bench.js';
import { PullConsumer } from './pull-consumer.js';
import type { PullConsumerOptions } from './pull-consumer-options.js';

const queue = { topic: 't', brokerName: 'broker-a', queueId: 0 };

describe('PullConsumer', () => {
  const bench = new ConsumerBench();
  let open: PullConsumer[];

  beforeEach(async () => {
    await bench.open();
    open = [];
  });

  afterEach(async () => {
    await bench.done(Promise.all(open.map((one) => one.close({ deadline: 0 }))));
    await bench.close();
  });

  const make = (options: Partial<PullConsumerOptions> = {}): PullConsumer => {
    const nameServers = bench.cluster.nameServer;
    const { clock, network } = bench;
    const consumer = new PullConsumer({ nameServers, group: 'g', clock, network, ...options });
    open.push(consumer);
    return consumer;
  };

  const started = async (options: Partial<PullConsumerOptions> = {}): Promise<PullConsumer> => {
    const consumer = make(options);
    await bench.done(consumer.start());
    return consumer;
  };

  it('brings the messages of one queue from an offset on, and says where to go on', async () => {
    bench.cluster.queues.add('t', 0, ...texts(0, 5));
    const consumer = await started();
    const { messages, ...rest } = await bench.done(consumer.pull(queue, '*', 1, 3));
    expect(messages.map((one) => one.text)).toEqual(['m1', 'm2', 'm3']);
    expect(rest).toEqual({ status: 'found', nextOffset: 4, minOffset: 0, maxOffset: 5 });
  });

  it('carries its own subscription, as Java does', async () => {
    const consumer = await started();
    await bench.done(consumer.pull(queue, 'b || a', 0, 7));
    expect(bench.cluster.queues.pulls.at(-1)).toMatchObject({
      consumerGroup: 'g',
      subscription: 'b || a',
      expressionType: 'TAG',
      subVersion: 0,
      maxMsgNums: 7,
      sysFlag: PullSysFlag.subscription,
      suspendTimeoutMillis: 0,
    });
    const now = bench.clock.now();
    await bench.done(consumer.pull(queue, { sql: 'a > 5' }, 0, 1));
    expect(bench.cluster.queues.pulls.at(-1)).toMatchObject({
      subscription: 'a > 5',
      expressionType: 'SQL92',
      subVersion: now,
    });
  });

  it('lets only the wanted tags pass, also when hashes are equal', async () => {
    const tagged = (text: string, TAGS: string) => ({ text, properties: { TAGS } });
    bench.cluster.queues.add('t', 0, tagged('yes', 'Aa'), tagged('no', 'BB'));
    const consumer = await started();
    const found = await bench.done(consumer.pull(queue, 'Aa', 0, 10));
    expect(found.messages.map((one) => one.text)).toEqual(['yes']);
    expect(found.nextOffset).toBe(2);
  });

  it('answers at once when nothing is there, and waits when it is to block', async () => {
    const consumer = await started();
    expect(await bench.done(consumer.pull(queue, '*', 0, 1))).toMatchObject({
      status: 'no-new-message',
      nextOffset: 0,
    });
    const held = consumer.pullBlockIfNotFound(queue, '*', 0, 1);
    await bench.clock.advance(15_000);
    bench.cluster.queues.add('t', 0, { text: 'late' });
    const found = await bench.done(held);
    expect(found.messages.map((one) => one.text)).toEqual(['late']);
    const { sysFlag, suspendTimeoutMillis } = bench.cluster.queues.pulls.at(-1)!;
    expect(sysFlag).toBe(PullSysFlag.subscription | PullSysFlag.suspend);
    expect(suspendTimeoutMillis).toBe(20_000);
  });

  it('says where to go on when the offset lies outside, and moves nothing', async () => {
    bench.cluster.queues.add('t', 0, ...texts(0, 5));
    bench.cluster.queues.minOffsets.set('t 0', 3);
    const consumer = await started();
    expect(await bench.done(consumer.pull(queue, '*', 0, 9))).toMatchObject({
      status: 'offset-illegal',
      messages: [],
      nextOffset: 3,
    });
    expect(bench.offset(0)).toBeUndefined();
  });

  it('tells apart that nothing is wanted of what is there', async () => {
    const header = { suggestWhichBrokerId: 0, nextBeginOffset: 9, minOffset: 0, maxOffset: 9 };
    bench.cluster.queues.onPull = () => ({ code: 'PULL_RETRY_IMMEDIATELY', header });
    const consumer = await started();
    expect(await bench.done(consumer.pull(queue, 'x', 0, 9))).toMatchObject({
      status: 'no-matched-message',
      nextOffset: 9,
    });
  });

  it('keeps offsets for the caller and stores them every five seconds and at close', async () => {
    const consumer = await started();
    expect(await bench.done(consumer.fetchConsumeOffset(queue))).toBeUndefined();
    consumer.updateConsumeOffset(queue, 7);
    expect(await bench.done(consumer.fetchConsumeOffset(queue))).toBe(7);
    expect(await bench.done(consumer.fetchConsumeOffset(queue, { fromStore: true }))).toBe(
      undefined,
    );
    await bench.clock.advance(5_000);
    await bench.until(() => bench.offset(0) === 7);
    expect(bench.offset(0)).toBe(7);
    consumer.updateConsumeOffset(queue, 4);
    await bench.done(consumer.close());
    expect(bench.offset(0)).toBe(4);
    expect(bench.cluster.unregistered).toEqual(['g']);
    await bench.done(bench.cluster.close());
    await bench.clock.advance(30_000);
    expect(bench.clock.waiting).toBe(0);
  });

  it('stores at once when asked to', async () => {
    const consumer = await started();
    consumer.updateConsumeOffset(queue, 2);
    await bench.done(consumer.persist([queue]));
    expect(bench.offset(0)).toBe(2);
  });

  it('answers the questions that Java answers about queues', async () => {
    bench.cluster.queues.add('t', 0, { text: 'a', storeTimestamp: 10 });
    bench.cluster.queues.add('t', 0, { text: 'b', storeTimestamp: 20 });
    const consumer = await started();
    expect(await bench.done(consumer.fetchMessageQueues('t'))).toEqual([
      queue,
      { ...queue, queueId: 1 },
    ]);
    const answers = [
      consumer.minOffset(queue),
      consumer.maxOffset(queue),
      consumer.earliestMessageStoreTime(queue),
      consumer.searchOffset(queue, 11),
      consumer.searchOffset(queue, new Date(21)),
    ];
    expect(await bench.done(Promise.all(answers))).toEqual([0, 2, 10, 1, 2]);
    const unknown = consumer.fetchMessageQueues('nowhere');
    await expect(bench.done(unknown)).rejects.toMatchObject({ code: 'CLIENT_NO_ROUTE' });
  });

  it('is known to brokers as one that asks for its messages itself', async () => {
    const consumer = await started();
    await bench.done(consumer.fetchMessageQueues('t'));
    await bench.until(() => bench.cluster.heartbeats.length > 0);
    expect(bench.cluster.heartbeats.at(-1)?.consumerDataSet).toEqual([
      expect.objectContaining({ groupName: 'g', consumeType: 'CONSUME_ACTIVELY' }),
    ]);
  });

  it('refuses offsets and counts that cannot be, and filters that are wrong', async () => {
    const consumer = await started();
    for (const [offset, max] of [
      [-1, 1],
      [0.5, 1],
      [0, 0],
    ] as const) {
      await expect(consumer.pull(queue, '*', offset, max)).rejects.toThrow(InvalidPullError);
    }
    await expect(consumer.pull(queue, { sql: 'a >' }, 0, 1)).rejects.toThrow(/column 4/);
    expect(() => make({ pullSuspend: '30s', pullSuspendTimeout: '20s' })).toThrow(
      /'pullSuspendTimeout' must not be below/,
    );
  });

  it('passes the refusal of a broker on', async () => {
    bench.cluster.queues.onPull = () => ({ code: 'NO_PERMISSION', remark: 'not you' }) as never;
    const consumer = await started();
    await expect(bench.done(consumer.pull(queue, '*', 0, 1))).rejects.toThrow(BrokerRefusedError);
  });

  it('works between start and close only; close gives up a pull that is held', async () => {
    const consumer = make();
    await expect(consumer.pull(queue, '*', 0, 1)).rejects.toThrow(/call 'start\(\)' first/);
    await bench.done(consumer.start());
    const held = consumer.pullBlockIfNotFound(queue, '*', 0, 1);
    const outcome = held.catch((error: unknown) => error);
    await bench.until(() => bench.cluster.queues.pulls.length > 0);
    await bench.done(consumer.close());
    expect(await outcome).toBeInstanceOf(ClientStateError);
    await expect(consumer.pull(queue, '*', 0, 1)).rejects.toThrow(/was closed/);
  });
});
