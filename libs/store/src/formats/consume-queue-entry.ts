import { leastTagsCode, readInt64, writeInt64 } from '@nestjs-rocketmq/message';
import { readAddress, writeAddress } from './extension-address.js';

/**
 * An entry of a consume queue: entry n stands at byte n x 20 of the queue.
 *
 * | at | bytes | field                                                                   |
 * | -- | ----- | ----------------------------------------------------------------------- |
 * | 0  | 8     | log position of the record                                              |
 * | 8  | 4     | size of the record; 0 where nothing was written yet                     |
 * | 12 | 8     | tags code: hash of the tag, in the schedule topic the due time in ms;   |
 * |    |       | or, below the smallest hash, where the queue's extension has it         |
 *
 * A queue that does not start at 0 (its head was deleted) has fillers before its first entry: log
 * position 0, size 0x7fffffff, tags code 0.
 * Source: org.apache.rocketmq.store.ConsumeQueue, 5.3.3.
 */
export const entryBytes = 20;
const sizeAt = 8;
const tagsCodeAt = 12;

export const fillerSize = 0x7fffffff;

/** One entry, read; reused by whoever reads many. */
export interface QueueEntry {
  position: number;
  size: number;
  /** Or an address, see `extension-address.ts`. */
  tagsCode: number;
}

export function writeEntry(
  data: DataView,
  at: number,
  position: number,
  size: number,
  tagsCode: number,
): void {
  writeInt64(data, at, position);
  data.setInt32(at + sizeAt, size);
  if (tagsCode < leastTagsCode) writeAddress(data, at + tagsCodeAt, tagsCode);
  else writeInt64(data, at + tagsCodeAt, tagsCode);
}

export function readEntry(data: DataView, at: number, into: QueueEntry): void {
  into.position = readInt64(data, at);
  into.size = data.getInt32(at + sizeAt);
  const tagsCode = readInt64(data, at + tagsCodeAt);
  into.tagsCode = tagsCode < leastTagsCode ? readAddress(data, at + tagsCodeAt) : tagsCode;
}

/** Whether something was written here, a filler or an entry. */
export function isWritten(entry: QueueEntry): boolean {
  return entry.position >= 0 && entry.size > 0;
}

export function isFiller(entry: QueueEntry): boolean {
  return entry.size === fillerSize && entry.position === 0;
}
