/**
 * Keys under which decorators leave their metadata. Plain texts, so that two copies of this package
 * in one application still see each other's decorators.
 */
export const LISTENER_METADATA = 'rocketmq:listener';
export const REPLY_LISTENER_METADATA = 'rocketmq:reply-listener';
export const TRANSACTION_LISTENER_METADATA = 'rocketmq:transaction-listener';
export const EVENT_METADATA = 'rocketmq:event';

/** Where Nest keeps parameter metadata; a spec compares it with Nest's own constant. */
export const ROUTE_ARGS_METADATA = '__routeArguments__';

/** Parameter kinds. 3 is Nest's "body", so pipes treat a payload as one; 6 is the RPC context. */
export const ParameterKind = {
  payload: 3,
  context: 6,
  property: 101,
  keys: 102,
  raw: 103,
} as const;

/** `ExecutionContext.getType()` inside a listener. */
export const ROCKETMQ_CONTEXT_TYPE = 'rocketmq';

/** The connection that `nameServers` at the top of the options describes. */
export const DEFAULT_CONNECTION = 'default';

/** The method that the class form of a listener calls; the first that the class has. */
export const CLASS_LISTENER_METHODS = ['onMessage', 'handle'] as const;
