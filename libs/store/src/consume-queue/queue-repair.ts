import type { Logger } from '@nestjs-rocketmq/foundation';
import type { RecordChecksumRule } from '@nestjs-rocketmq/message';
import { type LogReader, type ScannedRecord, scanRecords } from '../commit-log/recovery.js';
import { tagsCodeOf } from '../dispatch-rule.js';
import { entryBytes, type QueueEntry, writeEntry } from '../formats/consume-queue-entry.js';
import type { ConsumeQueue } from './consume-queue.js';

/** So much of the log is looked through for one entry. */
const mostBytes = 64 * 1024 * 1024;
/** So many entries are looked at before the damaged one for one that is good. */
const mostSteps = 64;

export interface QueueRepairParts {
  readonly log: LogReader;
  /** Whether an entry and its record fit each other. */
  readonly isGood: (queue: ConsumeQueue, queueOffset: number, entry: QueueEntry) => boolean;
  readonly whole: RecordChecksumRule;
  /** Delay of each level in milliseconds. */
  readonly delays: readonly number[];
  readonly logger: Logger;
}

/**
 * Makes a damaged queue entry again: its record lies in the log between those of its neighbours.
 * Each entry is tried once; where the record itself is damaged there is nothing to find.
 */
export class QueueRepair {
  private readonly tried = new Map<ConsumeQueue, Set<number>>();

  constructor(private readonly parts: QueueRepairParts) {}

  /** Puts the right entry into `entry` and into the queue's file; false when there is none. */
  repair(queue: ConsumeQueue, queueOffset: number, entry: QueueEntry): boolean {
    const tried = this.tried.get(queue) ?? new Set();
    this.tried.set(queue, tried);
    if (tried.has(queueOffset) || queueOffset >= queue.written) return false;
    const found = this.find(queue, queueOffset);
    // Only now: a read that fails is no answer, and is tried again.
    tried.add(queueOffset);
    if (found === undefined) return false;
    Object.assign(entry, found);
    const bytes = new Uint8Array(entryBytes);
    writeEntry(new DataView(bytes.buffer), 0, found.position, found.size, found.tagsCode);
    queue.files.write(bytes, 0, entryBytes, queueOffset * entryBytes);
    const { topic, queueId } = queue;
    const fields = { topic, queueId, queueOffset, position: found.position };
    this.parts.logger.warn('A damaged queue entry was made again from the log', fields);
    return true;
  }

  private find(queue: ConsumeQueue, queueOffset: number): QueueEntry | undefined {
    const { log, delays, whole } = this.parts;
    const from = this.endBefore(queue, queueOffset);
    if (from === undefined) return undefined;
    const end = this.startBehind(queue, queueOffset);
    if (end <= from || end - from > mostBytes) return undefined;
    let found: QueueEntry | undefined;
    scanRecords({ ...log, end }, from, {
      checkCrc: true,
      whole,
      each: (record) => {
        if (!isOf(record, queue, queueOffset)) return;
        const tagsCode = tagsCodeOf(record, record.storeTime, delays);
        found = { position: record.logPosition, size: record.size, tagsCode };
      },
    });
    return found;
  }

  /** Where the record of the nearest good entry before ends. */
  private endBefore(queue: ConsumeQueue, queueOffset: number): number | undefined {
    const entry = { position: 0, size: 0, tagsCode: 0 };
    for (let n = queueOffset - 1; n >= queue.min && n >= queueOffset - mostSteps; n -= 1) {
      if (!queue.entryAt(n, entry)) return undefined;
      if (this.parts.isGood(queue, n, entry)) return entry.position + entry.size;
    }
    return queueOffset - queue.min <= mostSteps ? this.parts.log.start : undefined;
  }

  private startBehind(queue: ConsumeQueue, queueOffset: number): number {
    const entry = { position: 0, size: 0, tagsCode: 0 };
    const last = Math.min(queue.visible, queueOffset + mostSteps);
    for (let n = queueOffset + 1; n < last; n += 1) {
      if (queue.entryAt(n, entry) && this.parts.isGood(queue, n, entry)) return entry.position;
    }
    return this.parts.log.end;
  }
}

function isOf(record: ScannedRecord, queue: ConsumeQueue, queueOffset: number): boolean {
  if (record.queueOffset !== queueOffset || record.queueId !== queue.queueId) return false;
  const { topicBytes } = queue;
  if (record.topicTo - record.topicFrom !== topicBytes.length) return false;
  return topicBytes.every((byte, i) => record.bytes[record.topicFrom + i] === byte);
}
