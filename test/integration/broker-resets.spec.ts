import {
  CloneGroupOffset,
  InvokeBrokerToResetOffset,
  QueryConsumerOffset,
  QueryCorrectionOffset,
  ResetConsumerClientOffset,
  type ResponseCode,
  UpdateConsumerOffset,
} from '@nestjs-rocketmq/protocol';
import { Router } from '@nestjs-rocketmq/remoting';
import { consumerOf, RawBroker } from '../support/raw-broker.js';

const timeoutMs = 30_000;

function toolsOf(raw: RawBroker) {
  const commit = async (consumerGroup: string, commitOffset: number, queueId = 0) => {
    const asked = { consumerGroup, topic: 'orders', queueId, commitOffset };
    await raw.createGroup(consumerGroup);
    return raw.client.invoke(raw.address, UpdateConsumerOffset, asked, { timeoutMs });
  };
  const committed = async (consumerGroup: string, queueId = 0): Promise<number | undefined> => {
    const asked = { consumerGroup, topic: 'orders', queueId };
    const answer = await raw.client.invoke(raw.address, QueryConsumerOffset, asked, { timeoutMs });
    return answer.header.offset;
  };
  const reset = async (
    group: string,
    more: { queueId?: number; offset?: number; isForce?: boolean } = {},
  ) => {
    const asked = { topic: 'orders', group, timestamp: 0, isForce: true, ...more };
    const answer = await raw.client.invoke(raw.address, InvokeBrokerToResetOffset, asked, {
      timeoutMs,
    });
    return answer.body.offsetTable.map(([queue, offset]) => [queue.queueId, offset]);
  };
  return { commit, committed, reset };
}

async function brokerWithOrders(properties: Record<string, unknown> = {}, router?: Router) {
  const raw = await RawBroker.start(properties, router === undefined ? {} : { router });
  for (let i = 0; i < 5; i += 1) await raw.send('orders', `order ${i}`);
  return raw;
}

describe('a reset of offsets kept by the broker', () => {
  let raw: RawBroker;
  let tools: ReturnType<typeof toolsOf>;

  beforeAll(async () => {
    raw = await brokerWithOrders();
    tools = toolsOf(raw);
  });
  afterAll(() => raw[Symbol.asyncDispose]());

  it('is told to the next pull, and until then the commits of the group do not count', async () => {
    await tools.commit('g1', 5);
    expect(await tools.reset('g1')).toEqual([0, 1, 2, 3].map((queueId) => [queueId, 0]));
    expect(await tools.committed('g1')).toBe(0);
    await tools.commit('g1', 5);
    expect(await tools.committed('g1')).toBe(0);
    const told = await raw.pull('orders', { group: 'g1', offset: 5 });
    expect([told.name, told.header.nextBeginOffset]).toEqual(['PULL_OFFSET_MOVED', 0]);
    const after = await raw.pull('orders', { group: 'g1', offset: 0 });
    expect([after.name, after.header.nextBeginOffset]).toEqual(['SUCCESS', 5]);
    await tools.commit('g1', 5);
    expect(await tools.committed('g1')).toBe(5);
  });

  it('is told at once to a pull that waits', async () => {
    const waiting = raw.pull('orders', { group: 'g2', offset: 5, waitMillis: 60_000 });
    // The broker has the pull when it has answered what was sent after it.
    await tools.commit('g2', 5);
    expect(await tools.reset('g2', { queueId: 0, offset: 2 })).toEqual([[0, 2]]);
    const told = await waiting;
    expect([told.name, told.header.nextBeginOffset]).toEqual(['PULL_OFFSET_MOVED', 2]);
  });

  it.each<[string, object, keyof typeof ResponseCode]>([
    ['the offset lies outside of the queue', { queueId: 0, offset: 9 }, 'SYSTEM_ERROR'],
    ['there is no such queue', { queueId: 44 }, 'SYSTEM_ERROR'],
  ])('is refused when %s', async (_, more, responseName) => {
    await tools.commit('g3', 1);
    await expect(tools.reset('g3', more)).rejects.toMatchObject({ responseName });
  });

  it('is refused for a group or a topic that nobody knows', async () => {
    await expect(tools.reset('nobody')).rejects.toMatchObject({ responseCode: 26 });
    const asked = { topic: 'nothing', group: 'g1', timestamp: 0, isForce: true };
    await expect(
      raw.client.invoke(raw.address, InvokeBrokerToResetOffset, asked, { timeoutMs }),
    ).rejects.toMatchObject({ responseCode: 17 });
  });

  it('copies and compares the offsets of groups', async () => {
    await tools.commit('slow', 2);
    await tools.commit('fast', 4);
    const copy = { srcGroup: 'slow', destGroup: 'copy', topic: 'orders', offline: true };
    await raw.client.invoke(raw.address, CloneGroupOffset, copy, { timeoutMs });
    expect(await tools.committed('copy')).toBe(2);
    const ask = { compareGroup: 'fast', topic: 'orders', filterGroups: 'g1,g2,g3' };
    const answer = await raw.client.invoke(raw.address, QueryCorrectionOffset, ask, { timeoutMs });
    expect(answer.body.correctionOffsets[0]).toBe(2);
    const back = { ...ask, compareGroup: 'copy', filterGroups: 'g1,g2,g3,slow' };
    const none = await raw.client.invoke(raw.address, QueryCorrectionOffset, back, { timeoutMs });
    expect(none.body.correctionOffsets[0]).toBe(2);
  });
});

describe("a reset of offsets in Java 4's way", () => {
  it('tells the consumers, backwards unless forced, and needs one', async () => {
    const told: unknown[] = [];
    const router = new Router();
    router.route(ResetConsumerClientOffset, (_, { body }) => {
      told.push(body.offsetTable.map(([queue, offset]) => [queue.queueId, offset]));
    });
    await using raw = await brokerWithOrders({ useServerSideResetOffset: false }, router);
    const { commit, reset } = toolsOf(raw);
    for (let queueId = 0; queueId < 4; queueId += 1)
      await commit('g', queueId === 0 ? 3 : 0, queueId);
    await expect(reset('g')).rejects.toMatchObject({ responseName: 'CONSUMER_NOT_ONLINE' });
    await raw.heartbeat('client', { consumers: [consumerOf('g', 'orders')] });
    const expected = [0, 1, 2, 3].map((queueId) => [queueId, 0]);
    expect(await reset('g', { isForce: false })).toEqual(expected);
    // Whatever was sent to the client before the answer of this request has arrived with it.
    await raw.maxOffset('orders');
    expect(told).toEqual([expected]);
    await expect(reset('new')).rejects.toMatchObject({ responseName: 'SYSTEM_ERROR' });
  });
});
