import { channel, tracingChannel } from 'node:diagnostics_channel';
import {
  clientChannels,
  type ConnectEvent,
  type PullEvent,
  type RebalanceEvent,
  type SendEvent,
} from './diagnostics.js';
import type { ConsumeEvent } from './consumer/consume-events.js';
import { Producer } from './producer/producer.js';
import { ConsumerBench } from './testing/consumer-bench.js';

describe('diagnostics channels of the client', () => {
  const bench = new ConsumerBench();
  let producer: Producer;
  let stops: (() => void)[];

  beforeEach(async () => {
    stops = [];
    await bench.open();
    const { cluster, network, clock } = bench;
    producer = new Producer({ nameServers: cluster.nameServer, group: 'p', clock, network });
  });

  afterEach(async () => {
    await bench.done(producer.close());
    await bench.close();
    for (const stop of stops) stop();
  });

  /** What one channel says, as `kind` and event; the same object from start to end. */
  const listen = <E extends object>(name: string): { starts: E[]; ends: E[]; errors: E[] } => {
    const seen = { starts: [] as E[], ends: [] as E[], errors: [] as E[] };
    const handlers = {
      start: (event: E) => void seen.starts.push(event),
      end: () => undefined,
      asyncStart: () => undefined,
      asyncEnd: (event: E) => void seen.ends.push(event),
      error: (event: E) => void seen.errors.push(event),
    };
    const tracing = tracingChannel<object, E>(name);
    tracing.subscribe(handlers);
    stops.push(() => tracing.unsubscribe(handlers));
    return seen;
  };

  it('tell of connections, sends, and sends that fail', async () => {
    const connects = listen<ConnectEvent>(clientChannels.connect);
    const sends = listen<SendEvent>(clientChannels.send);
    await bench.done(producer.start());
    const message = { topic: 't', body: Buffer.from('abc') };
    const result = await bench.done(producer.send(message));
    const [host, port] = bench.cluster.nameServer.split(':');
    const { clientId } = producer;
    expect(connects.starts[0]).toMatchObject({ clientId, host, port: Number(port) });
    expect(connects.ends.length).toBe(connects.starts.length);
    expect(sends.starts).toEqual([
      {
        clientId,
        group: 'p',
        topic: 't',
        msgId: result.msgId,
        bodyLength: 3,
        isOneWay: false,
        message,
        result,
      },
    ]);
    expect(sends.ends[0]).toBe(sends.starts[0]);
    bench.cluster.onSend = () => ({ code: 'NO_PERMISSION' });
    await expect(bench.done(producer.send(message))).rejects.toThrow('NO_PERMISSION');
    expect(sends.errors).toHaveLength(1);
    expect(String(sends.errors[0]?.error)).toContain('NO_PERMISSION');
    await bench.done(producer.sendOneWay(message));
    expect(sends.ends.at(-1)).toMatchObject({ isOneWay: true, result: undefined });
  });

  it('tell of shares, pulls and listener calls', async () => {
    const shares: RebalanceEvent[] = [];
    const onShare = (event: unknown) => void shares.push(event as RebalanceEvent);
    channel(clientChannels.rebalance).subscribe(onShare);
    stops.push(() => channel(clientChannels.rebalance).unsubscribe(onShare));
    const pulls = listen<PullEvent>(clientChannels.pull);
    const consumes = listen<ConsumeEvent>(clientChannels.consume);
    bench.cluster.queues.add('t', 1, { text: 'm' });
    const consumer = await bench.consumer();
    const share = shares.find(({ topic }) => topic === 't');
    const { clientId } = consumer;
    expect(share).toMatchObject({ clientId, group: 'g', taken: 2, left: 0 });
    expect(share?.mine).toHaveLength(2);
    const pull = pulls.ends.find(({ topic, queueId }) => topic === 't' && queueId === 1);
    expect(pull).toMatchObject({
      group: 'g',
      address: bench.cluster.addressOf('broker-a'),
      offset: 0,
      result: { code: 0, header: { nextBeginOffset: 1 } },
    });
    expect(consumes.ends).toMatchObject([
      { group: 'g', queue: { topic: 't', queueId: 1 }, result: { kind: 'success' } },
    ]);
    expect(consumes.ends[0]?.messages.map(({ text }) => text)).toEqual(['m']);
  });

  it('leave nothing changed when a listener throws', async () => {
    const consumes = listen<ConsumeEvent>(clientChannels.consume);
    bench.cluster.queues.add('t', 0, { text: 'm' });
    await bench.consumer({
      listener: () => {
        throw new Error('no');
      },
    });
    expect(consumes.errors.map(({ error }) => (error as Error).message)).toEqual(['no']);
    expect(bench.cluster.queues.sentBack).toHaveLength(1);
  });

  it('are not needed for the counters of a producer', async () => {
    await bench.done(producer.start());
    const message = { topic: 't', body: Buffer.from('abc') };
    await bench.done(producer.send(message));
    await bench.done(producer.sendBatch([message, message]));
    bench.cluster.onSend = () => ({ code: 'NO_PERMISSION' });
    await expect(bench.done(producer.send(message))).rejects.toThrow();
    bench.cluster.onSend = () => ({ code: 'SYSTEM_ERROR' });
    await expect(bench.done(producer.send(message))).rejects.toThrow();
    expect(producer.statistics()).toEqual({
      sent: 2,
      failed: 2,
      retried: 4,
      running: 0,
      waiting: 0,
      lateReplies: 0,
    });
  });
});
