import type { Logger } from '@nestjs-rocketmq/foundation';
import { standsInQueue } from '@nestjs-rocketmq/message';
import type { DamagedPart, ScannedRecord } from '../commit-log/recovery.js';
import { tagsCodeOf } from '../dispatch-rule.js';
import type { DeletedTopics } from '../files/deleted-topics.js';
import type { ConsumeQueue } from './consume-queue.js';
import { canBeTopic, type ConsumeQueueTable } from './consume-queue-table.js';
import { slotEntries } from './entry-arena.js';
import { cutQueueAt, cutQueueTo, fillQueueTo, lastEntry } from './queue-recovery.js';

export interface QueueRebuildParts {
  readonly queues: ConsumeQueueTable;
  readonly deleted: DeletedTopics;
  /** Delay of each level in milliseconds. */
  readonly delays: readonly number[];
  readonly logger: Logger;
}

/** What a queue knew before it was cut: its next offset, and where its last message lay. */
interface Known {
  readonly next: number;
  readonly position: number;
}

/**
 * Makes queue entries of log records that are shown in order.
 *
 * A message that is damaged in the log keeps its offset, so that nothing else ever gets it: its
 * entry points to the damaged bytes, which readers recognize and pass over.
 */
export class QueueRebuild {
  private readonly known = new Map<ConsumeQueue, Known>();
  private damaged: DamagedPart | undefined;

  constructor(private readonly parts: QueueRebuildParts) {}

  /** Cuts all queues back to what lies below `position`. */
  cutAt(position: number): void {
    for (const queue of this.parts.queues.all()) {
      const last = lastEntry(queue);
      if (last === undefined || last.position < position) continue;
      this.known.set(queue, { next: queue.next, position: last.position });
      cutQueueAt(queue, position);
    }
  }

  /** Takes a valid record. */
  follow(record: ScannedRecord): void {
    const queue = this.queueOf(record);
    if (queue === undefined) return;
    const { queueOffset } = record;
    if (queueOffset !== queue.next) this.moveTo(queue, queueOffset);
    const tagsCode = tagsCodeOf(record, record.storeTime, this.parts.delays);
    this.stage(queue, record.logPosition, record.size, tagsCode);
  }

  /** Takes bytes that are no valid record; `claim` is what they say when they are framed as one. */
  passOver(part: DamagedPart, claim: ScannedRecord | undefined): void {
    this.damaged = part;
    if (claim === undefined) return;
    const queue = this.queueOf(claim);
    // What it says is damaged perhaps; it counts where it fits what stands before it.
    if (queue !== undefined && queue.next > 0 && claim.queueOffset === queue.next) {
      this.stage(queue, part.from, claim.size, 0);
    }
  }

  /** After the last record, when the log ends at `end`. */
  finish(end: number): void {
    if (this.damaged === undefined) return;
    for (const [queue, known] of this.known) {
      if (known.next > queue.next && known.position < end) this.moveTo(queue, known.next);
    }
  }

  private queueOf(record: ScannedRecord): ConsumeQueue | undefined {
    if (!standsInQueue(record.sysFlag)) return undefined;
    const { deleted, queues, logger } = this.parts;
    const topic = textOf(record.bytes.subarray(record.topicFrom, record.topicTo));
    if (deleted.isGone(topic, record.logPosition)) return undefined;
    if (canBeTopic(topic) && record.queueId >= 0) return queues.get(topic, record.queueId);
    const fields = { topic, queueId: record.queueId, position: record.logPosition };
    logger.warn('A record whose topic cannot be a folder gets no queue', fields);
    return undefined;
  }

  /** Lets the queue go on at another offset than its next. */
  private moveTo(queue: ConsumeQueue, queueOffset: number): void {
    const { damaged } = this;
    flush(queue);
    // A topic that was deleted and came back starts at 0 again: the younger record holds.
    if (queueOffset < queue.next) return cutQueueTo(queue, queueOffset);
    const last = lastEntry(queue);
    const holes = queueOffset - queue.next;
    const isInside =
      damaged !== undefined &&
      last !== undefined &&
      last.position < damaged.from &&
      holes <= damaged.to - damaged.from;
    if (!isInside) return fillQueueTo(queue, queueOffset);
    const { from, to } = damaged;
    // Positions in a queue grow, by one at least.
    for (let i = 0; i < holes; i += 1) this.stage(queue, from + i, to - from - i, 0);
  }

  private stage(queue: ConsumeQueue, position: number, size: number, tagsCode: number): void {
    queue.stage(position, size, tagsCode);
    if (queue.next % slotEntries === 0) flush(queue);
  }
}

function flush(queue: ConsumeQueue): void {
  queue.logged = queue.next;
  queue.write(queue.next);
}

const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
const textOf = (bytes: Uint8Array): string => decoder.decode(bytes);
