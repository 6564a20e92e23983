import {
  LitePullConsumer,
  PullConsumer,
  type LitePullConsumerOptions,
  type MessageBatch,
} from '@nestjs-rocketmq/client';
import { eventually } from '../support/eventually.js';
import { ClientCluster } from '../support/client-cluster.js';

describe('pulling from our servers', () => {
  let cluster: ClientCluster;

  beforeAll(async () => {
    cluster = await ClientCluster.start({ enablePropertyFilter: true });
  });

  afterAll(() => cluster[Symbol.asyncDispose]());

  /** Sends `count` messages, all to one queue, with the tags `even` and `odd`. */
  const filled = async (what: string, count: number) => {
    const topic = cluster.name(what);
    const producer = await cluster.producer();
    const first = await producer.send({ topic, body: Buffer.from('0'), tags: 'even' });
    const { queue } = first;
    for (let i = 1; i < count; i += 1) {
      const tags = i % 2 === 0 ? 'even' : 'odd';
      await producer.send({ topic, body: Buffer.from(`${i}`), tags }, { queue });
    }
    return { topic, queue, producer };
  };

  it('pulls one queue by offset, with tags, with SQL92, and blocking', async () => {
    const { queue, producer, topic } = await filled('pulled', 6);
    const { nameServers } = cluster;
    await using consumer = new PullConsumer({ nameServers, group: cluster.name('pullers') });
    await consumer.start();
    const all = await consumer.pull(queue, '*', 0, 32);
    expect(texts(all)).toEqual(['0', '1', '2', '3', '4', '5']);
    expect(all).toMatchObject({ status: 'found', nextOffset: 6, minOffset: 0, maxOffset: 6 });
    expect(texts(await consumer.pull(queue, 'odd', 2, 32))).toEqual(['3', '5']);
    expect(texts(await consumer.pull(queue, { sql: "TAGS = 'even'" }, 0, 2))).toEqual(['0', '2']);
    expect(await consumer.pull(queue, 'none', 0, 32)).toMatchObject({
      status: 'no-matched-message',
      nextOffset: 6,
    });
    expect(await consumer.pull(queue, '*', 6, 32)).toMatchObject({ status: 'no-new-message' });
    expect(await consumer.pull(queue, '*', 99, 32)).toMatchObject({
      status: 'offset-illegal',
      nextOffset: 6,
    });
    const held = consumer.pullBlockIfNotFound(queue, '*', 6, 32);
    await producer.send({ topic, body: Buffer.from('late') }, { queue });
    expect(texts(await held)).toEqual(['late']);
  });

  describe('by a lite pull consumer', () => {
    const lite = async (options: Partial<LitePullConsumerOptions> & { group: string }) => {
      const { nameServers } = cluster;
      const consumer = new LitePullConsumer({ nameServers, from: 'first', ...options });
      await consumer.start();
      return consumer;
    };

    /** Polls until there are `count` messages. */
    const take = async (consumer: LitePullConsumer, count: number): Promise<string[]> => {
      const seen: string[] = [];
      while (seen.length < count) seen.push(...textsIn(await consumer.poll('30s')));
      return seen;
    };

    it('hands out each message once, and the next member of the group goes on behind', async () => {
      const { queue, producer, topic } = await filled('lite', 25);
      const group = cluster.name('lite');
      const subscriptions = [{ topic }];
      const first = await lite({ group, subscriptions });
      expect(await take(first, 25)).toEqual(numbers(0, 25));
      await first.close();
      for (const text of numbers(25, 28)) {
        await producer.send({ topic, body: Buffer.from(text) }, { queue });
      }
      await using second = await lite({ group, subscriptions, autoCommit: false });
      expect(await take(second, 3)).toEqual(numbers(25, 28));
      await second.commit([{ queue, offset: 26 }]);
      await second.seek(queue, 3);
      expect(textsIn(await second.poll('30s'))).toEqual(numbers(3, 13));
      await second.close();
      await using third = await lite({ group, subscriptions });
      expect(await take(third, 2)).toEqual(numbers(26, 28));
    });

    it('filters by tags and by SQL92', async () => {
      const { topic } = await filled('lite-filters', 6);
      const tags = [{ topic, expression: 'odd' }];
      await using odd = await lite({ group: cluster.name('odd'), subscriptions: tags });
      expect(await take(odd, 3)).toEqual(['1', '3', '5']);
      const sql = [{ topic, sql: "TAGS = 'even'" }];
      await using even = await lite({ group: cluster.name('even'), subscriptions: sql });
      expect(await take(even, 3)).toEqual(['0', '2', '4']);
      const wrong = lite({ group: cluster.name('wrong'), subscriptions: [{ topic, sql: 'a >' }] });
      await expect(wrong).rejects.toThrow(/column 4/);
    });

    it('shares queues with another member, and takes them back', async () => {
      const { topic } = await filled('lite-shared', 1);
      const group = cluster.name('shared');
      const subscriptions = [{ topic }];
      await using one = await lite({ group, subscriptions, instanceName: 'one' });
      await using two = await lite({ group, subscriptions, instanceName: 'two' });
      const shares = (expected: readonly number[]) =>
        eventually(`shares of ${expected.join(' and ')} queues`, 60_000, () => {
          const now = [one.assignment().length, two.assignment().length];
          return now.join() === expected.join() ? now : undefined;
        });
      await shares([2, 2]);
      await two.close();
      await eventually('all four queues back', 60_000, () =>
        one.assignment().length === 4 ? true : undefined,
      );
    });

    it('reads assigned queues in a loop that ends with close', async () => {
      const { queue } = await filled('lite-assigned', 30);
      const { nameServers } = cluster;
      const consumer = new LitePullConsumer({
        nameServers,
        group: cluster.name('assigned'),
        from: 'first',
        pullThresholdForQueue: 10,
      });
      await consumer.assign([queue]);
      await consumer.start();
      const seen: string[] = [];
      for await (const batch of consumer) {
        seen.push(...textsIn(batch));
        if (seen.length === 30) void consumer.close();
      }
      expect(seen).toEqual(numbers(0, 30));
    });
  });

  it('keeps offsets of a group at the broker, and answers what is where', async () => {
    const { queue, topic } = await filled('kept', 3);
    const { nameServers } = cluster;
    const group = cluster.name('pullers');
    const first = new PullConsumer({ nameServers, group });
    await first.start();
    expect(await first.fetchMessageQueues(topic)).toContainEqual(
      expect.objectContaining(at(queue)),
    );
    expect(await first.fetchConsumeOffset(queue, { fromStore: true })).toBeLessThanOrEqual(0);
    first.updateConsumeOffset(queue, 2);
    await first.close();
    await using second = new PullConsumer({ nameServers, group });
    await second.start();
    expect(await second.fetchConsumeOffset(queue)).toBe(2);
    expect([await second.minOffset(queue), await second.maxOffset(queue)]).toEqual([0, 3]);
    const stored = (await second.pull(queue, '*', 1, 1)).messages[0]?.storeTimestamp ?? 0;
    expect(await second.searchOffset(queue, stored + 60_000)).toBe(3);
    expect(await second.earliestMessageStoreTime(queue)).toBeGreaterThan(0);
  });
});

const at = ({ brokerName, queueId }: { brokerName: string; queueId: number }) => ({
  brokerName,
  queueId,
});

function texts({ messages }: { readonly messages: readonly { readonly text: string }[] }) {
  return messages.map((one) => one.text);
}

function textsIn(batch: MessageBatch | undefined): string[] {
  return batch === undefined ? [] : texts(batch);
}

const numbers = (from: number, to: number): string[] =>
  Array.from({ length: to - from }, (_, i) => `${from + i}`);
