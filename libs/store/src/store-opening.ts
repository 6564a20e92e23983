import type { Logger } from '@nestjs-rocketmq/foundation';
import { readInt64, recordField, recordMagicV1, recordMagicV2 } from '@nestjs-rocketmq/message';
import type { CommitLog } from './commit-log/commit-log.js';
import { DamageSearch, type KnownDurable } from './commit-log/damage-search.js';
import {
  type LogReader,
  type RecordRules,
  type ScanEnd,
  scanRecords,
  storeTimeOf,
} from './commit-log/recovery.js';
import type { ConsumeQueueTable } from './consume-queue/consume-queue-table.js';
import { censusOf, isSameCensus } from './consume-queue/queue-census.js';
import { QueueRebuild } from './consume-queue/queue-rebuild.js';
import { correctMin, cutQueueAt, lastEntry, restoreQueue } from './consume-queue/queue-recovery.js';
import type { DeletedTopics } from './files/deleted-topics.js';
import {
  type Checkpoint,
  type FoundCheckpoint,
  recoveryTime,
} from './formats/checkpoint-layout.js';
import type { MessageIndex } from './message-index.js';
import { StoreCorruptError } from './store.errors.js';

export interface RecoveryParts {
  readonly log: CommitLog;
  readonly queues: ConsumeQueueTable;
  readonly deleted: DeletedTopics;
  readonly found: FoundCheckpoint;
  readonly index: MessageIndex;
  readonly wasAborted: boolean;
  readonly rules: RecordRules;
  /** Delay of each level in milliseconds. */
  readonly delays: readonly number[];
  readonly logger: Logger;
}

export interface Recovered {
  /** Store time of the last record that was looked at; 0 when none was. */
  readonly lastStoreTime: number;
  /** Log position of the last record, when the log was followed to its end after a crash. */
  readonly lastRecord: number | undefined;
  /** Queue files were changed and are perhaps not durable. */
  readonly isRebuilt: boolean;
  /** They know of damaged records what the log does not say any more. */
  readonly isDamaged: boolean;
}

/**
 * Finds where the log ends and brings the queues in line with it.
 *
 * After a good close the queues are complete, so the end is looked for behind the last record that
 * a queue knows. After a crash the checkpoint says which log file to begin with: queues are cut
 * back to it and made again from the log, so neither lazily written entries nor holes matter.
 * Damage in what was durable is passed over. Whatever stands behind the end becomes zeros, in the
 * log and in the queues.
 */
export function recover(parts: RecoveryParts): Recovered {
  const { log, queues, wasAborted } = parts;
  const { checkpoint } = parts.found;
  loadFiles(parts);
  const reader: LogReader = {
    segmentSize: log.files.segmentSize,
    start: log.files.start,
    end: log.files.end,
    read: (into, at, length, position) => log.files.read(into, at, length, position),
  };
  const last = wasAborted || !queuesAreWhole(parts) ? undefined : lastOfQueues(reader, queues);
  const isRebuild = last === undefined;
  // The checkpoint speaks of queue files that were there; without any, all of the log counts.
  const trustsCheckpoint = wasAborted && hasEntries(queues);
  let start =
    last?.end ?? (trustsCheckpoint ? crashStart(reader, parts.found, parts.rules) : reader.start);
  if (isRebuild && !trustsCheckpoint) forgetQueues(checkpoint);
  indexUpTo(parts, reader, start);
  let followed = followLog(parts, reader, start, last);
  if (followed.isIncomplete && start > reader.start) {
    parts.logger.warn('Queues are damaged before that; all are made again from the log');
    start = reader.start;
    forgetQueues(checkpoint);
    followed = followLog(parts, reader, start, last);
  }
  const { scan, lastStoreTime, lastRecord } = followed;
  if (isRebuild || scan.fault !== undefined) log.files.cut(scan.end);
  log.restore(log.files.isEmpty ? 0 : scan.end);
  // What a killed process wrote may not be durable, and from here on it counts as such.
  if (isRebuild) {
    if (parts.found.state === 'SEALED') log.writeAgain(checkpoint.confirmed);
    log.syncFrom(start);
  }
  settleQueues(parts);
  parts.index.cut(log.written);
  return { lastStoreTime, lastRecord, isRebuilt: isRebuild, isDamaged: followed.isDamaged };
}

function loadFiles(parts: RecoveryParts): void {
  const { log, queues, deleted, wasAborted, found } = parts;
  const { confirmed } = found.checkpoint;
  log.files.load('refuse', wasAborted && found.state === 'SEALED' ? confirmed : undefined);
  if (found.state === 'SEALED' && !wasAborted && confirmed > log.files.end) {
    throw new StoreCorruptError(
      `${log.files.directory}: the log was closed at position ${confirmed}, but its files end at ` +
        `${log.files.end}. Put the missing files back; or remove the file 'checkpoint' of the ` +
        'store to go on without what was in them.',
      { details: { path: log.files.directory, confirmed, end: log.files.end } },
    );
  }
  queues.load(wasAborted);
  for (const queue of queues.all()) restoreQueue(queue, wasAborted);
  if (found.state === 'DAMAGED') {
    parts.logger.warn('The checkpoint is damaged and counts as absent');
  }
  if (found.isSpare) parts.logger.warn('The checkpoint is damaged; its spare is used');
  // The folder of a deleted topic may be back when the power failed.
  for (const topic of wasAborted ? [...deleted.topics()] : []) {
    const isOld = queues.of(topic).some((queue) => {
      const entry = lastEntry(queue);
      return entry !== undefined && deleted.isGone(topic, entry.position);
    });
    if (isOld) queues.delete(topic);
  }
}

/** Whether all queues are there as the last good close left them, as far as that is known. */
function queuesAreWhole(parts: RecoveryParts): boolean {
  if (parts.found.state !== 'SEALED') return true;
  const { census } = parts.found.checkpoint;
  const now = censusOf(parts.queues);
  if (isSameCensus(now, census)) return true;
  const fields = { queues: now.queues, expected: census.queues };
  parts.logger.warn('Queues are missing or damaged; all are made again from the log', fields);
  return false;
}

/** The checkpoint says nothing of queues any more. */
function forgetQueues(checkpoint: Checkpoint): void {
  checkpoint.queueTime = 0;
  checkpoint.queuesTo = 0;
}

interface FollowedLog {
  readonly scan: ScanEnd;
  readonly lastStoreTime: number;
  readonly lastRecord: number | undefined;
  /** Queue files lack entries of records before `start`. */
  readonly isIncomplete: boolean;
  /** Some of the log was passed over. */
  readonly isDamaged: boolean;
}

/** Follows the log from `start`; queues are made again unless `last`, their last record, is known. */
function followLog(
  parts: RecoveryParts,
  reader: LogReader,
  start: number,
  last: LastRecord | undefined,
): FollowedLog {
  const { logger, rules } = parts;
  const rebuild =
    last === undefined ? new QueueRebuild({ ...parts, logStart: reader.start }) : undefined;
  rebuild?.cutAt(start);
  const search = new DamageSearch(reader, knownDurable(parts.found), rules.whole);
  let lastTime = last === undefined ? 0 : (storeTimeOf(reader, last.end - last.size, rules) ?? 0);
  const before = lastTime;
  let lastRecord: number | undefined;
  let isDamaged = false;
  const isShort = rebuild && shortQueues(parts, start);
  const scan = scanRecords(reader, start, {
    ...rules,
    each: (record) => {
      isShort?.(record.logPosition);
      lastTime = record.storeTime;
      lastRecord = record.logPosition;
      parts.index.follow(record);
      rebuild?.follow(record);
    },
    goOn: (position, found, claim) => {
      const next = search.next(position, claim, lastTime);
      if (next === undefined) return undefined;
      const fields = { position, found, next, bytes: next - position };
      logger.error('The commit log is damaged; what follows is kept', fields);
      isDamaged = true;
      rebuild?.passOver({ from: position, to: next, found }, claim);
      return next;
    },
  });
  rebuild?.finish(scan.end);
  if (scan.fault !== undefined) {
    const fields = { position: scan.end, found: scan.fault, cutBytes: reader.end - scan.end };
    logger.warn('The commit log is cut at the first byte that is no valid record', fields);
  }
  if (parts.wasAborted && !parts.log.files.isEmpty) {
    const fields = { from: start, to: scan.end, records: scan.records };
    logger.info('Recovered the store after it was not closed', fields);
  }
  const isIncomplete = rebuild?.isIncomplete === true || isShort?.(scan.end) === true;
  const lastStoreTime = lastRecord === undefined ? before : lastTime;
  return { scan, lastRecord, lastStoreTime, isIncomplete, isDamaged };
}

/**
 * Answers, for positions that grow, whether the queues lack what the checkpoint knew of them: told
 * when the log was followed to where that was. Followed from its begin, the log knows best.
 */
function shortQueues(
  { queues, found: { checkpoint, state } }: RecoveryParts,
  start: number,
): ((position: number) => boolean) | undefined {
  const { queuesTo, census } = checkpoint;
  if (state !== 'SEALED' || start > queuesTo) return undefined;
  let isShort: boolean | undefined;
  return (position) => {
    if (position >= queuesTo) isShort ??= !isSameCensus(censusOf(queues), census);
    return isShort ?? false;
  };
}

/** Puts into the key index what it does not have of the log before `start`. */
function indexUpTo(parts: RecoveryParts, log: LogReader, start: number): void {
  const { index, logger, wasAborted, found } = parts;
  const from = Math.max(log.start, index.load(wasAborted, found.checkpoint.indexTime));
  if (from >= start) return;
  const search = new DamageSearch(log, knownDurable(found), 'NONE');
  let lastTime = 0;
  const scan = scanRecords({ ...log, end: start }, from, {
    checkCrc: false,
    whole: 'NONE',
    each: (record) => {
      lastTime = record.storeTime;
      index.follow(record);
    },
    goOn: (position, _found, claim) => search.next(position, claim, lastTime),
  });
  // The first is only where the index goes on.
  if (scan.records < 2) return;
  logger.info('Completed the key index from the log', { from, to: start, records: scan.records });
}

function knownDurable({ checkpoint, state }: FoundCheckpoint): KnownDurable {
  if (state === 'SEALED') return { position: checkpoint.confirmed, time: checkpoint.logTime };
  // Without a checkpoint whatever is valid counts.
  const time = state === 'DAMAGED' ? Number.MAX_SAFE_INTEGER : checkpoint.logTime;
  return { position: undefined, time };
}

/** Everything in memory goes to the files, and no queue goes beyond the log. */
function settleQueues({ log, queues }: RecoveryParts): void {
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
}

interface LastRecord {
  readonly end: number;
  readonly size: number;
}

/**
 * Where the last record ends that any queue knows, provided it is there; undefined when the queues
 * are empty or do not fit the log, so that they have to be made again.
 */
function lastOfQueues(log: LogReader, queues: ConsumeQueueTable): LastRecord | undefined {
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
  return fits && readInt64(data, recordField.logPosition) === position ? { end, size } : undefined;
}

function hasEntries(queues: ConsumeQueueTable): boolean {
  for (const queue of queues.all()) if (queue.next > 0) return true;
  return false;
}

/**
 * The start of the newest file whose first record is not younger than the checkpoint; else of the
 * first. A time that is smaller than that of the file before proves nothing: it may be damaged. And
 * the clock may have been set back, so what the checkpoint says in positions goes before.
 */
function crashStart(
  log: LogReader,
  { checkpoint, state }: FoundCheckpoint,
  rules: RecordRules,
): number {
  const time = recoveryTime(checkpoint);
  const most = state === 'SEALED' ? Math.min(checkpoint.queuesTo, checkpoint.confirmed) : Infinity;
  for (let start = log.end - log.segmentSize; start > log.start; start -= log.segmentSize) {
    const first = storeTimeOf(log, start, rules);
    if (start > most || first === undefined || first > time) continue;
    if (first >= (storeTimeOf(log, start - log.segmentSize, rules) ?? 0)) return start;
  }
  return log.start;
}
