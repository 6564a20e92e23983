import { ConsumerBench } from './testing/consumer-bench.js';
import { ClientAdmin } from './admin/client-admin.js';
import type { ClientOptions } from './client-options.js';
import { LitePullConsumer } from './consumer/lite-pull-consumer.js';
import { PullConsumer } from './consumer/pull-consumer.js';
import { PushConsumer } from './consumer/push-consumer.js';
import { Producer } from './producer/producer.js';
import { TransactionalProducer } from './producer/transactional-producer.js';

/** What every client can. */
interface Client extends AsyncDisposable {
  start(): Promise<void>;
  close(options?: { deadline?: number }): Promise<void>;
}

const group = 'g';
const subscriptions = [{ topic: 't' }];
const enableTrace = true;
const listener = () => ({ kind: 'success' }) as const;
const commit = async () => 'COMMIT' as const;
const verdicts = { execute: commit, check: commit };

const kinds: Readonly<Record<string, (options: ClientOptions) => Client>> = {
  Producer: (options) => new Producer({ ...options, group, enableTrace }),
  'Producer that gathers and looks after brokers': (options) =>
    new Producer({
      ...options,
      group,
      autoBatch: true,
      sendLatencyEnable: true,
      startDetectorEnable: true,
    }),
  TransactionalProducer: (options) =>
    new TransactionalProducer({ ...options, group, listener: verdicts, enableTrace }),
  'PushConsumer, concurrent': (options) =>
    new PushConsumer({ ...options, group, subscriptions, listener, enableTrace }),
  'PushConsumer, orderly': (options) =>
    new PushConsumer({ ...options, group, subscriptions, listener, mode: 'orderly' }),
  'LitePullConsumer, subscribing': (options) =>
    new LitePullConsumer({ ...options, group, subscriptions, enableTrace }),
  'LitePullConsumer, assigning': (options) => {
    const consumer = new LitePullConsumer({ ...options, group });
    void consumer.assign([{ topic: 't', brokerName: 'broker-a', queueId: 0 }]);
    return consumer;
  },
  PullConsumer: (options) => new PullConsumer({ ...options, group }),
  ClientAdmin: (options) => {
    const admin = new ClientAdmin(options);
    return Object.assign(admin, { start: async () => void (await admin.fetchMessageQueues('t')) });
  },
};

/** Consumers take a second for their last words when the deadline left less; connections get three to end. */
const afterDeadline = 1_000 + 3_000;
const deadline = 2_000;

describe.each(Object.entries(kinds))('%s', (_, make) => {
  const bench = new ConsumerBench();
  let resting: number;
  let client: Client;

  beforeEach(async () => {
    await bench.open();
    bench.cluster.queues.add('t', 0, { text: 'm0' }, { text: 'm1' });
    resting = bench.clock.waiting;
    const { clock, network, cluster } = bench;
    client = make({ nameServers: cluster.nameServer, clock, network });
  });

  afterEach(async () => {
    await bench.done(client.close({ deadline: 0 }));
    await bench.close();
    expect(bench.clock.waiting).toBe(0);
  });

  /** Timers of the client: not those of the scripted servers, nor of the pulls that these hold. */
  const ownTimers = (): number => bench.clock.waiting - bench.cluster.queues.holding.size - resting;

  /** How long closing takes, in ms of the clock. */
  const closed = async (): Promise<number> => {
    const { clock } = bench;
    const start = clock.monotonic();
    await bench.done(client.close({ deadline }));
    return clock.monotonic() - start;
  };

  const work = async (): Promise<void> => {
    await bench.done(client.start());
    if (!(client instanceof Producer)) return;
    await bench.done(client.send({ topic: 't', body: Buffer.from('x') }));
  };

  it('closes at once, and leaves no timer', async () => {
    await work();
    expect(await closed()).toBeLessThan(deadline);
    expect(ownTimers()).toBe(0);
  });

  it('closes without having been started', async () => {
    expect(await closed()).toBe(0);
    expect(ownTimers()).toBe(0);
  });

  it('closes in time when brokers and name servers have gone', async () => {
    await work();
    await bench.done(bench.cluster.close());
    expect(await closed()).toBeLessThanOrEqual(deadline + afterDeadline);
    expect(bench.clock.waiting).toBe(0);
  });

  it('closes in time when nothing comes through any more', async () => {
    await work();
    const sending = client instanceof Producer ? [client.send(message), client.send(message)] : [];
    for (const one of sending) one.catch(() => undefined);
    for (const wire of bench.network.wires) wire.mute();
    expect(await closed()).toBeLessThanOrEqual(deadline + afterDeadline);
    const ends = await bench.done(Promise.allSettled(sending));
    expect(ends.length).toBe(sending.length);
  });

  it('closes while it starts and nobody answers', async () => {
    await bench.done(bench.cluster.close());
    const starting = client.start();
    starting.catch(() => undefined);
    expect(await closed()).toBeLessThanOrEqual(deadline + afterDeadline);
    await bench.done(Promise.allSettled([starting]));
    expect(bench.clock.waiting).toBe(0);
  });

  it('closes at the end of a block', async () => {
    {
      await using used = client;
      await bench.done(used.start());
      // The block waits for real: what closing waits for must not need this clock.
    }
    expect(ownTimers()).toBe(0);
  });
});

const message = { topic: 't', body: Buffer.from('x') };
