import { PullConsumer } from '@nestjs-rocketmq/client';
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
    const texts = ({ messages }: { messages: readonly { text: string }[] }) =>
      messages.map((one) => one.text);
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
