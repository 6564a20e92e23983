import { messageOf } from '@nestjs-rocketmq/foundation';
import { isRetryTopic, type MessageQueue } from '@nestjs-rocketmq/message';
import type { ClientInstance } from '../client-instance.js';
import { OffsetReadError } from '../client.errors.js';
import type { ConsumeFrom } from './consumer-options.js';
import type { OffsetStore, QueueOffset } from './offset-store.js';
import { QueueInquiry, readPlaceOf } from './queue-inquiry.js';

/** Offsets of a group, kept by the broker of each queue. */
export class BrokerOffsetStore implements OffsetStore {
  constructor(
    private readonly instance: ClientInstance,
    private readonly group: string,
  ) {}

  async read(queue: MessageQueue): Promise<number | undefined> {
    try {
      const { address } = await readPlaceOf(this.instance, queue);
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
        const { address } = await readPlaceOf(this.instance, queue);
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
  if (isRetryTopic(queue.topic)) return 0;
  const inquiry = new QueueInquiry(instance);
  if (from === 'first') return inquiry.minOffset(queue);
  if (from === 'last') return inquiry.maxOffset(queue);
  return inquiry.searchOffset(queue, from.timestamp);
}
