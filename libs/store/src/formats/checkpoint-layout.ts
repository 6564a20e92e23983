import { crc32 } from '@nestjs-rocketmq/foundation';
import { readInt64, writeInt64 } from '@nestjs-rocketmq/message';

/**
 * The checkpoint: how far the files are surely complete, as store times in milliseconds.
 *
 * | at | bytes | field                                                                      |
 * | -- | ----- | -------------------------------------------------------------------------- |
 * | 0  | 8     | log: store time of the last durable record                                 |
 * | 8  | 8     | queues: every record stored up to this time has its entry durably          |
 * | 16 | 8     | index: store time up to which the key index is complete                    |
 * | 24 | 8     | a slave: how far its master had flushed at start                           |
 * | 32 | 8     | confirmed log position: everything below is durable                        |
 * | .. |       | zero                                                                       |
 * | 488 | 8    | an addition of ours: log position below which every record has its entry   |
 * | 496 | 4    | the same: number of queues with an entry below that position               |
 * | 500 | 4    | the same: sum over the queues, see `QueueCensus`                           |
 * | 504 | 4    | the same: 'SEAL'                                                           |
 * | 508 | 4    | the same: CRC-32 of everything before                                      |
 * | 512 | 512  | the same: the spare, these 512 bytes as they were at a sync                |
 *
 * The file has 4096 bytes; the rest is zero. Each of both copies lies in one sector, so that a power
 * failure leaves the old or the new of it. A write that is interrupted may tear its sector all the
 * same, and then the other copy is whole: the spare is written only when the first one is durable,
 * and before the first one is written again. A Java broker writes its fields and leaves the addition
 * as it is: seals hold only where the last one who had the store was ours.
 * Source: org.apache.rocketmq.store.StoreCheckpoint, 5.3.3.
 */
export const checkpointFileBytes = 4096;
/** Bytes of one copy. */
export const checkpointBytes = 512;
/** Where the spare begins. */
export const spareAt = checkpointBytes;
const queuesToAt = 488;
const queuesAt = 496;
const queueSumAt = 500;
const sealAt = 504;
const checksumAt = 508;
const seal = 0x5345414c;

/** Records of this many milliseconds before the checkpoint are looked at again after a crash. */
const safetyMargin = 3000;

export interface Checkpoint {
  logTime: number;
  queueTime: number;
  indexTime: number;
  masterFlushed: number;
  confirmed: number;
  /** Log position: records below have their queue entries durably, whatever their store times. */
  queuesTo: number;
  census: QueueCensus;
}

/** A checkpoint file as it was found. */
export interface FoundCheckpoint {
  readonly checkpoint: Checkpoint;
  readonly state: CheckpointState;
  /** The first copy is damaged, and this is the spare. */
  readonly isSpare: boolean;
  /** Both copies have their seals. */
  readonly isWhole: boolean;
}

/** What the queues had below `queuesTo`, so that a missing or shortened one is noticed. */
export interface QueueCensus {
  readonly queues: number;
  /** Sum, over the queues, of the checksum of topic, queue id and number of entries. */
  readonly sum: number;
}

/** `SEALED`: as one of ours wrote it. `UNSEALED`: by Java, or new. `DAMAGED`: neither. */
export type CheckpointState = 'SEALED' | 'UNSEALED' | 'DAMAGED';

const noCensus: QueueCensus = { queues: 0, sum: 0 };

function emptyCheckpoint(): Checkpoint {
  return {
    logTime: 0,
    queueTime: 0,
    indexTime: 0,
    masterFlushed: 0,
    confirmed: 0,
    queuesTo: 0,
    census: noCensus,
  };
}

/**
 * What a file says, given the bytes of both copies. The first copy is never older than the spare.
 * When a Java broker had the store last, the first bytes are its own and no seal means anything.
 */
export function findCheckpoint(copies: DataView, wasJavas: boolean): FoundCheckpoint {
  const first = copyAt(copies, 0);
  const spare = copyAt(copies, spareAt);
  const state = wasJavas ? 'UNSEALED' : stateOf(first);
  const hasSpare = !wasJavas && stateOf(spare) === 'SEALED';
  if (state === 'DAMAGED' && hasSpare) {
    return { checkpoint: readCheckpoint(spare), state: 'SEALED', isSpare: true, isWhole: false };
  }
  return {
    checkpoint: state === 'DAMAGED' ? emptyCheckpoint() : readCheckpoint(first),
    state,
    isSpare: false,
    isWhole: state === 'SEALED' && hasSpare,
  };
}

function copyAt(copies: DataView, at: number): DataView {
  return new DataView(copies.buffer, copies.byteOffset + at, checkpointBytes);
}

/** Whether the seal fits. Any bytes in its place that do not fit are damage. */
function stateOf(data: DataView): CheckpointState {
  const words = [queuesAt, queueSumAt, sealAt, checksumAt].map((at) => data.getUint32(at));
  if (words.every((word) => word === 0)) return 'UNSEALED';
  const fits = words[2] === seal && words[3] === checksumOf(data);
  return fits ? 'SEALED' : 'DAMAGED';
}

function readCheckpoint(data: DataView): Checkpoint {
  return {
    logTime: readInt64(data, 0),
    queueTime: readInt64(data, 8),
    indexTime: readInt64(data, 16),
    masterFlushed: readInt64(data, 24),
    confirmed: readInt64(data, 32),
    queuesTo: readInt64(data, queuesToAt),
    census: { queues: data.getUint32(queuesAt), sum: data.getUint32(queueSumAt) },
  };
}

export function writeCheckpoint(data: DataView, checkpoint: Checkpoint): void {
  writeInt64(data, 0, checkpoint.logTime);
  writeInt64(data, 8, checkpoint.queueTime);
  writeInt64(data, 16, checkpoint.indexTime);
  writeInt64(data, 24, checkpoint.masterFlushed);
  writeInt64(data, 32, checkpoint.confirmed);
  writeInt64(data, queuesToAt, checkpoint.queuesTo);
  data.setUint32(queuesAt, checkpoint.census.queues);
  data.setUint32(queueSumAt, checkpoint.census.sum);
  data.setUint32(sealAt, seal);
  data.setUint32(checksumAt, checksumOf(data));
}

function checksumOf(data: DataView): number {
  return crc32(new Uint8Array(data.buffer, data.byteOffset, checksumAt));
}

/** After a crash, the log is read again from the file whose first record is not younger than this. */
export function recoveryTime(checkpoint: Checkpoint): number {
  return Math.max(0, Math.min(checkpoint.logTime, checkpoint.queueTime) - safetyMargin);
}
