import type { ConsumerData } from '@nestjs-rocketmq/protocol';
import type { ConsumerStatistics, GroupState } from './group-state.js';
import type { ConsumerStatusReport, OwnReport } from './inspection.js';
import type { ConsumeFrom } from './consumer-options.js';
import type { ListenerCall } from './listener-call.js';

/** How a push consumer is doing. */
export interface PushConsumerStatus extends ConsumerStatusReport {
  readonly isRunning: boolean;
  /** The whole consumer; single queues say it themselves. */
  readonly isPaused: boolean;
  /** Counters since the start. */
  readonly totals: Readonly<ConsumerStatistics>;
}

function fromWhere(from: ConsumeFrom | undefined): ConsumerData['consumeFromWhere'] {
  if (from === 'first') return 'CONSUME_FROM_FIRST_OFFSET';
  return from === 'last' ? 'CONSUME_FROM_LAST_OFFSET' : 'CONSUME_FROM_TIMESTAMP';
}

/** What heartbeats say about a push consumer. */
export function pushHeartbeat(state: GroupState): ConsumerData {
  return {
    groupName: state.group,
    consumeType: 'CONSUME_PASSIVELY',
    messageModel: state.isClustering ? 'CLUSTERING' : 'BROADCASTING',
    consumeFromWhere: fromWhere(state.settings.from),
    subscriptionDataSet: [...state.subscriptions.values()].map((one) => one.data),
    unitMode: state.instance.unitMode,
  };
}

/** What operators are shown of a push consumer: its options under Java's names. */
export function pushReport(state: GroupState, running: () => Iterable<ListenerCall>): OwnReport {
  const { settings } = state;
  return {
    consumeType: 'CONSUME_PASSIVELY',
    running,
    properties: () => ({
      PROP_CONSUMEORDERLY: String(state.isOrderly),
      PROP_THREADPOOL_CORE_SIZE: String(settings.concurrency),
      consumeFromWhere: fromWhere(settings.from),
      consumeThreadMin: String(settings.concurrency),
      consumeThreadMax: String(settings.concurrency),
      consumeConcurrentlyMaxSpan: String(settings.consumeConcurrentlyMaxSpan),
      consumeMessageBatchMaxSize: String(settings.batch),
      // Java counts whole minutes.
      consumeTimeout: String(settings.consumeTimeout / 60_000),
      maxReconsumeTimes: String(settings.maxReconsumeTimes),
      pause: String(state.isPaused),
      pullBatchSize: String(settings.pullBatchSize),
      pullBatchSizeInBytes: String(settings.pullBatchBytes),
      pullInterval: String(settings.pullInterval),
      pullThresholdForQueue: String(settings.pullThresholdForQueue),
      pullThresholdForTopic: String(settings.pullThresholdForTopic),
      pullThresholdSizeForQueue: String(settings.pullThresholdSizeForQueue),
      pullThresholdSizeForTopic: String(settings.pullThresholdSizeForTopic),
      suspendCurrentQueueTimeMillis: String(settings.suspendCurrentQueueTime),
    }),
  };
}
