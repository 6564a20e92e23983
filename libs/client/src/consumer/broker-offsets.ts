import { messageOf } from '@nestjs-rocketmq/foundation';
import { isRetryTopic, type MessageQueue } from '@nestjs-rocketmq/message';
import type { ClientInstance } from '../client-instance.js';
import { NoRouteError, OffsetReadError } from '../client.errors.js';
import type { ConsumeFrom } from './consumer-options.js';
import type { OffsetStore, QueueOffset } from './offset-store.js';

/** The address to ask about a queue: the master, else any broker of that name. */
async function addressOf(instance: ClientInstance, queue: MessageQueue): Promise<string> {
  const { routes } = instance;
  const known = routes.readAddress(queue.brokerName, 0);
  if (known !== undefined) return known.address;
  await routes.refresh(queue.topic);
  const found = routes.readAddress(queue.brokerName, 0);
  if (found !== undefined) return found.address;
  throw new NoRouteError(`No address of broker '${queue.brokerName}' is known.`, {
    details: { ...queue },
  });
}

/** Offsets of a group, kept by the broker of each queue. */
export class BrokerOffsetStore implements OffsetStore {
  constructor(
    private readonly instance: ClientInstance,
    private readonly group: string,
  ) {}

  async read(queue: MessageQueue): Promise<number | undefined> {
    try {
      const address = await addressOf(this.instance, queue);
      const offset = await this.instance.calls.queryOffset(address, this.group, queue);
      return offset === undefined || offset < 0 ? undefined : offset;
    } catch (cause) {
      // Taking a failed read for "no offset" would lose or repeat messages.
      throw new OffsetReadError(
        `The offset of group '${this.group}' in ${queue.topic}/${queue.brokerName}/` +
          `${queue.queueId} cannot be read: ${messageOf(cause)}`,
        { cause, details: { group: this.group, ...queue } },
      );
    }
  }

  async write(offsets: readonly QueueOffset[]): Promise<void> {
    const written = await Promise.allSettled(
      offsets.map(async ({ queue, offset }) => {
        const address = await addressOf(this.instance, queue);
        await this.instance.calls.updateOffset(address, this.group, queue, offset);
      }),
    );
    const errors = written.flatMap((one) => (one.status === 'rejected' ? [one.reason] : []));
    if (errors.length > 0) throw errors[0];
  }
}

/**
 * Where a queue without stored offset begins. Retry topics always begin at their first message:
 * what stands there failed before and must not be passed over.
 */
export async function startWithoutOffset(
  instance: ClientInstance,
  queue: MessageQueue,
  from: ConsumeFrom,
): Promise<number> {
  const address = await addressOf(instance, queue);
  if (isRetryTopic(queue.topic)) return 0;
  if (from === 'first') return instance.calls.minOffset(address, queue);
  if (from === 'last') return instance.calls.maxOffset(address, queue);
  return instance.calls.searchOffset(address, queue, Number(from.timestamp));
}
