import type { Logger } from '@nestjs-rocketmq/foundation';
import {
  readInt64,
  recordField,
  recordMagicV1,
  recordMagicV2,
  standsInQueue,
} from '@nestjs-rocketmq/message';
import type { CommitLog } from './commit-log/commit-log.js';
import {
  firstStoreTime,
  type LogReader,
  type ScannedRecord,
  scanRecords,
} from './commit-log/recovery.js';
import { canBeTopic, type ConsumeQueueTable } from './consume-queue/consume-queue-table.js';
import { slotEntries } from './consume-queue/entry-arena.js';
import {
  correctMin,
  cutQueueAt,
  cutQueueTo,
  fillQueueTo,
  lastEntry,
  restoreQueue,
} from './consume-queue/queue-recovery.js';
import { tagsCodeOf } from './dispatch-rule.js';
import { type Checkpoint, recoveryTime } from './formats/checkpoint-layout.js';

export interface RecoveryParts {
  readonly log: CommitLog;
  readonly queues: ConsumeQueueTable;
  readonly checkpoint: Checkpoint;
  readonly wasAborted: boolean;
  readonly checkCrc: boolean;
  /** Delay of each level in milliseconds. */
  readonly delays: readonly number[];
  readonly logger: Logger;
}

export interface Recovered {
  /** Store time of the last record that was looked at; 0 when none was. */
  readonly lastStoreTime: number;
  /** Queue files were changed and are perhaps not durable. */
  readonly isRebuilt: boolean;
}

/**
 * Finds where the log ends and brings the queues in line with it.
 *
 * After a good close the queues are complete, so the end is looked for behind the last record that
 * a queue knows. After a crash the checkpoint says which log file to begin with: queues are cut
 * back to it and made again from the log, so neither lazily written entries nor holes matter.
 * Whatever stands behind the end becomes zeros, in the log and in the queues.
 */
export function recover(parts: RecoveryParts): Recovered {
  const { log, queues, logger } = parts;
  log.files.load('refuse');
  queues.load(parts.wasAborted ? 'remove' : 'refuse');
  for (const queue of queues.all()) restoreQueue(queue, parts.wasAborted);
  const reader: LogReader = {
    segmentSize: log.files.segmentSize,
    start: log.files.start,
    end: log.files.end,
    read: (into, at, length, position) => log.files.read(into, at, length, position),
  };
  const cleanStart = parts.wasAborted ? undefined : endOfQueues(reader, queues);
  const isRebuild = cleanStart === undefined;
  // The checkpoint speaks of queue files that were there; without any, all of the log counts.
  const trustsCheckpoint = parts.wasAborted && hasEntries(queues);
  const start =
    cleanStart ?? crashStart(reader, trustsCheckpoint ? recoveryTime(parts.checkpoint) : 0);
  if (isRebuild) for (const queue of queues.all()) cutQueueAt(queue, start);

  const dispatch = new Dispatch(parts);
  const scan = scanRecords(reader, start, parts.checkCrc, (record) =>
    dispatch.follow(record, isRebuild),
  );
  if (scan.fault !== undefined) {
    const fields = { position: scan.end, found: scan.fault, cutBytes: reader.end - scan.end };
    logger.warn('The commit log is cut at the first byte that is no valid record', fields);
  }
  if (parts.wasAborted && !log.files.isEmpty) {
    const fields = { from: start, to: scan.end, records: scan.records };
    logger.info('Recovered the store after it was not closed', fields);
  }
  if (isRebuild || scan.fault !== undefined) log.files.cut(scan.end);
  log.restore(log.files.isEmpty ? 0 : scan.end);
  // What a killed process wrote may not be durable, and from here on it counts as such.
  if (isRebuild) log.syncFrom(start);
  for (const queue of queues.all()) {
    queue.logged = queue.next;
    queue.write(queue.next);
    const last = lastEntry(queue);
    if (last !== undefined && last.position + last.size > log.written) {
      cutQueueAt(queue, log.written);
    }
    correctMin(queue, log.start);
    queue.restore(queue.min, queue.next);
  }
  return { lastStoreTime: dispatch.lastStoreTime, isRebuilt: isRebuild };
}

/** Makes queue entries of log records, as far as the queues do not have them. */
class Dispatch {
  lastStoreTime = 0;

  constructor(private readonly parts: RecoveryParts) {}

  follow(record: ScannedRecord, isRebuild: boolean): void {
    this.lastStoreTime = record.storeTime;
    if (!isRebuild || !standsInQueue(record.sysFlag)) return;
    const topic = textOf(record.bytes.subarray(record.topicFrom, record.topicTo));
    if (!canBeTopic(topic)) {
      const fields = { topic, position: record.logPosition };
      return this.parts.logger.warn(
        'A record whose topic cannot be a folder gets no queue',
        fields,
      );
    }
    const queue = this.parts.queues.get(topic, record.queueId);
    const { queueOffset } = record;
    if (queueOffset !== queue.next) {
      queue.logged = queue.next;
      queue.write(queue.next);
      // A topic that was deleted and came back starts at 0 again: the younger record holds.
      if (queueOffset < queue.next) cutQueueTo(queue, queueOffset);
      else fillQueueTo(queue, queueOffset);
    }
    queue.stage(
      record.logPosition,
      record.size,
      tagsCodeOf(record, record.storeTime, this.parts.delays),
    );
    if (queue.next % slotEntries !== 0) return;
    queue.logged = queue.next;
    queue.write(queue.next);
  }
}

/**
 * Where the last record ends that any queue knows, provided it is there; undefined when the queues
 * are empty or do not fit the log, so that they have to be made again.
 */
function endOfQueues(log: LogReader, queues: ConsumeQueueTable): number | undefined {
  let end = 0;
  let size = 0;
  for (const queue of queues.all()) {
    const last = lastEntry(queue);
    if (last === undefined || last.position + last.size <= end) continue;
    end = last.position + last.size;
    size = last.size;
  }
  const position = end - size;
  if (end === 0 || position < log.start || end > log.end) return undefined;
  const head = new Uint8Array(recordField.sysFlag);
  if (log.read(head, 0, head.length, position) < head.length) return undefined;
  const data = new DataView(head.buffer);
  const magic = data.getInt32(recordField.magic);
  const isRecord = magic === recordMagicV1 || magic === recordMagicV2;
  const fits = isRecord && data.getInt32(recordField.size) === size;
  return fits && readInt64(data, recordField.logPosition) === position ? end : undefined;
}

function hasEntries(queues: ConsumeQueueTable): boolean {
  for (const queue of queues.all()) if (queue.next > 0) return true;
  return false;
}

/** The start of the newest file whose first record is not younger than `time`; else of the first. */
function crashStart(log: LogReader, time: number): number {
  for (let start = log.end - log.segmentSize; start > log.start; start -= log.segmentSize) {
    const first = firstStoreTime(log, start);
    if (first !== undefined && first <= time) return start;
  }
  return log.start;
}

const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
const textOf = (bytes: Uint8Array): string => decoder.decode(bytes);
