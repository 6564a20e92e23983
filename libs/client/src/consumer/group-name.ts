import { checkGroup } from '@nestjs-rocketmq/message';
import { ClientConfigurationError } from '../client.errors.js';

/** Throws when no consumer may have this group. */
export function checkConsumerGroup(group: string): void {
  checkGroup(group);
  if (group !== 'DEFAULT_CONSUMER') return;
  throw new ClientConfigurationError(
    "The group name 'DEFAULT_CONSUMER' is reserved by RocketMQ; choose one of your own.",
    { details: { group } },
  );
}
