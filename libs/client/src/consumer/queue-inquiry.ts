import type { MessageQueue } from '@nestjs-rocketmq/message';
import type { ClientInstance } from '../client-instance.js';
import { NoRouteError } from '../client.errors.js';

/** Where a queue can be read. */
export interface ReadPlace {
  readonly address: string;
  /** Broker id; 0 is the master. */
  readonly id: number;
}

/** The broker id wanted, else another of that name; the name servers are asked when none is known. */
export async function readPlaceOf(
  instance: ClientInstance,
  queue: MessageQueue,
  brokerId = 0,
): Promise<ReadPlace> {
  const { routes } = instance;
  const known = routes.readAddress(queue.brokerName, brokerId);
  if (known !== undefined) return known;
  await routes.refresh(queue.topic);
  const found = routes.readAddress(queue.brokerName, brokerId);
  if (found !== undefined) return found;
  throw new NoRouteError(`No address of broker '${queue.brokerName}' is known.`, {
    details: { ...queue },
  });
}

/** Which of several offsets belongs to a time. */
export type OffsetBoundary = 'lower' | 'upper';

/** What brokers and name servers tell anybody about queues. Java: MQAdminImpl. */
export class QueueInquiry {
  constructor(private readonly instance: ClientInstance) {}

  /** The queues of a topic that can be read, asked now. Rejects with `NoRouteError`. */
  async queuesOf(topic: string): Promise<MessageQueue[]> {
    const route = await this.instance.routes.refresh(topic);
    if (route !== undefined && !route.isTemplate && route.subscribe.length > 0) {
      return [...route.subscribe];
    }
    throw new NoRouteError(`The name servers know no queue of topic '${topic}' to read from.`, {
      details: { topic },
    });
  }

  /** The queues of a topic that can be written, asked now. Rejects with `NoRouteError`. */
  async publishQueuesOf(topic: string): Promise<MessageQueue[]> {
    const route = await this.instance.routes.refresh(topic);
    if (route !== undefined && !route.isTemplate && route.publish.length > 0) {
      return route.publish.map(({ brokerName, queueId }) => ({ topic, brokerName, queueId }));
    }
    throw new NoRouteError(`The name servers know no queue of topic '${topic}' to write to.`, {
      details: { topic },
    });
  }

  /** One past the last message. */
  async maxOffset(queue: MessageQueue): Promise<number> {
    return this.instance.calls.maxOffset(await this.addressOf(queue), queue);
  }

  /** The first message still there. */
  async minOffset(queue: MessageQueue): Promise<number> {
    return this.instance.calls.minOffset(await this.addressOf(queue), queue);
  }

  /** When the first message still there was stored, ms since 1970; -1 when the queue is empty. */
  async earliestMessageStoreTime(queue: MessageQueue): Promise<number> {
    return this.instance.calls.earliestStoreTime(await this.addressOf(queue), queue);
  }

  /** The first message stored at or after `time`, or (`upper`) the last one stored at `time`. */
  async searchOffset(
    queue: MessageQueue,
    time: number | Date,
    boundary: OffsetBoundary = 'lower',
  ): Promise<number> {
    const address = await this.addressOf(queue);
    return this.instance.calls.searchOffset(address, queue, Number(time), boundary);
  }

  private async addressOf(queue: MessageQueue): Promise<string> {
    const { address } = await readPlaceOf(this.instance, queue);
    return address;
  }
}
