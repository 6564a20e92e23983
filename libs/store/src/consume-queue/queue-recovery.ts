import { settleExtension } from '../consume-queue-extension/extension-recovery.js';
import {
  entryBytes,
  fillerSize,
  isFiller,
  isWritten,
  type QueueEntry,
  readEntry,
  writeEntry,
} from '../formats/consume-queue-entry.js';
import { StoreCorruptError } from '../store.errors.js';
import type { ConsumeQueue } from './consume-queue.js';

const entry: QueueEntry = { position: 0, size: 0, tagsCode: 0 };
const chunkEntries = 3200;
const chunk = new Uint8Array(chunkEntries * entryBytes);
const chunkData = new DataView(chunk.buffer);

/**
 * Sets the offsets of a queue from its files.
 *
 * After a good close the end is found by halving, since zeros follow the last entry. After a crash
 * the last file is read entry by entry: there may be holes, and entries of an earlier life behind
 * the last good one, recognized by log positions that do not grow.
 */
export function restoreQueue(queue: ConsumeQueue, wasAborted: boolean): void {
  restoreOffsets(queue, wasAborted);
  if (wasAborted) queue.extension?.distrust();
  settleExtension(queue);
}

function restoreOffsets(queue: ConsumeQueue, wasAborted: boolean): void {
  const { files } = queue;
  const start = files.start / entryBytes;
  if (files.isEmpty) return queue.restore(0, 0);
  const perFile = files.segmentSize / entryBytes;
  const total = files.end / entryBytes;
  queue.restore(start, total);
  queue.durableSegments = wasAborted ? 0 : files.all.length;
  let from = total - perFile;
  while (from > start && !isWrittenAt(queue, from)) from -= perFile;
  const end = wasAborted
    ? endOfGrowth(queue, Math.max(start, from), Math.min(total, from + perFile))
    : firstWhere(from, Math.min(total, from + perFile), (n) => !isWrittenAt(queue, n));
  queue.restore(start, end);
  queue.durable = end;
}

/**
 * Cuts the queue so that its last entry points below `logPosition`; what is behind becomes zeros.
 */
export function cutQueueAt(queue: ConsumeQueue, logPosition: number): void {
  const start = queue.files.start / entryBytes;
  const end = firstWhere(start, queue.next, (n) => {
    if (!queue.entryAt(n, entry) || !isWritten(entry)) return true;
    return !isFiller(entry) && entry.position >= logPosition;
  });
  cutQueueTo(queue, end);
}

/** Cuts the queue to `next` entries; none may be in memory. */
export function cutQueueTo(queue: ConsumeQueue, next: number): void {
  queue.files.cut(next * entryBytes);
  queue.durableSegments = Math.min(queue.durableSegments, queue.files.all.length);
  queue.durable = Math.min(queue.durable, next);
  queue.restore(Math.min(queue.min, next), next);
  settleExtension(queue);
}

/**
 * Lets an empty queue, or one with a hole, go on at `next`: the entries between are fillers, which
 * readers pass over. No entry may be in memory.
 */
export function fillQueueTo(queue: ConsumeQueue, next: number): void {
  const { files } = queue;
  const perFile = files.segmentSize / entryBytes;
  let from = queue.next;
  if (files.isEmpty || from <= files.start / entryBytes) {
    if (!files.isEmpty) files.removeAll();
    from = next - (next % perFile);
    files.add(from * entryBytes);
  }
  while (files.end < next * entryBytes) files.add(files.end);
  queue.durable = Math.min(queue.durable, from);
  const filler = new Uint8Array(entryBytes);
  writeEntry(new DataView(filler.buffer), 0, 0, fillerSize, 0);
  for (let n = from; n < next; n += 1) files.write(filler, 0, entryBytes, n * entryBytes);
  queue.restore(queue.min, next);
}

/**
 * Writes what is not surely durable once more, and makes what is behind zeros again. After a sync
 * has failed the system takes what it did not write for written; a later sync would say that all is
 * well. Throws what reading and writing throw, and when entries are not what they were any more.
 */
export function writeQueueAgain(queue: ConsumeQueue): void {
  const { files, written } = queue;
  files.cut(written * entryBytes);
  queue.durableSegments = Math.min(queue.durableSegments, files.all.length);
  for (let n = Math.max(queue.durable, files.start / entryBytes); n < written;) {
    const count = queue.readWritten(n, Math.min(chunkEntries, written - n), chunk);
    for (let i = 0; i < count; i += 1) {
      readEntry(chunkData, i * entryBytes, entry);
      if (!isWritten(entry)) throw lostEntry(queue, n + i);
    }
    if (count === 0) throw lostEntry(queue, n);
    files.write(chunk, 0, count * entryBytes, n * entryBytes);
    n += count;
  }
}

function lostEntry({ topic, queueId }: ConsumeQueue, queueOffset: number): StoreCorruptError {
  return new StoreCorruptError(
    `Entry ${queueOffset} of queue ${queueId} of ${topic} was lost when a sync failed; the next ` +
      'start makes it again from the log.',
    { details: { topic, queueId, queueOffset } },
  );
}

/** Sets the first readable offset: the first entry that is no filler and whose record exists. */
export function correctMin(queue: ConsumeQueue, logStart: number): void {
  const start = queue.files.isEmpty ? 0 : queue.files.start / entryBytes;
  const isThere = (n: number): boolean => {
    if (!queue.entryAt(n, entry)) return true;
    return !isFiller(entry) && (entry.position >= logStart || entry.position < 0);
  };
  queue.min = firstWhere(start, queue.next, isThere);
  // A damaged entry may have led the search astray.
  while (queue.min - 2 >= start && isThere(queue.min - 2)) queue.min -= 2;
}

/** The last entry, unless there is none or it is a filler; reused by the next call. */
export function lastEntry(queue: ConsumeQueue): Readonly<QueueEntry> | undefined {
  if (queue.next === 0 || !queue.entryAt(queue.next - 1, entry)) return undefined;
  return isFiller(entry) || !isWritten(entry) ? undefined : entry;
}

function isWrittenAt(queue: ConsumeQueue, queueOffset: number): boolean {
  return queue.entryAt(queueOffset, entry) && isWritten(entry);
}

function endOfGrowth(queue: ConsumeQueue, from: number, to: number): number {
  let last = -1;
  for (let n = from; n < to;) {
    const count = queue.readWritten(n, Math.min(chunkEntries, to - n), chunk);
    if (count === 0) return n;
    for (let i = 0; i < count; i += 1) {
      readEntry(chunkData, i * entryBytes, entry);
      if (!isWritten(entry)) return n + i;
      if (isFiller(entry)) continue;
      if (entry.position <= last) return n + i;
      last = entry.position;
    }
    n += count;
  }
  return to;
}

/** The first number in [from, to) for which `holds`, given that it then holds for all later ones. */
export function firstWhere(from: number, to: number, holds: (n: number) => boolean): number {
  let low = from;
  let high = to;
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    if (holds(middle)) high = middle;
    else low = middle + 1;
  }
  return low;
}
