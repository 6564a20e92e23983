import type { PayloadTarget } from '../converter/message-converters.js';
import { GroupConsumer } from '../listener/group-consumer.js';
import { ListenerContainer } from '../listener/listener-container.js';
import { ListenerPlanner } from '../listener/listener-planner.js';
import { RocketMQSetupError } from '../nestjs.errors.js';
import type { RocketMQListenerOptions } from '../options/listener-options.js';
import { ValueResolver } from '../options/value-resolver.js';
import type { RocketMQConnections } from '../rocketmq.connections.js';
import type { RocketMQContext } from '../rocketmq.context.js';

/** Handles a message; what it returns and throws means the same as in a `@RocketMQListener`. */
export type ServerHandler = (payload: unknown, context: RocketMQContext) => Promise<unknown>;

/**
 * The consumer of a server, on the topics of its handlers. Throws `RocketMQSetupError` with what is
 * wrong with its options and those of the connection.
 */
export function serverListener(
  connections: RocketMQConnections,
  options: RocketMQListenerOptions,
  handler: ServerHandler,
): GroupConsumer {
  const { problems, settings } = connections;
  const { resolveValue } = settings;
  const source = {
    get: (name: string) => resolveValue?.(name),
    resolve: (): never => {
      throw new TypeError('a transport has no providers');
    },
  };
  const planner = new ListenerPlanner(connections, new ValueResolver(source, problems), problems);
  const name = 'RocketMQServer';
  const plan = planner.plan({ name, where: name, options, found: undefined });
  if (plan === undefined || problems.list.length > 0) throw new RocketMQSetupError(problems.list);
  plan.connection.pulls.heed((group) => (group === plan.group ? name : undefined));
  const target: PayloadTarget = 'any';
  const invoker = { target, invoke: handler };
  const container = new ListenerContainer(plan, invoker, plan.converters);
  return new GroupConsumer([container], settings.clock);
}
