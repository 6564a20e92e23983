import {
  DeleteSubscriptiongroup,
  DeleteTopicInBroker,
  GetAllSubscriptiongroupConfig,
  GetAllTopicConfig,
  GetSystemTopicListFromBroker,
  GetTopicConfig,
  PullMessage,
  QueryCorrectionOffset,
  subscriptionGroupConfig,
  topicConfig,
  UpdateAndCreateSubscriptiongroup,
  UpdateAndCreateSubscriptiongroupList,
  UpdateAndCreateTopic,
  UpdateAndCreateTopicList,
  UpdateAndGetGroupForbidden,
  UpdateConsumerOffset,
} from '@nestjs-rocketmq/protocol';
import { consumerOf, RawBroker } from '../support/raw-broker.js';

const ask = { timeoutMs: 30_000 };
const plain = {
  defaultTopic: 'TBW102',
  readQueueNums: 2,
  writeQueueNums: 2,
  perm: 6,
  topicFilterType: 'SINGLE_TAG',
};

const aTopic = (topicName: string, more: object = {}) =>
  topicConfig.read({ topicName, ...more }, '');
const aGroup = (groupName: string, more: object = {}) =>
  subscriptionGroupConfig.read({ groupName, ...more }, '');

describe('the topics of a broker', () => {
  it('are read page by page, or all at once', async () => {
    await using raw = await RawBroker.start();
    const everything = await raw.client.invoke(raw.address, GetAllTopicConfig, {}, ask);
    const names = Object.keys(everything.body.topicConfigTable);
    expect(everything.header.totalTopicNum).toBe(names.length);
    const paged: string[] = [];
    let dataVersion = '';
    while (paged.length < names.length) {
      const asked = { topicSeq: paged.length, maxTopicNum: 5, dataVersion };
      const { body } = await raw.client.invoke(raw.address, GetAllTopicConfig, asked, ask);
      paged.push(...Object.keys(body.topicConfigTable));
      dataVersion = JSON.stringify(body.dataVersion);
    }
    expect(paged).toEqual(names.toSorted());
  });

  it('come in lists, all or none of them', async () => {
    await using raw = await RawBroker.start();
    const update = (topicConfigList: ReturnType<typeof aTopic>[]) =>
      raw.client.invoke(
        raw.address,
        UpdateAndCreateTopicList,
        {},
        { ...ask, body: { topicConfigList } },
      );
    const get = async (topic: string) =>
      (await raw.client.invoke(raw.address, GetTopicConfig, { topic }, ask)).body;
    const typed = { attributes: { '+message.type': 'FIFO' } };
    await update([aTopic('a'), aTopic('b', typed)]);
    expect(await get('b')).toMatchObject({ attributes: { 'message.type': 'FIFO' } });
    await expect(update([aTopic('c'), aTopic('SCHEDULE_TOPIC_XXXX')])).rejects.toThrow(
      'conflict with system topic',
    );
    await expect(get('c')).rejects.toThrow('No topic in this broker');
    // A change without attributes leaves them as they are.
    await update([aTopic('b', { perm: 4 })]);
    expect(await get('b')).toMatchObject({ perm: 4, attributes: { 'message.type': 'FIFO' } });
  });

  it('have attributes that RocketMQ knows, and no mixed type unless that is allowed', async () => {
    await using raw = await RawBroker.start();
    const update = (attributes: string) =>
      raw.client.invoke(
        raw.address,
        UpdateAndCreateTopic,
        { topic: 'typed', ...plain, attributes },
        ask,
      );
    await expect(update('+message.type=MIXED')).rejects.toThrow(/INVALID_PARAMETER.*MIXED/);
    await expect(update('+no.such=1')).rejects.toThrow(/SYSTEM_ERROR.*unsupported key: no.such/);
    await update('+message.type=DELAY');
    await update('-message.type');
    const { body } = await raw.client.invoke(raw.address, GetTopicConfig, { topic: 'typed' }, ask);
    expect(body.attributes).toEqual({});
  });

  it('go with what POP consumers would try again', async () => {
    await using raw = await RawBroker.start();
    for (const topic of ['orders', '%RETRY%consumers_orders', '%RETRY%consumers']) {
      await raw.client.invoke(raw.address, UpdateAndCreateTopic, { topic, ...plain }, ask);
    }
    const offset = { consumerGroup: 'consumers', topic: 'orders', queueId: 0, commitOffset: 1 };
    await raw.createGroup('consumers');
    await raw.client.invoke(raw.address, UpdateConsumerOffset, offset, ask);
    await raw.client.invoke(raw.address, DeleteTopicInBroker, { topic: 'orders' }, ask);
    const { body } = await raw.client.invoke(raw.address, GetAllTopicConfig, {}, ask);
    expect(Object.keys(body.topicConfigTable)).toContain('%RETRY%consumers');
    expect(Object.keys(body.topicConfigTable)).not.toContain('%RETRY%consumers_orders');
  });

  it('of RocketMQ itself are known by name', async () => {
    await using raw = await RawBroker.start({ brokerClusterName: 'C' });
    const { body } = await raw.client.invoke(raw.address, GetSystemTopicListFromBroker, {}, ask);
    const some = ['TBW102', 'RMQ_SYS_TRACE_TOPIC', 'CHECKPOINT_TOPIC', 'broker-a', 'C_REPLY_TOPIC'];
    expect(body.topicList).toEqual(expect.arrayContaining(some));
    expect(new Set(body.topicList).size).toBe(body.topicList.length);
  });
});

describe('the groups of a broker', () => {
  it('are read page by page, come in lists and go', async () => {
    await using raw = await RawBroker.start();
    const page = async (asked: object) =>
      (await raw.client.invoke(raw.address, GetAllSubscriptiongroupConfig, asked, ask)).body;
    const groupConfigList = [aGroup('a-one'), aGroup('a-two', { retryMaxTimes: 2 })];
    const more = { ...ask, body: { groupConfigList } };
    await raw.client.invoke(raw.address, UpdateAndCreateSubscriptiongroupList, {}, more);
    const first = await page({ groupSeq: 0, maxGroupNum: 3, dataVersion: '' });
    const names = Object.keys(first.subscriptionGroupTable);
    expect(names).toHaveLength(3);
    const dataVersion = JSON.stringify(first.dataVersion);
    const rest = await page({ groupSeq: 3, maxGroupNum: 100, dataVersion });
    const all = [...names, ...Object.keys(rest.subscriptionGroupTable)];
    expect(all).toEqual(expect.arrayContaining(['a-one', 'a-two', 'CID_RMQ_SYS_TRANS']));
    expect(all).toEqual(all.toSorted());
    const gone = { groupName: 'a-one', cleanOffset: true };
    await raw.client.invoke(raw.address, DeleteSubscriptiongroup, gone, ask);
    expect(Object.keys((await page({})).subscriptionGroupTable)).not.toContain('a-one');
    const body = aGroup('a-two', { attributes: { '+colour': 'blue' } });
    await expect(
      raw.client.invoke(raw.address, UpdateAndCreateSubscriptiongroup, {}, { ...ask, body }),
    ).rejects.toThrow('unsupported key: colour');
  });

  it('may be forbidden to read a topic, until they are allowed to again', async () => {
    await using raw = await RawBroker.start();
    await raw.send('orders', 'x');
    await raw.heartbeat('one', { consumers: [consumerOf('g', 'orders')] });
    const readable = async (wish?: boolean) => {
      const asked = { group: 'g', topic: 'orders', readable: wish };
      const { body } = await raw.client.invoke(raw.address, UpdateAndGetGroupForbidden, asked, ask);
      return body.readable;
    };
    const pull = async () => {
      const asked = {
        consumerGroup: 'g',
        topic: 'orders',
        queueId: 0,
        queueOffset: 0,
        maxMsgNums: 1,
        sysFlag: 0,
        commitOffset: 0,
        suspendTimeoutMillis: 0,
        subVersion: 0,
      };
      return raw.client.invoke(raw.address, PullMessage, asked, ask);
    };
    expect(await readable()).toBe(true);
    expect(await readable(false)).toBe(false);
    await expect(pull()).rejects.toThrow('the consumer group[g] is forbidden for topic[orders]');
    expect(await readable(true)).toBe(true);
    expect((await pull()).name).toBe('SUCCESS');
  });

  it('are compared with the slowest of the others', async () => {
    await using raw = await RawBroker.start();
    for (let i = 0; i < 9; i += 1) await raw.send('orders', 'x');
    for (const [consumerGroup, commitOffset] of [
      ['fast', 9],
      ['slow', 4],
      ['slowest', 2],
    ] as const) {
      const asked = { consumerGroup, topic: 'orders', queueId: 0, commitOffset };
      await raw.createGroup(consumerGroup);
      await raw.client.invoke(raw.address, UpdateConsumerOffset, asked, ask);
    }
    const correction = async (compareGroup: string, filterGroups: string) => {
      const asked = { compareGroup, filterGroups, topic: 'orders' };
      const { body } = await raw.client.invoke(raw.address, QueryCorrectionOffset, asked, ask);
      return body.correctionOffsets['0'];
    };
    expect(await correction('fast', '')).toBe(2);
    expect(await correction('fast', 'slowest')).toBe(4);
    expect(await correction('slowest', 'slowest')).toBe(Number.MAX_SAFE_INTEGER);
    // Who is left out keeps its offsets.
    expect(await correction('fast', '')).toBe(2);
  });
});
