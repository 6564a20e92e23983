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
 * | 32 | 8     | confirmed log position                                                     |
 *
 * The file has 4096 bytes; the rest is zero.
 * Source: org.apache.rocketmq.store.StoreCheckpoint, 5.3.3.
 */
export const checkpointFileBytes = 4096;
export const checkpointBytes = 40;

/** Records of this many milliseconds before the checkpoint are looked at again after a crash. */
const safetyMargin = 3000;

export interface Checkpoint {
  logTime: number;
  queueTime: number;
  indexTime: number;
  masterFlushed: number;
  confirmed: number;
}

export function emptyCheckpoint(): Checkpoint {
  return { logTime: 0, queueTime: 0, indexTime: 0, masterFlushed: 0, confirmed: 0 };
}

export function readCheckpoint(data: DataView): Checkpoint {
  return {
    logTime: readInt64(data, 0),
    queueTime: readInt64(data, 8),
    indexTime: readInt64(data, 16),
    masterFlushed: readInt64(data, 24),
    confirmed: readInt64(data, 32),
  };
}

export function writeCheckpoint(data: DataView, checkpoint: Checkpoint): void {
  writeInt64(data, 0, checkpoint.logTime);
  writeInt64(data, 8, checkpoint.queueTime);
  writeInt64(data, 16, checkpoint.indexTime);
  writeInt64(data, 24, checkpoint.masterFlushed);
  writeInt64(data, 32, checkpoint.confirmed);
}

/** After a crash, the log is read again from the file whose first record is not younger than this. */
export function recoveryTime(checkpoint: Checkpoint): number {
  return Math.max(0, Math.min(checkpoint.logTime, checkpoint.queueTime) - safetyMargin);
}
