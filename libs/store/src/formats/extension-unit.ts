import { leastTagsCode, readInt64, writeInt64 } from '@nestjs-rocketmq/message';

/**
 * A unit of the extension of a consume queue: what is known of one message beyond its entry.
 *
 * | at | bytes | field                                                                       |
 * | -- | ----- | --------------------------------------------------------------------------- |
 * | 0  | 2     | size of the unit; 0: nothing was written yet; -1: go on in the next file    |
 * | 2  | 8     | tags code                                                                   |
 * | 10 | 8     | store time of the message                                                   |
 * | 18 | 2     | bytes of the bit map                                                        |
 * | 20 | n     | bit map: which SQL92 filters let the message pass                           |
 *
 * Units stand one behind the other; none lies in two files, and 4 bytes of each file stay free.
 * Source: org.apache.rocketmq.store.ConsumeQueueExt, 5.3.3.
 */
export const unitHeadBytes = 20;
export const longestUnit = 32_767;
/** What stays free at the end of a file, for the mark. */
export const endMarkBytes = 4;
export const endMark = -1;

const tagsCodeAt = 2;
const storeTimeAt = 10;
const bitsLengthAt = 18;

/** One unit, read; reused by whoever reads many. */
export interface ExtensionUnit {
  tagsCode: number;
  storeTime: number;
  /** The bit map stands here from `bitsFrom` up to `bitsTo`; without one they are equal. */
  bytes: Uint8Array;
  bitsFrom: number;
  bitsTo: number;
}

export function emptyUnit(): ExtensionUnit {
  return { tagsCode: 0, storeTime: 0, bytes: new Uint8Array(0), bitsFrom: 0, bitsTo: 0 };
}

/** What a unit says, on its way into an extension. */
export interface UnitDraft {
  readonly tagsCode: number;
  readonly storeTime: number;
  readonly bits: Uint8Array | undefined;
}

export function unitSize({ bits }: UnitDraft): number {
  return unitHeadBytes + (bits?.length ?? 0);
}

export function writeUnit(data: DataView, bytes: Uint8Array, at: number, draft: UnitDraft): void {
  const { tagsCode, storeTime, bits } = draft;
  data.setInt16(at, unitSize(draft));
  writeInt64(data, at + tagsCodeAt, tagsCode);
  writeInt64(data, at + storeTimeAt, storeTime);
  data.setInt16(at + bitsLengthAt, bits?.length ?? 0);
  if (bits !== undefined) bytes.set(bits, at + unitHeadBytes);
}

/** The size that stands at `at`; 0 or less where no unit begins, or one too short to be one. */
export function readUnitSize(data: DataView, at: number): number {
  const size = data.getInt16(at);
  return size < unitHeadBytes ? Math.min(size, 0) : size;
}

/** Reads the unit at `at` that must end by `limit`; false when what stands there is none. */
export function readUnit(
  data: DataView,
  bytes: Uint8Array,
  at: number,
  limit: number,
  into: ExtensionUnit,
): boolean {
  if (at + unitHeadBytes > limit) return false;
  const size = readUnitSize(data, at);
  if (size <= 0 || at + size > limit) return false;
  if (data.getInt16(at + bitsLengthAt) !== size - unitHeadBytes) return false;
  into.tagsCode = readInt64(data, at + tagsCodeAt);
  into.storeTime = readInt64(data, at + storeTimeAt);
  into.bytes = bytes;
  into.bitsFrom = at + unitHeadBytes;
  into.bitsTo = at + size;
  // A page that was never written reads as zeros.
  return into.storeTime > 0 && into.tagsCode >= leastTagsCode;
}
