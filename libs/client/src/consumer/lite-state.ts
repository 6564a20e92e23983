import { ClientInstance, memberLogger } from '../client-instance.js';
import type { TopicSubscription } from '../subscription.js';
import { consumeTracesOf } from '../trace/consume-trace.js';
import { BatchCache } from './batch-cache.js';
import { subscriptionsOf } from './consumer-options.js';
import { checkConsumerGroup } from './group-name.js';
import type { SharingGroup } from './group-state.js';
import {
  litePullConsumerOptionSet,
  type LitePullConsumerOptions,
  type LitePullConsumerSettings,
} from './lite-pull-options.js';
import { offsetStoreOf } from './offset-keeping.js';
import { ConsumeHooks } from './consume-hooks.js';
import { OffsetTable } from './offset-store.js';
import { GroupMeasures } from './topic-measures.js';
import { checkHeldPulls } from './pull-consumer-options.js';

/** What the parts of one lite pull consumer share. */
export interface LiteState extends SharingGroup {
  readonly settings: LitePullConsumerSettings;
  readonly subscriptions: Map<string, TopicSubscription>;
  /** What is wanted of topics whose queues are assigned by hand, by topic; all where none is told. */
  readonly filters: Map<string, TopicSubscription>;
  readonly cache: BatchCache;
}

/** Throws `OptionsError` naming every wrong option, or `ClientConfigurationError`. */
export function liteStateOf(options: LitePullConsumerOptions): LiteState {
  const settings = litePullConsumerOptionSet.load(options as unknown as Record<string, unknown>);
  const { group } = settings;
  checkConsumerGroup(group);
  checkHeldPulls(settings);
  const isClustering = settings.model === 'clustering';
  const instance = options.instance ?? new ClientInstance(options);
  const { clock } = instance;
  const logger = memberLogger(instance, group, options.logger);
  const hooks = new ConsumeHooks(logger, options);
  return {
    group,
    settings,
    instance,
    clock,
    logger,
    isClustering,
    lockInterval: undefined,
    subscriptions: subscriptionsOf(options.subscriptions ?? [], group, clock.now()),
    filters: new Map(),
    offsets: new OffsetTable(offsetStoreOf(instance, group, isClustering, options)),
    assigned: new Map(),
    hooks,
    traces: consumeTracesOf(instance, settings, hooks),
    measures: new GroupMeasures(),
    cache: new BatchCache(clock),
  };
}

/** The options under Java's names, for operators who ask. */
export function liteProperties({ settings }: LiteState): Readonly<Record<string, unknown>> {
  return {
    autoCommit: settings.autoCommit,
    autoCommitIntervalMillis: settings.autoCommitInterval,
    brokerSuspendMaxTimeMillis: settings.pullSuspend,
    consumeMaxSpan: settings.consumeMaxSpan,
    consumerTimeoutMillisWhenSuspend: settings.pullSuspendTimeout,
    pollTimeoutMillis: settings.pollTimeout,
    pullBatchSize: settings.pullBatchSize,
    pullThresholdForAll: settings.pullThresholdForAll,
    pullThresholdForQueue: settings.pullThresholdForQueue,
    pullThresholdSizeForQueue: settings.pullThresholdSizeForQueue,
    topicMetadataCheckIntervalMillis: settings.topicMetadataCheckInterval,
  };
}
