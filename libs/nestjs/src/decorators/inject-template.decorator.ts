import { Inject } from '@nestjs/common';
import { getRocketMQTemplateToken } from '../rocketmq.tokens.js';

/**
 * Injects the template of a connection, or one declared with `RocketMQModule.forFeature`; without a
 * name the default one, which can also be injected by its class.
 */
export function InjectRocketMQTemplate(name?: string): ParameterDecorator & PropertyDecorator {
  return Inject(getRocketMQTemplateToken(name));
}
