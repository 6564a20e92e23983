import { readInt64, writeInt64 } from '@nestjs-rocketmq/message';

/**
 * A file of the key index: header, hash slots, entries. All numbers big-endian.
 *
 * | at | bytes | field of the header                                                      |
 * | -- | ----- | ------------------------------------------------------------------------ |
 * | 0  | 8     | store time of the first entry; of a file that follows another: its end   |
 * | 8  | 8     | store time up to which keys are surely found                             |
 * | 16 | 8     | log position of the first entry                                          |
 * | 24 | 8     | log position of the last record whose keys are surely found              |
 * | 32 | 4     | slots in use                                                             |
 * | 36 | 4     | number of the next entry; the first is 1                                 |
 *
 * From byte 40 on the slots, 4 bytes each: number of the newest entry of this slot, 0 for none.
 * Behind them the entries:
 *
 * | at | bytes | field of an entry                                                        |
 * | -- | ----- | ------------------------------------------------------------------------ |
 * | 0  | 4     | hash of `topic#key`, never negative; the slot is its remainder           |
 * | 4  | 8     | log position of the record                                               |
 * | 12 | 4     | store time, in whole seconds after that of the header                    |
 * | 16 | 4     | number of the entry before it in its slot, 0 for none                    |
 *
 * Source: org.apache.rocketmq.store.index.IndexFile and IndexHeader, 5.3.3.
 */
export const indexHeaderBytes = 40;
export const indexSlotBytes = 4;
export const indexEntryBytes = 20;
/** Entry 0 does not exist: a slot with 0 is empty. */
export const firstIndexEntry = 1;

export interface IndexHeader {
  beginTime: number;
  endTime: number;
  beginPosition: number;
  endPosition: number;
  usedSlots: number;
  /** Number of the next entry. */
  count: number;
}

/** Where the slot count stands; the entry count follows. */
export const indexCountsAt = 32;
const endTimeAt = 8;
const beginPositionAt = 16;
const endPositionAt = 24;

export function readIndexHeader(data: DataView): IndexHeader {
  return {
    beginTime: readInt64(data, 0),
    endTime: readInt64(data, endTimeAt),
    beginPosition: readInt64(data, beginPositionAt),
    endPosition: readInt64(data, endPositionAt),
    usedSlots: data.getInt32(indexCountsAt),
    count: Math.max(firstIndexEntry, data.getInt32(indexCountsAt + 4)),
  };
}

export function writeIndexHeader(data: DataView, header: IndexHeader): void {
  writeInt64(data, 0, header.beginTime);
  writeInt64(data, endTimeAt, header.endTime);
  writeInt64(data, beginPositionAt, header.beginPosition);
  writeInt64(data, endPositionAt, header.endPosition);
  data.setInt32(indexCountsAt, header.usedSlots);
  data.setInt32(indexCountsAt + 4, header.count);
}

/** One entry, read; reused by whoever reads many. */
export interface IndexEntry {
  hash: number;
  position: number;
  seconds: number;
  previous: number;
}

export function readIndexEntry(data: DataView, at: number, into: IndexEntry): void {
  into.hash = data.getInt32(at);
  into.position = readInt64(data, at + 4);
  into.seconds = data.getInt32(at + 12);
  into.previous = data.getInt32(at + 16);
}

const nameDigits = 17;

/** The name of an index file: when it was made, in local time, as `yyyyMMddHHmmssSSS`. */
export function indexFileName(time: number): string {
  const at = new Date(time);
  const two = (n: number): string => String(n).padStart(2, '0');
  const day = `${at.getFullYear()}${two(at.getMonth() + 1)}${two(at.getDate())}`;
  const clock = `${two(at.getHours())}${two(at.getMinutes())}${two(at.getSeconds())}`;
  return (day + clock + String(at.getMilliseconds()).padStart(3, '0')).padStart(nameDigits, '0');
}

/** When a file of that name was made. */
export function indexFileTime(name: string): number {
  const part = (from: number, to: number): number => Number(name.slice(from, to));
  const day = [part(0, 4), part(4, 6) - 1, part(6, 8)] as const;
  return new Date(...day, part(8, 10), part(10, 12), part(12, 14), part(14, 17)).getTime();
}

export function isIndexFileName(name: string): boolean {
  return name.length === nameDigits && /^\d+$/.test(name);
}
