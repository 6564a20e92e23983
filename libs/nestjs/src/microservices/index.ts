export * from './rocketmq-rpc.context.js';
export * from './rocketmq.client.js';
export * from './rocketmq.record.js';
export * from './rocketmq.server.js';
export { REPLY_ERROR_PROPERTY } from './rpc-reply.js';
export * from './rpc-exception.filter.js';
export type { RocketMQStatus } from './transport-link.js';
export type {
  RocketMQServerOptions,
  RocketMQTransportOptions,
  UnhandledPolicy,
} from './transport-options.js';
