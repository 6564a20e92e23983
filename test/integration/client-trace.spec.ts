import { ClientAdmin, LitePullConsumer, type MessageTrace } from '@nestjs-rocketmq/client';
import { ClientCluster, Inbox, patience } from '../support/client-cluster.js';
import { eventually } from '../support/eventually.js';

const deadline = 60_000;
const enableTrace = true;

describe('traces of our clients at our servers', () => {
  let cluster: ClientCluster;
  let admin: ClientAdmin;

  beforeAll(async () => {
    cluster = await ClientCluster.start({ traceTopicEnable: true });
    const { requestTimeout } = patience;
    admin = new ClientAdmin({ nameServers: cluster.nameServers, requestTimeout });
  });

  afterAll(async () => {
    await admin?.close();
    await cluster?.[Symbol.asyncDispose]();
  });

  /** What was traced of a message, once there is as much as expected. */
  const tracesOf = (msgId: string, count: number): Promise<readonly MessageTrace[]> =>
    eventually(`${count} traces`, deadline, async () => {
      const traces = await admin.queryTrace(msgId).catch(() => []);
      return traces.length >= count ? traces : undefined;
    });

  it('tell of sends: to which broker, how long, with which result', async () => {
    const topic = cluster.name('traced');
    const producer = await cluster.producer({ enableTrace });
    const { group } = producer;
    const body = Buffer.from('x');
    const sent = await producer.send({ topic, body, tags: 'a', keys: ['k', 'l'] });
    const late = await producer.send({ topic, body, delayLevel: 1 });
    await producer.close();
    const [trace, ...rest] = await tracesOf(sent.msgId, 1);
    expect(rest).toEqual([]);
    expect(trace).toMatchObject({
      kind: 'Pub',
      regionId: 'DefaultRegion',
      group,
      topic,
      msgId: sent.msgId,
      tags: 'a',
      keys: 'k l',
      storeHost: expect.stringMatching(/^[\d.]+:\d+$/),
      bodyLength: 1,
      messageType: 'Normal_Msg',
      offsetMsgId: sent.offsetMsgId,
      success: true,
    });
    expect(await tracesOf(late.msgId, 1)).toMatchObject([{ messageType: 'Delay_Msg' }]);
    expect(producer.traceStatistics).toEqual({ sent: 2, dropped: 0, failed: 0, waiting: 0 });
  });

  it('tell of each message of a batch by its own id', async () => {
    const topic = cluster.name('batch');
    const producer = await cluster.producer({ enableTrace });
    const bodies = ['1', '22'].map((text) => ({ topic, body: Buffer.from(text), keys: text }));
    const { msgId, offsetMsgId } = await producer.sendBatch(bodies);
    await producer.close();
    const ids = msgId.split(',') as [string, string];
    const second = await tracesOf(ids[1], 1);
    expect(second).toMatchObject([
      { msgId: ids[1], keys: '22', bodyLength: 2, offsetMsgId: offsetMsgId.split(',')[1] },
    ]);
    expect(await tracesOf(ids[0], 1)).toHaveLength(1);
  });

  it('tell of half messages and verdicts', async () => {
    const topic = cluster.name('transaction');
    const listener = {
      execute: async () => 'COMMIT' as const,
      check: async () => 'UNKNOWN' as const,
    };
    const producer = await cluster.transactional({ enableTrace, listener });
    const { msgId } = await producer.sendInTransaction({
      topic,
      body: Buffer.from('x'),
      keys: 'k',
    });
    await producer.close();
    const traces = await tracesOf(msgId, 2);
    expect(traces).toMatchObject([
      { kind: 'Pub', messageType: 'Trans_Msg_Half' },
      { kind: 'EndTransaction', state: 'COMMIT_MESSAGE', fromTransactionCheck: false, keys: 'k' },
    ]);
  });

  it('tell of listener calls that end well, and of those that do not', async () => {
    const topic = cluster.name('consumed');
    const producer = await cluster.producer();
    const inbox = new Inbox();
    const consumer = await cluster.consumer({
      enableTrace,
      subscriptions: [{ topic }],
      listener: (messages) => {
        inbox.take(messages);
        if (messages[0]?.text === 'bad') throw new Error('bad');
        return { kind: 'success' };
      },
    });
    const good = await producer.send({ topic, body: Buffer.from('good'), keys: 'k' });
    const bad = await producer.send({ topic, body: Buffer.from('bad') });
    await inbox.until(2);
    await consumer.close();
    const { group } = consumer;
    const [before, after] = await tracesOf(good.msgId, 2);
    expect(before).toMatchObject({ kind: 'SubBefore', group, retryTimes: 0, keys: 'k' });
    expect(after).toMatchObject({ kind: 'SubAfter', group, success: true, returnType: 'SUCCESS' });
    const failed = await tracesOf(bad.msgId, 2);
    expect(failed[1]).toMatchObject({ success: false, returnType: 'EXCEPTION' });
  });

  it('tell of what a lite pull consumer handed out, in a topic of its own choice', async () => {
    const [topic, traceTopic] = [cluster.name('polled'), cluster.name('TRACES')];
    const producer = await cluster.producer();
    const sent = await producer.send({ topic, body: Buffer.from('x') });
    const { nameServers } = cluster;
    const consumer = new LitePullConsumer({
      nameServers,
      group: cluster.name('lite'),
      from: 'first',
      enableTrace,
      traceTopic,
      subscriptions: [{ topic }],
    });
    await consumer.start();
    const batch = await consumer.poll(deadline);
    await consumer.close();
    expect(batch?.length).toBe(1);
    const traces = await eventually('traces of their own', deadline, async () => {
      const found = await admin.queryTrace(sent.msgId, { traceTopic }).catch(() => []);
      return found.length === 2 ? found : undefined;
    });
    expect(traces.map(({ kind }) => kind)).toEqual(['SubBefore', 'SubAfter']);
  });
});
