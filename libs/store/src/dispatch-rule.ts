import { type RecordMarks, SystemTopic, tagHashOfBytes } from '@nestjs-rocketmq/message';

const scheduleTopic = new TextEncoder().encode(SystemTopic.SCHEDULE);

/** Java: the delay of a level that its table does not have. */
const unknownLevelDelay = 1000;

/** What a queue entry's tags code is computed from, when it is made from the log. */
export interface DispatchedRecord {
  readonly bytes: Uint8Array;
  readonly topicFrom: number;
  readonly topicTo: number;
  /** Of its property text. */
  readonly marks: RecordMarks;
}

/**
 * The tags code of a record's queue entry, as Java computes it when it dispatches the log: the hash
 * of the tag, 0 without one; in the schedule topic the time at which the message is due.
 * Source: org.apache.rocketmq.store.CommitLog.checkMessageAndReturnSize, 5.3.3.
 */
export function tagsCodeOf(
  record: DispatchedRecord,
  storeTimestamp: number,
  delays: readonly number[],
): number {
  const { bytes, marks } = record;
  if (isScheduled(record)) {
    const { delayAt, delayTo } = marks;
    const level = delayAt < 0 ? 0 : Math.min(readLevel(bytes, delayAt, delayTo), delays.length);
    if (level > 0) return storeTimestamp + (delays[level - 1] ?? unknownLevelDelay);
  }
  return marks.tagsAt < 0 ? 0 : tagHashOfBytes(bytes, marks.tagsAt, marks.tagsTo);
}

function isScheduled(record: DispatchedRecord): boolean {
  if (record.topicTo - record.topicFrom !== scheduleTopic.length) return false;
  return scheduleTopic.every((byte, i) => record.bytes[record.topicFrom + i] === byte);
}

function readLevel(bytes: Uint8Array, from: number, to: number): number {
  let level = 0;
  for (let i = from; i < to; i += 1) {
    const digit = (bytes[i] as number) - 0x30;
    if (digit < 0 || digit > 9) return 0;
    level = Math.min(level * 10 + digit, 1_000_000);
  }
  return level;
}
