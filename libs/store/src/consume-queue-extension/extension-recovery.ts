import { leastTagsCode } from '@nestjs-rocketmq/message';
import { entryBytes, type QueueEntry } from '../formats/consume-queue-entry.js';
import { positionOf } from '../formats/extension-address.js';
import { emptyUnit, longestUnit, unitHeadBytes } from '../formats/extension-unit.js';
import type { SegmentSequence } from '../files/segment-sequence.js';
import type { QueueExtension } from './queue-extension.js';

/** So many entries are looked at, from the last one back, for one that has an address. */
const mostSteps = 64;
const entry: QueueEntry = { position: 0, size: 0, tagsCode: 0 };
const unit = emptyUnit();

export interface ExtendedQueue {
  readonly files: SegmentSequence;
  readonly next: number;
  readonly extension: QueueExtension | undefined;
  entryAt(queueOffset: number, into: QueueEntry): boolean;
}

/**
 * Sets where the units of a queue end: behind the unit of its last entry. Where that unit is not
 * there, or the last entries have none, new units go where no entry can lead, into a new file. No
 * entry may be in memory.
 */
export function settleExtension(queue: ExtendedQueue): void {
  const { extension, next } = queue;
  if (extension === undefined) return;
  const { files } = extension;
  const first = queue.files.start / entryBytes;
  if (next <= first) return extension.restore(0);
  extension.restore(files.end);
  const address = lastAddress(queue, first);
  if (address === undefined) {
    // Who knows what was there once: each entry has had at most one unit, and as much for a mark.
    if (files.isEmpty) extension.restore(startBehind(2 * longestUnit * next, files));
    return;
  }
  if (extension.read(address, unit)) {
    const size = unitHeadBytes + unit.bitsTo - unit.bitsFrom;
    return extension.restore(positionOf(address) + size);
  }
  extension.restore(Math.max(files.end, startBehind(positionOf(address), files)));
}

/** Removes files of the extension that lead only to messages that are gone. True when it did. */
export function trimExtension(queue: ExtendedQueue & { readonly min: number }): boolean {
  const { extension, min } = queue;
  if (extension === undefined || min >= queue.next || !queue.entryAt(min, entry)) return false;
  return extension.removeBefore(entry.tagsCode);
}

function lastAddress(queue: ExtendedQueue, first: number): number | undefined {
  const least = Math.max(first, queue.next - mostSteps);
  for (let n = queue.next - 1; n >= least; n -= 1) {
    if (queue.entryAt(n, entry) && entry.tagsCode < leastTagsCode) return entry.tagsCode;
  }
  return undefined;
}

/** The start of the first file whose bytes all lie behind a position. */
function startBehind(position: number, { segmentSize }: SegmentSequence): number {
  return (Math.floor(position / segmentSize) + 1) * segmentSize;
}
