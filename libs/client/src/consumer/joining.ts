import { messageOf } from '@nestjs-rocketmq/foundation';
import type { MessageQueue } from '@nestjs-rocketmq/message';
import { BrokerRefusedError } from '../client.errors.js';
import type { TopicSubscription } from '../subscription.js';
import type { ConsumerGroup } from './group-state.js';
import type { AssignmentListener } from './hook-options.js';

/** Asks where topics are. Never rejects: who cannot be asked yet is asked again by the timers. */
export async function learnRoutes(state: ConsumerGroup, topics: Iterable<string>): Promise<void> {
  const asked = [...topics].map(async (topic) => {
    try {
      await state.instance.routes.refresh(topic);
    } catch (error) {
      state.logger.warn('The name servers cannot be asked yet; they will be asked again.', {
        topic,
        error: messageOf(error),
      });
    }
  });
  await Promise.all(asked);
}

/** Tells a listener which queues of a topic there are, and which are ours. What it throws is logged. */
export function tellAssignment(
  { instance, logger }: ConsumerGroup,
  listener: AssignmentListener | undefined,
): (topic: string, mine: readonly MessageQueue[]) => void {
  return (topic, mine) => {
    const all = instance.routes.known(topic)?.subscribe ?? mine;
    try {
      listener?.(topic, all, mine);
    } catch (error) {
      logger.error('The listener for shared out queues failed.', { topic, error });
    }
  };
}

/**
 * Asks a broker of each topic that is filtered by SQL92, so that nobody waits in vain. Rejects with
 * `BrokerRefusedError` when it does not take the filter.
 */
export async function checkFilters(
  state: ConsumerGroup,
  subscriptions: Iterable<TopicSubscription>,
): Promise<void> {
  const { instance, group } = state;
  for (const { topic, data } of subscriptions) {
    if (data.expressionType === 'TAG') continue;
    const [queue] = instance.routes.known(topic)?.subscribe ?? [];
    const address = queue && instance.routes.readAddress(queue.brokerName, 0)?.address;
    if (address === undefined) continue;
    try {
      const { clientId } = instance;
      await instance.calls.checkSubscription(address, { clientId, group, data });
    } catch (error) {
      if (error instanceof BrokerRefusedError) throw error;
      state.logger.warn('A broker could not be asked about a filter.', { topic, error });
    }
  }
}
