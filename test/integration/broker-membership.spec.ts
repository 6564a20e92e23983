import {
  DeleteSubscriptiongroup,
  type Asked,
  GetConsumerConnectionList,
  GetConsumerListByGroup,
  GetConsumeStats,
  GetProducerConnectionList,
  GetTopicStatsInfo,
  LockBatchMq,
  NotifyConsumerIdsChanged,
  QueryConsumerOffset,
  QueryTopicConsumeByWho,
  type ResponseError,
  UnlockBatchMq,
  UnregisterClient,
  UpdateConsumerOffset,
} from '@nestjs-rocketmq/protocol';
import { Router } from '@nestjs-rocketmq/remoting';
import { consumerOf, RawBroker, temporaryFolder } from '../support/raw-broker.js';

/** Counts notices of changed members, and waits for them. */
class Notices {
  readonly groups: string[] = [];
  private wake: (() => void) | undefined;

  readonly router = new Router().route(
    NotifyConsumerIdsChanged,
    (asked: Asked<typeof NotifyConsumerIdsChanged>) => {
      this.groups.push(asked.consumerGroup);
      this.wake?.();
    },
  );

  async until(count: number): Promise<void> {
    while (this.groups.length < count) await new Promise<void>((done) => (this.wake = done));
  }
}

describe('the members of a consumer group', () => {
  it('are told when somebody comes and goes, by leaving or by a lost connection', async () => {
    const notices = new Notices();
    await using raw = await RawBroker.start({}, { router: notices.router });
    await raw.heartbeat('one', { consumers: [consumerOf('g', 'orders')] });
    await notices.until(1);
    const second = RawBroker.clientOf();
    await raw.heartbeat('two', { consumers: [consumerOf('g', 'orders')] }, second);
    await notices.until(2);
    const members = await raw.client.invoke(
      raw.address,
      GetConsumerListByGroup,
      { consumerGroup: 'g' },
      { timeoutMs: 30_000 },
    );
    expect(members.body.consumerIdList).toEqual(['one', 'two']);
    const leaving = { clientID: 'two', consumerGroup: 'g' };
    await second.invoke(raw.address, UnregisterClient, leaving, { timeoutMs: 30_000 });
    await notices.until(3);
    await raw.heartbeat('two', { consumers: [consumerOf('g', 'orders')] }, second);
    await notices.until(4);
    await second.close();
    await notices.until(5);
    expect(new Set(notices.groups)).toEqual(new Set(['g']));
  });

  it('are not told of a heartbeat that changes nothing', async () => {
    const notices = new Notices();
    await using raw = await RawBroker.start({}, { router: notices.router });
    for (let i = 0; i < 3; i += 1) {
      await raw.heartbeat('one', { consumers: [consumerOf('g', 'orders')] });
    }
    await raw.heartbeat('one', { consumers: [consumerOf('g', 'refunds')] });
    await notices.until(2);
    expect(notices.groups).toHaveLength(2);
  });

  it('lock queues for themselves and give them back', async () => {
    await using raw = await RawBroker.start();
    const mqSet = [{ topic: 'orders', brokerName: 'broker-a', queueId: 0 }];
    const ask = async (clientId: string) => {
      const body = { consumerGroup: 'g', clientId, mqSet, onlyThisBroker: false };
      const answer = await raw.client.invoke(
        raw.address,
        LockBatchMq,
        {},
        { body, timeoutMs: 30_000 },
      );
      return answer.body.lockOKMQSet.length;
    };
    expect([await ask('one'), await ask('two')]).toEqual([1, 0]);
    const body = { consumerGroup: 'g', clientId: 'one', mqSet, onlyThisBroker: false };
    await raw.client.invoke(raw.address, UnlockBatchMq, {}, { body, timeoutMs: 30_000 });
    expect(await ask('two')).toBe(1);
  });

  it('are shown to operators, as are producers and those who consume a topic', async () => {
    await using raw = await RawBroker.start();
    const groups = { producers: ['p'], consumers: [consumerOf('g', 'orders', 'a || b')] };
    await raw.heartbeat('one', groups);
    const consumers = await raw.client.invoke(
      raw.address,
      GetConsumerConnectionList,
      { consumerGroup: 'g' },
      { timeoutMs: 30_000 },
    );
    expect(consumers.body).toMatchObject({
      consumeType: 'CONSUME_PASSIVELY',
      messageModel: 'CLUSTERING',
      connectionSet: [{ clientId: 'one' }],
      subscriptionTable: { orders: { subString: 'a || b' } },
    });
    const producers = await raw.client.invoke(
      raw.address,
      GetProducerConnectionList,
      { producerGroup: 'p' },
      { timeoutMs: 30_000 },
    );
    expect(producers.body.connectionSet).toMatchObject([{ clientId: 'one' }]);
    const who = await raw.client.invoke(
      raw.address,
      QueryTopicConsumeByWho,
      { topic: 'orders' },
      { timeoutMs: 30_000 },
    );
    expect(who.body.groupList).toEqual(['g']);
    await expect(
      raw.client.invoke(
        raw.address,
        GetConsumerConnectionList,
        { consumerGroup: 'nobody' },
        { timeoutMs: 30_000 },
      ),
    ).rejects.toMatchObject({
      responseName: 'CONSUMER_NOT_ONLINE',
    } satisfies Partial<ResponseError>);
  });
});

describe('the offsets of a group', () => {
  it('are kept only when the broker knows the group; a commit brings none into being', async () => {
    await using raw = await RawBroker.start({ autoCreateSubscriptionGroup: true });
    await raw.send('orders', 'a');
    const commit = (group: string, topic = 'orders') => {
      const asked = { consumerGroup: group, topic, queueId: 0, commitOffset: 1 };
      return raw.client.invoke(raw.address, UpdateConsumerOffset, asked, { timeoutMs: 30_000 });
    };
    for (const _ of ['first', 'again']) {
      await expect(commit('stranger')).rejects.toMatchObject({
        responseName: 'SUBSCRIPTION_GROUP_NOT_EXIST',
        remark: 'Group stranger not exist!',
      });
    }
    await raw.pull('orders', { group: 'stranger' });
    expect((await commit('stranger')).name).toBe('SUCCESS');
    await expect(commit('stranger', 'nowhere')).rejects.toMatchObject({
      responseName: 'TOPIC_NOT_EXIST',
    });
    const deleted = { groupName: 'stranger', cleanOffset: true };
    await raw.client.invoke(raw.address, DeleteSubscriptiongroup, deleted, { timeoutMs: 30_000 });
    await expect(commit('stranger')).rejects.toThrow('Group stranger not exist!');
  });

  it('are unknown before the first commit, and survive a restart', async () => {
    const folder = temporaryFolder();
    try {
      const first = await RawBroker.start({}, { dir: folder.path });
      for (const text of ['a', 'b', 'c']) await first.send('orders', text);
      const place = { consumerGroup: 'g', topic: 'orders', queueId: 0 };
      const query = (raw: RawBroker, setZeroIfNotFound?: boolean) =>
        raw.client.invoke(
          raw.address,
          QueryConsumerOffset,
          { ...place, setZeroIfNotFound },
          { timeoutMs: 30_000 },
        );
      expect((await query(first, false)).name).toBe('QUERY_NOT_FOUND');
      expect((await query(first)).header.offset).toBe(0);
      await first.createGroup('g');
      await first.client.invoke(
        first.address,
        UpdateConsumerOffset,
        { ...place, commitOffset: 2 },
        { timeoutMs: 30_000 },
      );
      await first.close();
      await using second = await RawBroker.start({}, { dir: folder.path });
      expect((await query(second)).header.offset).toBe(2);
      const stats = await second.client.invoke(
        second.address,
        GetConsumeStats,
        { consumerGroup: 'g' },
        { timeoutMs: 30_000 },
      );
      const [queue, progress] = stats.body.offsetTable[0] ?? [];
      expect(queue).toEqual({ topic: 'orders', brokerName: 'broker-a', queueId: 0 });
      expect(progress).toMatchObject({ brokerOffset: 3, consumerOffset: 2 });
      expect(progress?.lastTimestamp).toBeGreaterThan(0);
      const topic = await second.client.invoke(
        second.address,
        GetTopicStatsInfo,
        { topic: 'orders' },
        { timeoutMs: 30_000 },
      );
      expect(topic.body.offsetTable).toHaveLength(4);
      expect(topic.body.offsetTable[0]?.[1]).toMatchObject({ minOffset: 0, maxOffset: 3 });
    } finally {
      folder.remove();
    }
  });
});
