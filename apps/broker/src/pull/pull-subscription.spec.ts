import { silentLogger } from '@nestjs-rocketmq/foundation';
import { ManualClock } from '@nestjs-rocketmq/foundation/testing';
import { PullSysFlag, subscriptionGroupConfig } from '@nestjs-rocketmq/protocol';
import { ClientDirectory } from '../membership/client-directory.js';
import { FakePeer } from '../testing/fake-peer.js';
import { isRefused, PullSubscriptions, type SubscriptionAsk } from './pull-subscription.js';

const config = subscriptionGroupConfig.read({ groupName: 'g' }, 'group');
const inRequest = { sysFlag: PullSysFlag.subscription };

function setUp(messageModel: 'CLUSTERING' | 'BROADCASTING' = 'CLUSTERING') {
  const options = {
    channelExpiredTimeout: 1000,
    subscriptionExpiredTimeout: 1000,
    notifyConsumerIdsChangedEnable: false,
  };
  const clients = new ClientDirectory(new ManualClock(0), silentLogger, options, () => true);
  const sender = { peer: new FakePeer('one:1').peer, language: 'JAVA', version: 479 };
  clients.registerConsumer(sender, 'c', {
    groupName: 'g',
    consumeType: 'CONSUME_PASSIVELY',
    messageModel,
    consumeFromWhere: 'CONSUME_FROM_LAST_OFFSET',
    unitMode: false,
    subscriptionDataSet: [
      {
        topic: 'orders',
        subString: 'a || b',
        subVersion: 5,
        tagsSet: [],
        codeSet: [],
        classFilterMode: false,
        expressionType: 'TAG',
      },
    ],
  });
  const subscriptions = new PullSubscriptions(clients);
  return (ask: Partial<SubscriptionAsk>, group = config) => {
    const asked = { consumerGroup: 'g', topic: 'orders', sysFlag: 0, subVersion: 5, ...ask };
    const answer = subscriptions.of(asked, group);
    return isRefused(answer) ? answer.code : answer.tags;
  };
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
    ['it is SQL92', { ...inRequest, subscription: 'a > 1', expressionType: 'SQL92' }, 1],
  ])('refuses when %s', (_, ask, code) => {
    expect(setUp()(ask)).toBe(code);
  });

  it('refuses a broadcasting group that must not', () => {
    const forbidden = { ...config, consumeBroadcastEnable: false };
    expect(setUp('BROADCASTING')({}, forbidden)).toBe(16);
  });
});
