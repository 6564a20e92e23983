import { silentLogger } from '@nestjs-rocketmq/foundation';
import { ManualClock } from '@nestjs-rocketmq/foundation/testing';
import { TagFilter } from '@nestjs-rocketmq/filter';
import { encodeProperties } from '@nestjs-rocketmq/message';
import {
  PullSysFlag,
  type SubscriptionData,
  subscriptionGroupConfig,
} from '@nestjs-rocketmq/protocol';
import { ConsumerFilters } from '../filters/consumer-filters.js';
import type { PullFilter } from '../filters/pull-filter.js';
import { ClientDirectory } from '../membership/client-directory.js';
import { FakePeer } from '../testing/fake-peer.js';
import { MemoryTable } from '../testing/memory-table.js';
import { isRefused, PullSubscriptions, type SubscriptionAsk } from './pull-subscription.js';

const config = subscriptionGroupConfig.read({ groupName: 'g' }, 'group');
const inRequest = { sysFlag: PullSysFlag.subscription };

function subscribed(topic: string, expressionType: string, subString: string): SubscriptionData {
  const rest = { tagsSet: [], codeSet: [], classFilterMode: false };
  return { topic, subString, subVersion: 5, expressionType, ...rest };
}

function setUp(
  messageModel: 'CLUSTERING' | 'BROADCASTING' = 'CLUSTERING',
  { enablePropertyFilter = true, filterSupportRetry = false } = {},
) {
  const clock = new ManualClock(0);
  const options = {
    channelExpiredTimeout: 1000,
    subscriptionExpiredTimeout: 1000,
    notifyConsumerIdsChangedEnable: false,
    realTimeNotifyConsumerChange: true,
    filterDataCleanTimeSpan: 1000,
    maxErrorRateOfBloomFilter: 20,
    expectConsumerNumUseFilter: 32,
    enableCalcFilterBitMap: false,
  };
  const filters = new ConsumerFilters(new MemoryTable(), clock, silentLogger, options);
  const clients = new ClientDirectory(clock, silentLogger, options, () => true, filters);
  const sender = { peer: new FakePeer('one:1').peer, language: 'JAVA', version: 479 };
  clients.registerConsumer(sender, 'c', {
    groupName: 'g',
    consumeType: 'CONSUME_PASSIVELY',
    messageModel,
    consumeFromWhere: 'CONSUME_FROM_LAST_OFFSET',
    unitMode: false,
    subscriptionDataSet: [
      subscribed('orders', 'TAG', 'a || b'),
      subscribed('amounts', 'SQL92', 'amount > 5'),
      subscribed('wrong', 'SQL92', 'amount >'),
    ],
  });
  const on = { enablePropertyFilter, filterSupportRetry };
  const subscriptions = new PullSubscriptions(clients, filters, on);
  return (ask: Partial<SubscriptionAsk>, group = config) => {
    const asked = { consumerGroup: 'g', topic: 'orders', sysFlag: 0, subVersion: 5, ...ask };
    const answer = subscriptions.of(asked, group);
    if (isRefused(answer)) return answer.code;
    return answer instanceof TagFilter ? answer.tags : answer;
  };
}

function accepts(filter: unknown, properties: Record<string, string>): boolean | undefined {
  const text = new TextEncoder().encode(encodeProperties(properties));
  return (filter as PullFilter).accepts?.(text, 0, text.length);
}

describe('PullSubscriptions', () => {
  it('takes the subscription of the request when there is one', () => {
    expect(setUp()({ ...inRequest, subscription: 'x || y' })).toEqual(['x', 'y']);
    expect(setUp()({ ...inRequest, subscription: '*' })).toEqual([]);
  });

  it("takes the one of the group's heartbeats otherwise", () => {
    expect(setUp()({})).toEqual(['a', 'b']);
  });

  it.each([
    ['no heartbeat of the group was seen', { consumerGroup: 'h' }, 24],
    ['the group has no subscription of the topic', { topic: 'refunds' }, 24],
    ['the subscription here is older than the client thinks', { subVersion: 6 }, 25],
    ['the expression names no tag', { ...inRequest, subscription: '||' }, 23],
    ['it is of an unknown type', { ...inRequest, subscription: 'a', expressionType: 'x' }, 1],
    ['its SQL92 is wrong', { ...inRequest, subscription: 'a >', expressionType: 'SQL92' }, 23],
    ['the SQL92 announced was wrong', { topic: 'wrong' }, 27],
  ])('refuses when %s', (_, ask, code) => {
    expect(setUp()(ask)).toBe(code);
  });

  it('refuses a broadcasting group that must not', () => {
    const forbidden = { ...config, consumeBroadcastEnable: false };
    expect(setUp('BROADCASTING')({}, forbidden)).toBe(16);
  });

  it('refuses SQL92 while it is switched off', () => {
    const pull = setUp('CLUSTERING', { enablePropertyFilter: false });
    expect(pull({ topic: 'amounts' })).toBe(1);
    expect(pull({ ...inRequest, subscription: 'a > 1', expressionType: 'SQL92' })).toBe(1);
  });

  it('judges by properties with SQL92, announced or in the request', () => {
    const pull = setUp();
    const announced = pull({ topic: 'amounts' });
    expect(pull({ topic: 'amounts' })).toBe(announced);
    expect(accepts(announced, { x: '1', amount: '6' })).toBe(true);
    expect(accepts(announced, { amount: '5' })).toBe(false);
    expect(accepts(announced, {})).toBe(false);
    const asked = pull({ ...inRequest, subscription: "x = '1'", expressionType: 'SQL92' });
    expect(accepts(asked, { x: '1', amount: '6' })).toBe(true);
  });

  it('judges retried messages by the filter of their first topic where that is wanted', () => {
    const ask = {
      ...inRequest,
      topic: '%RETRY%g',
      subscription: 'FALSE',
      expressionType: 'SQL92',
    };
    const filter = setUp('CLUSTERING', { enablePropertyFilter: true, filterSupportRetry: true })(
      ask,
    );
    expect(accepts(filter, { RETRY_TOPIC: 'amounts', amount: '6' })).toBe(true);
    expect(accepts(filter, { RETRY_TOPIC: 'amounts', amount: '5' })).toBe(false);
    expect(accepts(filter, { RETRY_TOPIC: 'orders' })).toBe(true);
    expect(accepts(setUp()(ask), { RETRY_TOPIC: 'amounts', amount: '6' })).toBe(false);
  });
});
