import { retryTopic } from '@nestjs-rocketmq/message';
import { ClientInstance, memberLogger } from '../client-instance.js';
import { consumeTracesOf } from '../trace/consume-trace.js';
import { TagSubscription, type TopicSubscription } from '../subscription.js';
import { CallWatch } from './call-watch.js';
import { shownListener } from './consume-events.js';
import { ConsumeHooks } from './consume-hooks.js';
import {
  pushConsumerOptionSet,
  subscriptionsOf,
  type PushConsumerOptions,
} from './consumer-options.js';
import { checkConsumerGroup } from './group-name.js';
import type { ConsumerGroup, ConsumerStatistics, GroupState } from './group-state.js';
import { offsetStoreOf } from './offset-keeping.js';
import { OffsetTable } from './offset-store.js';
import { GroupMeasures } from './topic-measures.js';

/** What the parts of one push consumer share, as its owner sees it. */
export interface PushState extends GroupState {
  readonly subscriptions: Map<string, TopicSubscription>;
}

/** Throws `OptionsError` naming every wrong option, or `ClientConfigurationError`. */
export function pushStateOf(options: PushConsumerOptions): PushState {
  const settings = pushConsumerOptionSet.load(options as unknown as Record<string, unknown>);
  const { group } = settings;
  checkConsumerGroup(group);
  const isClustering = settings.model === 'clustering';
  const isOrderly = settings.mode === 'orderly';
  const instance = options.instance ?? new ClientInstance(options);
  const { clock } = instance;
  const logger = memberLogger(instance, group, options.logger);
  const version = clock.now();
  const subscriptions = subscriptionsOf(options.subscriptions, group, version);
  const retries = retryTopic(group);
  if (isClustering) subscriptions.set(retries, new TagSubscription(retries, '*', version));
  const hooks = new ConsumeHooks(logger, options);
  const common: ConsumerGroup = {
    group,
    instance,
    clock,
    logger,
    isClustering,
    subscriptions,
    offsets: new OffsetTable(offsetStoreOf(instance, group, isClustering, options)),
    assigned: new Map(),
    hooks,
    traces: consumeTracesOf(instance, settings, hooks),
    measures: new GroupMeasures(),
  };
  return {
    ...common,
    subscriptions,
    settings,
    listener: shownListener(options.listener, group),
    isOrderly,
    lockInterval: isOrderly && isClustering ? settings.lockInterval : undefined,
    statistics: newStatistics(),
    watch: new CallWatch(common, settings.consumeTimeout),
    isPaused: false,
  };
}

export function newStatistics(): ConsumerStatistics {
  return {
    pulled: 0,
    consumed: 0,
    failed: 0,
    sentBack: 0,
    deadLettered: 0,
    timedOut: 0,
    running: 0,
  };
}
