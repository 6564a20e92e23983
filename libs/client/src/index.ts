export * from './client.errors.js';
export { ClientInstance, type SharedInstance } from './client-instance.js';
export {
  clientOptionSet,
  clientOptionTable,
  type ClientOptions,
  type Duration,
} from './client-options.js';
export {
  ClientAdmin,
  clientAdminOptionSet,
  type ClientAdminOptions,
  type CreateTopicOptions,
  type MessageTrace,
  type QueryOptions,
  type TopicCreation,
  type TraceQueryOptions,
} from './admin/client-admin.js';
export type { OffsetBoundary } from './consumer/queue-inquiry.js';
export type { ConsumeEvent } from './consumer/consume-events.js';
export {
  clientChannels,
  type ConnectEvent,
  type EndOfOperation,
  type PullEvent,
  type PullEventResult,
  type RebalanceEvent,
  type SendEvent,
} from './diagnostics.js';
export type { TraceStatistics } from './trace/trace-dispatcher.js';
export type { TraceOptions } from './trace/trace-options.js';
export {
  decodeTraces,
  encodeTrace,
  type ConsumeReturnType,
  type EndTransactionTrace,
  type PubTrace,
  type RecallTrace,
  type SubAfterTrace,
  type SubBeforeTrace,
  type TracedMessageType,
  type TracedTransactionState,
  type TraceRecord,
} from './trace/trace-record.js';
export {
  pushConsumerOptionSet,
  type ConsumeContext,
  type ConsumeFrom,
  type ConsumeVerdict,
  type ConsumeVerdicts,
  type MessageListener,
  type PushConsumerOptions,
  type Subscription,
} from './consumer/consumer-options.js';
export { reconsumeLimit, type ConsumerStatistics } from './consumer/group-state.js';
export type {
  ConsumeCall,
  ConsumeHook,
  ConsumeOutcome,
  ConsumeReturn,
  FilterHook,
  PulledMessages,
} from './consumer/consume-hooks.js';
export type { AssignmentListener } from './consumer/hook-options.js';
export type { ConsumerStatusReport, QueueReport } from './consumer/inspection.js';
export type { PushConsumerStatus } from './consumer/push-report.js';
export type { TopicRates } from './consumer/topic-measures.js';
export type { OffsetStore, QueueOffset } from './consumer/offset-store.js';
export { FileOffsetStore } from './consumer/file-offset-store.js';
export {
  litePullConsumerOptionSet,
  type LitePullConsumerOptions,
} from './consumer/lite-pull-options.js';
export { LitePullConsumer, type CommitOptions } from './consumer/lite-pull-consumer.js';
export type { MessageBatch } from './consumer/message-batch.js';
export type { TopicQueuesListener } from './consumer/topic-watch.js';
export { PullConsumer } from './consumer/pull-consumer.js';
export {
  pullConsumerOptionSet,
  type PullConsumerOptions,
  type PullResult,
  type PullStatus,
} from './consumer/pull-consumer-options.js';
export { PushConsumer } from './consumer/push-consumer.js';
export { averagely, averagelyByCircle, byConfiguration } from './consumer/allocation/averagely.js';
export {
  machineRoom,
  machineRoomNearby,
  type RoomResolver,
} from './consumer/allocation/by-room.js';
export {
  consistentHash,
  type ConsistentHashOptions,
  type RingHash,
} from './consumer/allocation/consistent-hash.js';
export {
  allocateQueues,
  type AllocationInput,
  type AllocationStrategy,
} from './consumer/allocation/strategy.js';
export { Producer } from './producer/producer.js';
export { producerOptionSet, type ProducerOptions } from './producer/producer-options.js';
export type { PendingReplies, ReplyMessage } from './producer/pending-replies.js';
export { selectByHash, selectRandomly } from './producer/queue-choice.js';
export type {
  DecisionContext,
  RecallContext,
  SendContext,
  SendHook,
  SendOutcome,
} from './producer/send-hooks.js';
export type { OutgoingReply } from './producer/requester.js';
export type {
  BatchesSendOptions,
  BatchSendOptions,
  CloseOptions,
  ProducerStatistics,
  HashKey,
  QueueSelector,
  SendOptions,
  SendResult,
  SendStatus,
} from './producer/send-result.js';
export { TransactionalProducer } from './producer/transactional-producer.js';
export {
  transactionOptionSet,
  type TransactionContext,
  type TransactionExecutor,
  type TransactionListener,
  type TransactionSendOptions,
  type TransactionSendResult,
  type TransactionVerdict,
  type TransactionalProducerOptions,
} from './producer/transaction-options.js';
export { sqlFilterProblem, type MessageFilter } from './subscription.js';
