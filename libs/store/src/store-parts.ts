import { totalmem } from 'node:os';
import {
  type Clock,
  type FileSystem,
  type Logger,
  ResourceStack,
  type Turn,
} from '@nestjs-rocketmq/foundation';
import { CommitLog } from './commit-log/commit-log.js';
import type { RecordRules } from './commit-log/recovery.js';
import {
  ConsumeQueueTable,
  type ConsumeQueueTableParts,
} from './consume-queue/consume-queue-table.js';
import type { BitMapOf } from './consume-queue-extension/queue-extension.js';
import { UnitWindow } from './consume-queue-extension/unit-window.js';
import { EntryArena } from './consume-queue/entry-arena.js';
import { QueueWriter } from './consume-queue/queue-writer.js';
import { parseDelayLevels } from './delay-levels.js';
import { DeletedTopics } from './files/deleted-topics.js';
import { HandlePool } from './files/handle-pool.js';
import { StoreDirectory } from './files/store-directory.js';
import { entryBytes } from './formats/consume-queue-entry.js';
import type { Checkpoint } from './formats/checkpoint-layout.js';
import { MessageIndex } from './message-index.js';
import { MessageReader, type ReaderLimits } from './read-messages.js';
import { RecordChecks } from './record-checks.js';
import { recover } from './store-opening.js';
import { type StoreOptions, storeOptions } from './store-options.js';

/** Files of the log are few and always in use; those of queues may be thousands. */
const openLogFiles = 4096;
const openQueueFiles = 512;

/** What a store is opened with. */
export interface OpenStore {
  /** The store's folder (`storePathRootDir`). */
  readonly directory: string;
  readonly options?: Partial<StoreOptions>;
  readonly fileSystem: FileSystem;
  readonly clock: Clock;
  readonly logger: Logger;
  /** The end of a turn, shared with the remoting server that answers for this store. */
  readonly turn: Turn;
  /** Written into the marker of an unclosed store. Default: this process. */
  readonly processId?: number;
  /** With `enableConsumeQueueExt`: what queues keep of the SQL92 filters that let a message pass. */
  readonly bitMapOf?: BitMapOf | undefined;
}

/** Everything that a store consists of, opened and recovered. */
export interface StoreParts {
  readonly options: StoreOptions;
  readonly directory: StoreDirectory;
  readonly checkpoint: Checkpoint;
  readonly log: CommitLog;
  readonly queues: ConsumeQueueTable;
  readonly deleted: DeletedTopics;
  readonly index: MessageIndex;
  readonly arena: EntryArena;
  /** The open files of queues. */
  readonly handles: HandlePool;
  readonly writer: QueueWriter;
  readonly reader: MessageReader;
  readonly wasAborted: boolean;
  /** Recovery passed over damage; what it made of the queues has to be durable first of all. */
  readonly isDamaged: boolean;
  /** Store time of the last message known, or 0. */
  readonly lastStoreTime: number;
  /** Log position of the last record before a crash, or undefined. */
  readonly lastRecord: number | undefined;
  /** Lets go of files and folder, without writing. */
  close(): Promise<void>;
}

/** Lock, abort marker, checkpoint, recovery; in case of failure all is closed again. */
export function openParts(given: OpenStore): StoreParts {
  const { fileSystem, logger } = given;
  const options = storeOptions.load(given.options ?? {});
  const delays = parseDelayLevels(options.messageDelayLevel);
  const directory = new StoreDirectory(fileSystem, given.directory, options.storePathCommitLog);
  const logHandles = new HandlePool(fileSystem, openLogFiles);
  const handles = new HandlePool(fileSystem, openQueueFiles);
  const resources = new ResourceStack();
  resources.use(directory);
  resources.use(logHandles);
  resources.use(handles);
  try {
    directory.open();
    const found = directory.readCheckpoint();
    const { checkpoint } = found;
    const deleted = new DeletedTopics(fileSystem, given.directory);
    deleted.load();
    const { wasAborted } = directory;
    const arena = new EntryArena();
    const log = logOf(given, directory, options, logHandles);
    const queues = new ConsumeQueueTable({
      fileSystem,
      handles,
      arena,
      directory: directory.consumeQueues,
      fileSize: options.mappedFileSizeConsumeQueue,
      ...extensionsOf(given, directory, options, handles),
    });
    const index = resources.use(indexOf(given, directory, options));
    const rules = rulesOf(options);
    const recovery = { log, queues, deleted, found, index, wasAborted, rules, delays, logger };
    const { lastStoreTime, lastRecord, isRebuilt, isDamaged } = recover(recovery);
    const isBehind = index.endTime > checkpoint.indexTime;
    if (isRebuilt || isBehind || !found.isWhole) {
      // Java removes index files that end later than the checkpoint says.
      checkpoint.indexTime = Math.max(checkpoint.indexTime, index.endTime);
      correctCheckpoint(directory, checkpoint, log);
    }
    directory.markOpen(given.processId ?? process.pid);
    const reader = readerOf(log, options, delays, logger);
    const timeAt = reader.storeTimeAt.bind(reader);
    const writer = new QueueWriter({ ...given, table: queues, handles, options, timeAt });
    if (isRebuilt) for (const queue of queues.all()) writer.touch(queue);
    return {
      options,
      directory,
      checkpoint,
      log,
      queues,
      deleted,
      index,
      arena,
      handles,
      writer,
      reader,
      wasAborted,
      isDamaged,
      lastStoreTime: lastStoreTime || checkpoint.logTime,
      lastRecord,
      close: () => resources.close(),
    };
  } catch (error) {
    handles.close();
    logHandles.close();
    directory.close();
    throw error;
  }
}

function logOf(
  { fileSystem }: OpenStore,
  { commitLog }: StoreDirectory,
  { mappedFileSizeCommitLog: segmentSize }: StoreOptions,
  handles: HandlePool,
): CommitLog {
  return new CommitLog({ fileSystem, handles, directory: commitLog, segmentSize });
}

/**
 * After damage in the log the queues alone know which offsets are taken: that has to be durable
 * before anything else happens. Closes all when it fails.
 */
export async function keepDamagedOffsets(parts: StoreParts): Promise<void> {
  if (!parts.isDamaged) return;
  try {
    await parts.writer.syncAll();
  } catch (error) {
    await parts.close();
    throw error;
  }
}

function indexOf(given: OpenStore, directory: StoreDirectory, options: StoreOptions): MessageIndex {
  return new MessageIndex({
    ...given,
    directory: directory.index,
    sizes: { slots: options.maxHashSlotNum, entries: options.maxIndexNum },
    isEnabled: options.messageIndexEnable && options.indexFileWriteEnable,
  });
}

/** Where the extensions of queues are, and what they share when there are any. */
function extensionsOf(
  { fileSystem, bitMapOf }: OpenStore,
  { queueExtensions: directory }: StoreDirectory,
  { enableConsumeQueueExt, mappedFileSizeConsumeQueueExt: fileSize }: StoreOptions,
  handles: HandlePool,
): Pick<ConsumeQueueTableParts, 'extensionDirectory' | 'extensions'> {
  const window = new UnitWindow();
  const shared = { fileSystem, handles, directory, fileSize, window, bitMapOf };
  return {
    extensionDirectory: directory,
    extensions: enableConsumeQueueExt ? shared : undefined,
  };
}

function rulesOf(options: StoreOptions): RecordRules {
  const { forceVerifyPropCRC, enabledAppendPropCRC } = options;
  const whole = forceVerifyPropCRC ? 'REQUIRED' : enabledAppendPropCRC ? 'PRESENT' : 'NONE';
  return { checkCrc: options.checkCRCOnRecover, whole };
}

function readerOf(
  log: CommitLog,
  options: StoreOptions,
  delays: readonly number[],
  logger: Logger,
): MessageReader {
  const checks = new RecordChecks(log, rulesOf(options).whole, delays, logger);
  return new MessageReader(log, checks, readerLimits(options));
}

/** How much one search of messages may look through and give. */
export function readerLimits(options: StoreOptions): ReaderLimits {
  return {
    maxCount: options.maxTransferCountOnMessageInMemory,
    maxBytes: options.maxTransferBytesOnMessageInMemory,
    maxCountBehind: options.maxTransferCountOnMessageInDisk,
    maxBytesBehind: options.maxTransferBytesOnMessageInDisk,
    memoryBytes: totalmem() * (options.accessMessageInMemoryMaxRatio / 100),
    maxScan: Math.max(1, Math.floor(options.maxFilterMessageSize / entryBytes)),
  };
}

/** The checkpoint must not speak of more than there is, nor of queue files that are new. */
function correctCheckpoint(
  directory: StoreDirectory,
  checkpoint: Checkpoint,
  log: CommitLog,
): void {
  checkpoint.confirmed = log.durable;
  directory.writeCheckpoint(checkpoint);
  directory.syncCheckpointNow();
}
