import {
  LitePullConsumer,
  Producer,
  PullConsumer,
  type LitePullConsumerOptions,
  type MessageBatch,
} from '@nestjs-rocketmq/client';
import type { MessageQueue } from '@nestjs-rocketmq/message';
import {
  createTopic,
  JavaPeer,
  prepareJava,
  serverVersions,
  startJavaServers,
  type JavaServers,
} from '../support/java.js';
import { eventually } from '../support/eventually.js';

/** Our lite pull consumer and our plain pull against official servers. */
const deadline = 60_000;
const properties = { enablePropertyFilter: true, autoCreateSubscriptionGroup: true };

beforeAll(() => prepareJava());

describe.each(serverVersions)('pulling from the servers %s', (version) => {
  let servers: JavaServers;
  let producer: Producer;
  let looker: PullConsumer;

  beforeAll(async () => {
    servers = await startJavaServers(version, { properties });
    producer = new Producer({ nameServers: servers.nameServers, group: 'g-producer' });
    await producer.start();
    looker = new PullConsumer({ ...common(), group: 'g-looker' });
    await looker.start();
  });

  afterAll(async () => {
    await looker?.close();
    await producer?.close();
    await servers?.close();
  });

  const common = () => ({ nameServers: servers.nameServers, pollNameServerInterval: 1_000 });

  const lite = async (options: Partial<LitePullConsumerOptions> & { group: string }) => {
    const consumer = new LitePullConsumer({ ...common(), from: 'first', ...options });
    await consumer.start();
    return consumer;
  };

  const make = async (topic: string, queues: number): Promise<MessageQueue[]> => {
    await createTopic(servers.broker.address, topic, queues);
    await eventually(`route of ${topic}`, deadline, async () => {
      const known = await producer
        .send({ topic, body: Buffer.from('probe') })
        .catch(() => undefined);
      return known;
    });
    const brokerName = servers.broker.name;
    const all = Array.from({ length: queues }, (_, queueId) => ({ topic, brokerName, queueId }));
    await visible(all, 1);
    return all;
  };

  /** Brokers show messages a moment after they took them. */
  const visible = (queues: readonly MessageQueue[], count: number) =>
    eventually(`${count} messages`, deadline, async () => {
      const ends = await Promise.all(queues.map((queue) => looker.maxOffset(queue)));
      return ends.reduce((sum, end) => sum + end, 0) === count ? true : undefined;
    });

  /** A topic of one queue with the messages 0 (the probe), 1, ... with the tags `odd` and `even`. */
  const filled = async (topic: string, count: number): Promise<MessageQueue> => {
    const [queue] = (await make(topic, 1)) as [MessageQueue];
    await send(queue, 1, count);
    await visible([queue], count);
    return queue;
  };

  const send = async (queue: MessageQueue, from: number, to: number): Promise<void> => {
    for (let i = from; i < to; i += 1) {
      const tags = i % 2 === 0 ? 'even' : 'odd';
      await producer.send({ topic: queue.topic, body: Buffer.from(`${i}`), tags }, { queue });
    }
  };

  const take = async (consumer: LitePullConsumer, count: number): Promise<string[]> => {
    const seen: string[] = [];
    const end = Date.now() + deadline;
    while (seen.length < count && Date.now() < end) seen.push(...textsIn(await consumer.poll()));
    return seen;
  };

  it('hands out everything in order; the next member of the group goes on behind', async () => {
    const queue = await filled('LiteOrder', 25);
    const subscriptions = [{ topic: queue.topic }];
    const first = await lite({ group: 'g-order', subscriptions });
    expect(await take(first, 25)).toEqual(['probe', ...numbers(1, 25)]);
    await first.close();
    await send(queue, 25, 27);
    await using second = await lite({ group: 'g-order', subscriptions });
    expect(await second.committed(queue)).toBe(25);
    expect(await take(second, 2)).toEqual(numbers(25, 27));
  });

  it('commits by hand no more than it is told, also while it loops', async () => {
    const queue = await filled('LiteManual', 12);
    const options = { group: 'g-manual', subscriptions: [{ topic: queue.topic }] };
    const first = await lite({ ...options, autoCommit: false });
    let count = 0;
    for await (const batch of first) {
      count += batch.length;
      if (count === batch.length) await first.commit({ queue, offset: 3 });
      if (count === 12) break;
    }
    await first.close();
    await using second = await lite(options);
    expect(await take(second, 9)).toEqual(numbers(3, 12));
  });

  it('seeks to an offset, the begin, the end and a time', async () => {
    const queue = await filled('LiteSeek', 5);
    const group = 'g-seek';
    await using consumer = await lite({ group, subscriptions: [{ topic: queue.topic }] });
    const first = await consumer.poll('30s');
    expect(textsIn(first)).toEqual(['probe', ...numbers(1, 5)]);
    // One message with a time of its own: old brokers find any of those with the same time.
    await laterThan(first?.messages.at(-1)?.storeTimestamp);
    await send(queue, 5, 6);
    const later = await consumer.poll('30s');
    await laterThan(later?.messages[0]?.storeTimestamp);
    await send(queue, 6, 9);
    await visible([queue], 9);
    await consumer.seek(queue, 3);
    expect(textsIn(await consumer.poll('30s'))[0]).toBe('3');
    await consumer.seekToBegin(queue);
    expect(textsIn(await consumer.poll('30s'))[0]).toBe('probe');
    await consumer.seekToEnd(queue);
    await send(queue, 9, 10);
    expect(textsIn(await consumer.poll('30s'))).toEqual(['9']);
    const time = later?.messages[0]?.storeTimestamp ?? 0;
    expect(await consumer.offsetForTimestamp(queue, time)).toBe(5);
    await consumer.seekToTime(queue, time);
    expect(textsIn(await consumer.poll('30s'))[0]).toBe('5');
    await expect(consumer.seek(queue, 99)).rejects.toMatchObject({
      code: 'CLIENT_SEEK_OUT_OF_RANGE',
    });
  });

  it('filters by tags and by SQL92', async () => {
    const { topic } = await filled('LiteFilters', 7);
    const tags = [{ topic, expression: 'odd || none' }];
    await using odd = await lite({ group: 'g-tags', subscriptions: tags });
    expect(await take(odd, 3)).toEqual(['1', '3', '5']);
    const sql = [{ topic, sql: "TAGS = 'even'" }];
    await using even = await lite({ group: 'g-sql', subscriptions: sql });
    expect(await take(even, 3)).toEqual(['2', '4', '6']);
  });

  it('reads queues that were assigned, and pauses one of them', async () => {
    const [first, second] = (await make('LiteAssigned', 2)) as [MessageQueue, MessageQueue];
    const consumer = new LitePullConsumer({ ...common(), group: 'g-assigned' });
    await consumer.assign([first, second]);
    await consumer.start();
    expect(consumer.assignment()).toHaveLength(2);
    expect(await consumer.fetchMessageQueues('LiteAssigned')).toEqual([first, second]);
    await Promise.all([first, second].map((queue) => consumer.seekToEnd(queue)));
    consumer.pause([first]);
    await consumer.seekToEnd(first);
    await send(first, 1, 2);
    await send(second, 2, 3);
    expect(await take(consumer, 1)).toEqual(['2']);
    consumer.resume([first]);
    expect(await take(consumer, 1)).toEqual(['1']);
    await consumer.close();
  });

  it('pulls by offset, blocking and not, and keeps offsets', async () => {
    const queue = await filled('PlainPull', 6);
    await using consumer = new PullConsumer({ ...common(), group: 'g-plain' });
    await consumer.start();
    const all = await consumer.pull(queue, '*', 0, 32);
    expect(all).toMatchObject({ status: 'found', nextOffset: 6, minOffset: 0, maxOffset: 6 });
    expect(all.messages.map((one) => one.text)).toEqual(['probe', ...numbers(1, 6)]);
    const odd = await consumer.pull(queue, 'odd', 2, 32);
    expect(odd.messages.map((one) => one.text)).toEqual(['3', '5']);
    const even = await consumer.pull(queue, { sql: "TAGS = 'even'" }, 0, 32);
    expect(even.messages.map((one) => one.text)).toEqual(['2', '4']);
    const statuses = [
      await consumer.pull(queue, 'none', 0, 32),
      await consumer.pull(queue, '*', 6, 32),
      await consumer.pull(queue, '*', 99, 32),
    ].map(({ status, nextOffset }) => [status, nextOffset]);
    expect(statuses).toEqual([
      ['no-matched-message', 6],
      ['no-new-message', 6],
      ['offset-illegal', 6],
    ]);
    const held = consumer.pullBlockIfNotFound(queue, '*', 6, 32);
    await send(queue, 6, 7);
    expect((await held).messages.map((one) => one.text)).toEqual(['6']);
    consumer.updateConsumeOffset(queue, 4);
    await consumer.persist();
    expect(await consumer.fetchConsumeOffset(queue, { fromStore: true })).toBe(4);
    expect(await consumer.minOffset(queue)).toBe(0);
    const first = all.messages[0]?.storeTimestamp ?? 0;
    expect(await consumer.earliestMessageStoreTime(queue)).toBe(first);
  });

  it("shares queues with Java's lite pull consumer, which goes on where ours committed", async () => {
    const queues = await make('LiteMixed', 4);
    const [topic, group] = ['LiteMixed', 'g-mixed'];
    const subscriptions = [{ topic }];
    const ours = await lite({ group, subscriptions, rebalanceInterval: 1_000 });
    expect(await take(ours, 1)).toEqual(['probe']);
    await ours.commit();
    await using peer = await JavaPeer.start(version === '4.9.7' ? '4.9.8' : version);
    await peer.run('lite-open', { ns: servers.nameServers, id: 'java', group, topic });
    await eventually('two queues each', deadline, () =>
      ours.assignment().length === 2 ? true : undefined,
    );
    await ours.close();
    for (const [i, queue] of queues.entries()) await send(queue, i + 10, i + 11);
    await peer.run('lite-poll', { id: 'java', count: 4, wait: 50_000 });
    const bodies = peer.received('java').map((one) => one.body);
    expect(bodies.toSorted()).toEqual(numbers(10, 14));
  });
});

const laterThan = (time: number | undefined) =>
  eventually('a later millisecond', deadline, () => Date.now() > (time ?? 0) + 5 || undefined);

function textsIn(batch: MessageBatch | undefined): string[] {
  return (batch?.messages ?? []).map((one) => one.text);
}

const numbers = (from: number, to: number): string[] =>
  Array.from({ length: to - from }, (_, i) => `${from + i}`);
