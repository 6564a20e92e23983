import { silentLogger } from '@nestjs-rocketmq/foundation';
import { ManualClock } from '@nestjs-rocketmq/foundation/testing';
import type { ConsumerData } from '@nestjs-rocketmq/protocol';
import { FakePeer } from '../testing/fake-peer.js';
import { ClientDirectory, type Sender } from './client-directory.js';

const options = {
  channelExpiredTimeout: 120_000,
  subscriptionExpiredTimeout: 600_000,
  notifyConsumerIdsChangedEnable: true,
  realTimeNotifyConsumerChange: true,
};

function consumer(
  topics: string[],
  more: Partial<ConsumerData> = {},
  subVersion = 1,
): ConsumerData {
  return {
    groupName: 'g',
    consumeType: 'CONSUME_PASSIVELY',
    messageModel: 'CLUSTERING',
    consumeFromWhere: 'CONSUME_FROM_LAST_OFFSET',
    unitMode: false,
    subscriptionDataSet: topics.map((topic) => ({
      topic,
      subString: `v${subVersion}`,
      subVersion,
      tagsSet: [],
      codeSet: [],
      classFilterMode: false,
      expressionType: 'TAG',
    })),
    ...more,
  };
}

const filters = { register: () => undefined, unregister: () => undefined };

describe('ClientDirectory', () => {
  let clock: ManualClock;
  let directory: ClientDirectory;
  let one: FakePeer;
  let two: FakePeer;

  const sender = (fake: FakePeer): Sender => ({ peer: fake.peer, language: 'JAVA', version: 479 });
  const produce = (fake: FakePeer, clientID: string): void =>
    directory.registerProducers(sender(fake), {
      clientID,
      producerDataSet: [{ groupName: 'p' }],
      consumerDataSet: [],
      heartbeatFingerprint: 0,
      withoutSub: false,
    });

  beforeEach(() => {
    clock = new ManualClock(0);
    directory = new ClientDirectory(
      clock,
      silentLogger,
      options,
      (group) => group !== 'quiet',
      filters,
    );
    one = new FakePeer('one:1');
    two = new FakePeer('two:2');
  });

  it('tells every member when one joins, and nobody when nothing changed', () => {
    expect(directory.registerConsumer(sender(one), 'c1', consumer(['orders']))).toBe(true);
    expect(directory.registerConsumer(sender(two), 'c2', consumer(['orders']))).toBe(true);
    expect(directory.registerConsumer(sender(two), 'c2', consumer(['orders']))).toBe(false);
    expect([one.told.length, two.told.length]).toEqual([2, 1]);
    expect(directory.consumerGroup('g')?.clientIds()).toEqual(['c1', 'c2']);
  });

  it('tells who stays when a connection is lost', () => {
    directory.registerConsumer(sender(one), 'c1', consumer(['orders']));
    directory.registerConsumer(sender(two), 'c2', consumer(['orders']));
    one.close();
    expect(two.told).toHaveLength(2);
    expect(directory.consumerGroup('g')?.clientIds()).toEqual(['c2']);
    two.close();
    expect(directory.consumerGroup('g')).toBeUndefined();
  });

  it('tells nobody of a broadcasting group, nor of one that wants no notices', () => {
    directory.registerConsumer(sender(one), 'c1', consumer([], { messageModel: 'BROADCASTING' }));
    directory.registerConsumer(sender(one), 'c1', consumer([], { groupName: 'quiet' }));
    expect(one.told).toEqual([]);
  });

  it('takes the newest subscription, and forgets topics that are not named any more', () => {
    directory.registerConsumer(sender(one), 'c1', consumer(['orders', 'old'], {}, 2));
    directory.registerConsumer(sender(one), 'c1', consumer(['orders'], {}, 1));
    expect(directory.subscriptionOf('g', 'orders')?.subString).toBe('v2');
    expect(directory.subscriptionOf('g', 'old')).toBeUndefined();
    expect(directory.groupsListeningTo('orders')).toEqual(['g']);
  });

  it('leaves subscriptions as they are when a heartbeat comes without them', () => {
    directory.registerConsumer(sender(one), 'c1', consumer(['orders']));
    expect(directory.registerConsumer(sender(one), 'c1', consumer([]), true)).toBe(false);
    expect(directory.subscriptionOf('g', 'orders')).toBeDefined();
  });

  it('gives the living producers of a group in turn', () => {
    produce(one, 'p1');
    produce(two, 'p2');
    const turns = [1, 2, 3].map(() => directory.someProducer('p')?.clientId);
    expect(turns).toEqual(['p1', 'p2', 'p1']);
    one.close();
    expect([directory.someProducer('p')?.clientId, directory.someProducer('p')?.clientId]).toEqual([
      'p2',
      'p2',
    ]);
    two.close();
    expect(directory.someProducer('p')).toBeUndefined();
    expect(directory.producerGroups()).toEqual([]);
  });

  it('takes nobody for silent because the wall clock was set', async () => {
    produce(one, 'p1');
    await clock.advance(1_000);
    clock.shiftWallClock(86_400_000);
    directory.sweep();
    expect(one.closed).toBe(false);
    const [member] = directory.producersOf('p');
    expect(member && directory.lastSeenAt(member)).toBe(86_400_000);
  });

  it('closes the connection of a client that fell silent, not of one that beats', async () => {
    produce(one, 'p1');
    directory.registerConsumer(sender(two), 'c2', consumer(['orders']));
    await clock.advance(100_000);
    directory.registerConsumer(sender(two), 'c2', consumer(['orders']));
    await clock.advance(20_001);
    directory.sweep();
    expect([one.closed, two.closed]).toEqual([true, false]);
    expect(directory.producersOf('p')).toEqual([]);
  });

  it('forgets a group that a client names no more, and leaves the client its connection', async () => {
    produce(one, 'p1');
    await clock.advance(100_000);
    directory.registerConsumer(sender(one), 'c1', consumer(['orders']));
    await clock.advance(20_001);
    directory.sweep();
    expect(directory.producersOf('p')).toEqual([]);
    expect(directory.consumerGroup('g')?.clientIds()).toEqual(['c1']);
    expect(one.closed).toBe(false);
  });

  it('keeps the subscriptions of heartbeats that leave them out', async () => {
    directory.registerConsumer(sender(one), 'c1', consumer(['orders']));
    for (let i = 0; i < 7; i += 1) {
      await clock.advance(100_000);
      directory.registerConsumer(sender(one), 'c1', consumer([]), true);
      directory.sweep();
    }
    expect(directory.subscriptionOf('g', 'orders')).toBeDefined();
  });

  it('forgets a subscription whose last member went', async () => {
    directory.registerConsumer(sender(one), 'c1', consumer(['orders']));
    directory.registerConsumer(sender(two), 'c2', consumer(['orders', 'refunds']));
    two.close();
    for (let i = 0; i < 7; i += 1) {
      await clock.advance(100_000);
      directory.registerConsumer(sender(one), 'c1', consumer([]), true);
      directory.sweep();
    }
    expect(directory.subscriptionOf('g', 'orders')).toBeDefined();
    expect(directory.subscriptionOf('g', 'refunds')).toBeUndefined();
  });

  it('warns once when members of a group listen to different things', () => {
    const warnings: string[] = [];
    const logger = { ...silentLogger, warn: (text: string) => warnings.push(text) };
    const watching = new ClientDirectory(clock, logger, options, () => true, filters);
    const beat = (fake: FakePeer, topics: string[]) =>
      watching.registerConsumer(sender(fake), fake.remoteAddress, consumer(topics));
    beat(one, ['orders']);
    beat(two, ['orders']);
    expect(warnings).toEqual([]);
    for (let i = 0; i < 3; i += 1) {
      beat(one, ['orders']);
      beat(two, ['refunds']);
    }
    expect(warnings).toEqual([expect.stringContaining('listen to different things')]);
    beat(two, ['orders']);
    beat(two, ['refunds']);
    expect(warnings).toHaveLength(2);
  });

  it('tells of changes in rounds where it is not to tell at once', () => {
    const calm = { ...options, realTimeNotifyConsumerChange: false };
    const slow = new ClientDirectory(clock, silentLogger, calm, () => true, filters);
    slow.registerConsumer(sender(one), 'c1', consumer(['orders']));
    slow.registerConsumer(sender(two), 'c2', consumer(['orders']));
    expect([one.told.length, two.told.length]).toEqual([0, 0]);
    slow.tellOfChanges();
    slow.tellOfChanges();
    expect([one.told.length, two.told.length]).toEqual([1, 1]);
  });
});
