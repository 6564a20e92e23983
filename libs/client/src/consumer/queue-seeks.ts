import { queueKey, type MessageQueue } from '@nestjs-rocketmq/message';
import { QueueNotAssignedError, SeekRangeError } from '../client.errors.js';
import type { ConsumerGroup } from './group-state.js';
import type { HeldQueues } from './held-queues.js';
import type { QueueInquiry } from './queue-inquiry.js';

/** Moves queues in hand elsewhere, one seek after the other. */
export class QueueSeeks {
  private last: Promise<unknown> = Promise.resolve();

  constructor(
    private readonly state: ConsumerGroup,
    private readonly held: HeldQueues,
    private readonly inquiry: QueueInquiry,
  ) {}

  /** `SeekRangeError` when the queue does not reach so far. */
  toOffset(queue: MessageQueue, offset: number): Promise<void> {
    return this.to(queue, async () => {
      const { inquiry } = this;
      const [min, max] = await Promise.all([inquiry.minOffset(queue), inquiry.maxOffset(queue)]);
      if (Number.isSafeInteger(offset) && offset >= min && offset <= max) return offset;
      throw new SeekRangeError(`Offset ${offset} lies outside of the queue, ${min} to ${max}.`, {
        details: { ...queue, offset, min, max },
      });
    });
  }

  toBegin(queue: MessageQueue): Promise<void> {
    return this.to(queue, () => this.inquiry.minOffset(queue));
  }

  toEnd(queue: MessageQueue): Promise<void> {
    return this.to(queue, () => this.inquiry.maxOffset(queue));
  }

  toTime(queue: MessageQueue, time: number | Date): Promise<void> {
    return this.to(queue, () => this.inquiry.searchOffset(queue, time));
  }

  private to(queue: MessageQueue, where: () => Promise<number>): Promise<void> {
    const turn = this.last.then(async () => {
      this.assigned(queue);
      const offset = await where();
      const anew = this.held.restart(this.assigned(queue), offset);
      anew.handedOut = offset;
      anew.settled = offset;
    });
    this.last = turn.catch(() => undefined);
    return turn;
  }

  private assigned(queue: MessageQueue) {
    const found = this.state.assigned.get(queueKey(queue));
    if (found !== undefined && !found.isLeaving) return found;
    throw new QueueNotAssignedError(
      `Queue ${queueKey(queue)} is not with this consumer; perhaps it is being shared out anew.`,
      { details: { ...queue } },
    );
  }
}
