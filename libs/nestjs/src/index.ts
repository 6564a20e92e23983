export type { MessageQueue, OutgoingMessage, StoredMessage } from '@nestjs-rocketmq/message';
export { clientFactoryOn, type ClientSurroundings } from './client-factory.js';
export * from './client-port.js';
export * from './consume-result.js';
export { MESSAGE_PACK_TYPE } from './converter/built-in-converters.js';
export type { MessageConverter } from './converter/message-converter.js';
export { MessageConverters } from './converter/message-converters.js';
export * from './decorators/inject-template.decorator.js';
export * from './decorators/listener.decorator.js';
export { OnRocketMQEvent, type OnRocketMQEventOptions } from './decorators/on-event.decorator.js';
export {
  MessageContext,
  MessageKeys,
  MessagePayload,
  MessageProperty,
  RawMessage,
  type PayloadOptions,
} from './decorators/message-params.decorator.js';
export type * from './decorators/standard-schema.js';
export {
  RocketMQReplyListener,
  type ReplyOptions,
  type RocketMQReplyListenerOptions,
} from './decorators/reply-listener.decorator.js';
export * from './decorators/transaction-listener.decorator.js';
export type { ListenerState } from './listener/group-consumer.js';
export type { ListenerHandle, ListenerQueue, ListenerReport } from './listener/listener-handle.js';
export type { EnhancerKind } from './listener/message-enhancers.js';
export type { Subscription } from './listener/listener-plan.js';
export {
  RocketMQListenerRegistry,
  type AddedListener,
  type ListenerHandler,
} from './listener/listener-registry.js';
export type { ListenerCounters } from './listener/outcome-teller.js';
export * from './nestjs.errors.js';
export { DelayLevels } from './options/delay-levels.js';
export type { Duration } from './options/duration.js';
export * from './operations/event-types.js';
export * from './operations/health-types.js';
export {
  metricsOptions,
  telemetryOptions,
  type MetricsOptions,
  type MetricsRegistry,
  type TelemetryOptions,
  type TracerProviderLike,
} from './operations/operations-options.js';
export { RocketMQHealthIndicator } from './operations/rocketmq.health-indicator.js';
export { RocketMQEvents } from './operations/rocketmq-events.js';
export * from './options/listener-options.js';
export { batchOptions, consumeOptions, listenerOptions } from './options/listener-tables.js';
export type { FormatOptions } from './options/format-options.js';
export * from './options/module-options.js';
export type { ConnectionSettings, StartupValues } from './options/module-settings.js';
export {
  connectionOptions,
  featureTemplateOptions,
  moduleOptions,
  startupOptions,
} from './options/option-tables.js';
export {
  producerOptions,
  type HashQueueSelector,
  type PassedOnProducerOptions,
  type ProducerSettings,
  type ProducerValues,
} from './options/producer-options.js';
export type { TraceSettings, TraceValues } from './options/trace-option.js';
export type { Setting, SettingSource, SettingToken } from './options/setting.js';
export { ROCKETMQ_CONTEXT_TYPE } from './rocketmq.constants.js';
export * from './rocketmq.context.js';
export * from './rocketmq.module.js';
export * from './rocketmq.tokens.js';
export { RocketMQTemplate } from './template/rocketmq.template.js';
export type {
  OutgoingDraft,
  OutgoingInterceptor,
  OutgoingInterceptorToken,
  OutgoingKind,
  OutgoingSend,
} from './template/outgoing-interceptor.js';
export { RocketMQPullConsumer, type ReceiveOptions } from './pull/pull-consumer.js';
export { pullConsumerOptions, type PullConsumerOptions } from './pull/pull-options.js';
export { ReceivedMessage, ReceivedMessages } from './pull/received-messages.js';
export { replyOptions } from './reply/reply-planner.js';
export type { RequestOptions } from './template/requesting.js';
export { sendOptions } from './template/send-option-table.js';
export * from './template/send-options.js';
export type { TemplateBackend } from './template/template-backend.js';
export * from './template/topics.js';
export {
  TransactionDispatcher,
  type TransactionListenerHost,
} from './transaction/transaction-dispatcher.js';
export * from './transaction/transaction-handler.js';
