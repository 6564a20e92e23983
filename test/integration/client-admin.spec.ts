import { ClientAdmin, type Producer } from '@nestjs-rocketmq/client';
import { ClientCluster, patience } from '../support/client-cluster.js';
import { eventually } from '../support/eventually.js';

const deadline = 60_000;

describe('what a client may ask of our servers besides', () => {
  let cluster: ClientCluster;
  let producer: Producer;

  beforeAll(async () => {
    cluster = await ClientCluster.start({ autoCreateTopicEnable: false });
    producer = await cluster.producer();
  });

  afterAll(() => cluster?.[Symbol.asyncDispose]());

  const created = async (name: string) => {
    const topic = cluster.name(name);
    await producer.admin.createTopic(topic, { queues: 1 });
    const [queue] = await eventually(`route of ${topic}`, deadline, () =>
      producer.admin.fetchPublishQueues(topic).catch(() => undefined),
    );
    if (queue === undefined) throw new Error('no queue');
    return queue;
  };

  it('creates a topic where none is created by itself, and tells its queues', async () => {
    const { topic } = await created('made');
    await using admin = new ClientAdmin({ nameServers: cluster.nameServers, ...patienceOfAdmin });
    expect(await admin.fetchMessageQueues(topic)).toHaveLength(1);
    await producer.send({ topic, body: Buffer.from('x') });
  });

  it('tells the offsets and times of a queue', async () => {
    const queue = await created('offsets');
    expect(await producer.admin.earliestMessageStoreTime(queue)).toBe(-1);
    for (const body of ['0', '1', '2']) {
      await producer.send({ topic: queue.topic, body: Buffer.from(body) });
    }
    const { admin } = producer;
    await eventually('three messages', deadline, async () =>
      (await admin.maxOffset(queue)) === 3 ? true : undefined,
    );
    const first = await admin.earliestMessageStoreTime(queue);
    expect(await admin.minOffset(queue)).toBe(0);
    expect(first).toBeGreaterThan(0);
    expect(await admin.searchOffset(queue, first)).toBe(0);
    const last = await admin.searchOffset(queue, Date.now() + 60_000);
    expect(last).toBeGreaterThan(0);
  });

  it('finds messages by either id, by key and by unique key', async () => {
    const { topic } = await created('found');
    const { admin } = producer;
    const sent = await producer.send({ topic, body: Buffer.from('it'), keys: ['k', 'l'] });
    const byOffset = await admin.viewMessage(topic, sent.offsetMsgId);
    expect(byOffset?.text).toBe('it');
    const found = await eventually('the index', deadline, async () => {
      const messages = await admin.queryMessages(topic, 'l');
      return messages.length > 0 ? messages : undefined;
    });
    expect(found.map(({ msgId }) => msgId)).toEqual([sent.msgId]);
    expect((await admin.viewMessage(topic, sent.msgId))?.text).toBe('it');
    expect(await admin.queryByUniqueKey(topic, sent.msgId)).toHaveLength(1);
    expect(await admin.queryMessages(topic, 'm')).toEqual([]);
    expect(await admin.viewMessage(topic, `${sent.offsetMsgId.slice(0, -8)}0FFFFFFF`)).toBe(
      undefined,
    );
  });
});

/** An admin sends nothing. */
const patienceOfAdmin = { requestTimeout: patience.requestTimeout };
