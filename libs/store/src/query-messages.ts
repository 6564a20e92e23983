import { viewOf } from '@nestjs-rocketmq/foundation';
import {
  findProperty,
  foundTo,
  PropertyName,
  readInt64,
  readProperty,
  RecordParts,
  tagHash,
} from '@nestjs-rocketmq/message';
import type { ConsumeQueue } from './consume-queue/consume-queue.js';
import { entryBytes, isFiller, type QueueEntry, readEntry } from './formats/consume-queue-entry.js';
import type { MessageIndex } from './message-index.js';
import type { MessageReader } from './read-messages.js';
import type { ConsumeQueueTable } from './consume-queue/consume-queue-table.js';

/** Which messages are wanted. */
export interface MessageQuery {
  readonly topic: string;
  /** A key or a unique key; with `isTag` a tag. */
  readonly key: string;
  readonly isTag?: boolean;
  /** Store times, both included. */
  readonly begin: number;
  readonly end: number;
  readonly maxCount: number;
  /** Bytes of all records together; the first always comes. */
  readonly maxBytes: number;
}

export interface QueryResult {
  /** Copies of records in order of the log: the newest that fit the limits. */
  readonly records: Uint8Array[];
  /** Store time and log position of the last record in the key index. */
  readonly indexTime: number;
  readonly indexPosition: number;
}

export interface QueryParts {
  readonly index: MessageIndex;
  readonly reader: MessageReader;
  readonly queues: ConsumeQueueTable;
  readonly options: { readonly maxMsgsNumBatch: number; readonly indexFileReadEnable: boolean };
}

interface Found {
  readonly position: number;
  readonly record: Uint8Array;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
const uniqueKeyName = encoder.encode(PropertyName.UNIQUE_KEY);
const keysName = encoder.encode(PropertyName.KEYS);
const tagsName = encoder.encode(PropertyName.TAGS);
/** A search by tag looks through so many entries of a queue, the newest first. */
const mostEntries = 300_000;
const chunkEntries = 3200;

/**
 * Finds messages by key through the index, or by tag through the queues. Each record is looked at
 * before it is answered, so neither a hash that two keys share nor a damaged file shows a wrong one.
 * Records from log position `visibleEnd` on are not shown yet.
 */
export function queryMessages(
  parts: QueryParts,
  wanted: MessageQuery,
  visibleEnd: number,
): QueryResult {
  const most = Math.min(wanted.maxCount, parts.options.maxMsgsNumBatch);
  const found = new Map<number, Found>();
  let bytes = 0;
  const take = (position: number): boolean => {
    if (found.size >= most) return false;
    if (position >= visibleEnd || found.has(position)) return true;
    const record = parts.reader.readRecord(position);
    if (record === undefined || !isWanted(record, wanted)) return true;
    bytes += record.length;
    if (found.size > 0 && bytes > wanted.maxBytes) return false;
    found.set(position, { position, record });
    return found.size < most;
  };
  if (most > 0) {
    if (wanted.isTag === true) searchQueues(parts, wanted, most, take);
    else if (parts.options.indexFileReadEnable) parts.index.search(wanted, take);
  }
  const ordered = Array.from(found.values()).sort((a, b) => a.position - b.position);
  return {
    records: ordered.map((each) => each.record),
    indexTime: parts.index.endTime,
    indexPosition: parts.index.endPosition,
  };
}

const parts = new RecordParts();

function isWanted(record: Uint8Array, wanted: MessageQuery): boolean {
  const data = viewOf(record);
  if (parts.locate(data, 0, record.length) !== undefined) return false;
  const time = readInt64(data, parts.storeTimestamp);
  if (time < wanted.begin || time > wanted.end) return false;
  const topic = decoder.decode(record.subarray(parts.topicFrom, parts.topicTo));
  if (topic !== wanted.topic) return false;
  const { propertiesFrom, propertiesTo } = parts;
  const valueOf = (name: Uint8Array): string | undefined =>
    readProperty(record, propertiesFrom, propertiesTo, name);
  if (wanted.isTag === true) return valueOf(tagsName) === wanted.key;
  if (valueOf(uniqueKeyName) === wanted.key) return true;
  const at = findProperty(record, propertiesFrom, propertiesTo, keysName);
  if (at < 0) return false;
  return decoder.decode(record.subarray(at, foundTo())).split(' ').includes(wanted.key);
}

/** The newest of all queues first: each queue gives its newest ones, then the log decides. */
function searchQueues(
  { reader, queues }: QueryParts,
  wanted: MessageQuery,
  most: number,
  take: (position: number) => boolean,
): void {
  const positions: number[] = [];
  for (const queue of queues.of(wanted.topic)) {
    const from = reader.offsetByTime(queue, wanted.begin, 'LOWER');
    const to = reader.offsetByTime(queue, wanted.end + 1, 'LOWER');
    positions.push(...entriesWithTag(queue, tagHash(wanted.key), from, to, most));
  }
  positions.sort((a, b) => b - a);
  for (const position of positions) if (!take(position)) return;
}

function entriesWithTag(
  queue: ConsumeQueue,
  tagsCode: number,
  from: number,
  to: number,
  most: number,
): number[] {
  const positions: number[] = [];
  const least = Math.max(from, to - mostEntries);
  const entry: QueueEntry = { position: 0, size: 0, tagsCode: 0 };
  const note = (): boolean => {
    // Where it is not known, the message is asked itself.
    const isWanted = (queue.tagsCodeOf(entry) ?? tagsCode) === tagsCode;
    if (isWanted && !isFiller(entry)) positions.push(entry.position);
    return positions.length < most;
  };
  let end = to;
  for (; end > least && end > queue.written; end -= 1) {
    if (queue.readStaged(end - 1, entry) && !note()) return positions;
  }
  const chunk = new Uint8Array(chunkEntries * entryBytes);
  const data = viewOf(chunk);
  while (end > least) {
    const start = Math.max(least, end - chunkEntries);
    const count = queue.readWritten(start, end - start, chunk);
    for (let i = count - 1; i >= 0; i -= 1) {
      readEntry(data, i * entryBytes, entry);
      if (!note()) return positions;
    }
    end = start;
  }
  return positions;
}
