import { DEFAULT_CONNECTION } from './rocketmq.constants.js';
import { RocketMQTemplate } from './template/rocketmq.template.js';

/** Injection token of the options as they were given to `forRoot`. */
export const ROCKETMQ_OPTIONS = Symbol.for('nestjs-rocketmq:options');

/**
 * Injection token of the factory that makes producers and consumers; override it in tests to run
 * an application without servers.
 */
export const ROCKETMQ_CLIENT_FACTORY = Symbol.for('nestjs-rocketmq:client-factory');

/**
 * The token of a template: the class itself for the default connection, a text for others. Nest shows
 * the text where nothing provides it, so it says what would.
 */
export function getRocketMQTemplateToken(
  name: string = DEFAULT_CONNECTION,
): string | typeof RocketMQTemplate {
  if (name === DEFAULT_CONNECTION) return RocketMQTemplate;
  return `RocketMQTemplate '${name}' (from connections of RocketMQModule.forRoot, or from forFeature)`;
}
