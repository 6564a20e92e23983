import { join } from 'node:path';
import {
  type Clock,
  type FileSystem,
  type Logger,
  type LogFields,
  messageOf,
  Turn,
} from '@nestjs-rocketmq/foundation';
import { entryBytes } from '../formats/consume-queue-entry.js';
import { openParts, type StoreParts } from '../store-parts.js';
import { type StoreOptions, storeOptions } from '../store-options.js';
import { describeExtensions } from './describe-extensions.js';
import {
  describeCheckpoint,
  describeConfig,
  describeIndex,
  indexHeaderBytes,
  timeText,
} from './describe-files.js';
import { describeRecords } from './describe-records.js';
import { OverlayFileSystem } from './overlay-file-system.js';

const extensionFolder = 'consumequeue_ext';

export interface InspectStore {
  readonly directory: string;
  readonly fileSystem: FileSystem;
  readonly clock: Clock;
  /** Takes each line of the report. */
  readonly print: (line: string) => void;
  /** Most records that are printed; the rest is counted. Default 1000. */
  readonly records?: number;
  /** Log position of the first record that is printed. Default the first there is. */
  readonly from?: number;
  /** Options of the broker that has the store, where they are not the usual ones. */
  readonly options?: Partial<StoreOptions>;
}

/**
 * Prints what is in a store and what a start would do with it: lock and markers, checkpoint,
 * records, queues, key index, tables. Only reads. The start is really done, on a copy in memory of
 * whatever it changes.
 */
export async function inspectStore(given: InspectStore): Promise<void> {
  const { directory, fileSystem, print } = given;
  const options = { ...sizesOf(given), ...given.options };
  print(`Store ${directory}`);
  const lock = fileSystem.readText(join(directory, 'lock'))?.trim();
  print(`lock: ${lock === undefined ? 'absent' : lock === '' ? 'free' : lock}`);
  const abort = fileSystem.readText(join(directory, 'abort'))?.trim();
  print(`abort: ${abort === undefined ? 'absent, the store was closed well' : `there (${abort})`}`);
  describeCheckpoint(fileSystem, directory, print);
  const logDirectory = options.storePathCommitLog || join(directory, 'commitlog');
  describeRecords({ ...given, logDirectory, options });
  const extensions = join(directory, extensionFolder);
  describeExtensions(fileSystem, extensions, options.mappedFileSizeConsumeQueueExt ?? 0, print);
  describeIndex(fileSystem, join(directory, 'index'), print);
  describeConfig(fileSystem, join(directory, 'config'), print);
  await describeStart(given, options);
}

/** File sizes as they are found, so that they need not be told. */
function sizesOf({ directory, fileSystem, options }: InspectStore): Partial<StoreOptions> {
  const sizes: { -readonly [Name in keyof StoreOptions]?: StoreOptions[Name] } = {};
  const log = firstFile(fileSystem, options?.storePathCommitLog || join(directory, 'commitlog'));
  if (log !== undefined) sizes.mappedFileSizeCommitLog = log;
  if (!hasUsualIndex(fileSystem, join(directory, 'index'), options))
    sizes.messageIndexEnable = false;
  const extension = firstOfQueues(fileSystem, join(directory, extensionFolder));
  if (extension !== undefined) {
    sizes.enableConsumeQueueExt = true;
    sizes.mappedFileSizeConsumeQueueExt = extension;
  }
  const queue = firstOfQueues(fileSystem, join(directory, 'consumequeue'));
  if (queue !== undefined) sizes.mappedFileSizeConsumeQueue = queue;
  return sizes;
}

/** The size of the first file of any queue. */
function firstOfQueues(fileSystem: FileSystem, folder: string): number | undefined {
  for (const topic of fileSystem.list(folder)) {
    for (const id of fileSystem.list(join(folder, topic))) {
      const size = firstFile(fileSystem, join(folder, topic, id));
      if (size !== undefined) return size;
    }
  }
  return undefined;
}

/** Whether index files have the size that the options say: it is of two numbers, so not to be found. */
function hasUsualIndex(
  fileSystem: FileSystem,
  folder: string,
  options: Partial<StoreOptions> = {},
): boolean {
  const { maxHashSlotNum: slots, maxIndexNum: entries } = storeOptions.load(options);
  const size = indexHeaderBytes + slots * 4 + entries * entryBytes;
  const names = fileSystem.list(folder).filter((name) => /^\d{17}$/.test(name));
  return names.every((name) => fileSystem.size(join(folder, name)) === size);
}

function firstFile(fileSystem: FileSystem, folder: string): number | undefined {
  const name = fileSystem.list(folder).find((one) => /^\d{20}$/.test(one));
  const size = name === undefined ? 0 : fileSystem.size(join(folder, name));
  return size === 0 ? undefined : size;
}

/** Opens the store on an overlay and prints what was logged and what came out. */
async function describeStart(given: InspectStore, options: Partial<StoreOptions>): Promise<void> {
  const { print, directory, clock } = given;
  const said: string[] = [];
  const fileSystem = new OverlayFileSystem(given.fileSystem);
  let parts: StoreParts;
  try {
    const turn = new Turn(() => undefined);
    parts = openParts({ directory, options, fileSystem, clock, logger: loggerTo(said), turn });
  } catch (error) {
    print('A start would be refused:');
    print(`  ${messageOf(error)}`);
    return;
  }
  const { log, queues, lastStoreTime, wasAborted } = parts;
  print(`A start would ${wasAborted ? 'recover the store' : 'find the store closed well'}:`);
  for (const line of said) print(`  ${line}`);
  const last = lastStoreTime === 0 ? 'never' : timeText(lastStoreTime);
  print(`  log from ${log.start} to ${log.written}, last record stored ${last}`);
  for (const queue of [...queues.all()].toSorted(byName)) {
    const { topic, queueId, min, next, extension } = queue;
    const more = extension === undefined ? '' : `, extension up to ${extension.end}`;
    print(`  queue ${topic}/${queueId}: ${min} to ${next}${more}`);
  }
  await parts.close();
}

interface Named {
  readonly topic: string;
  readonly queueId: number;
}

function byName(one: Named, other: Named): number {
  if (one.topic !== other.topic) return one.topic < other.topic ? -1 : 1;
  return one.queueId - other.queueId;
}

function loggerTo(said: string[]): Logger {
  const note = (sentence: string, fields?: LogFields): void => {
    const details = Object.entries(fields ?? {}).map(([name, value]) => `${name}=${String(value)}`);
    said.push([sentence, ...details].join(' '));
  };
  const logger: Logger = {
    debug: () => undefined,
    info: note,
    warn: note,
    error: note,
    child: () => logger,
  };
  return logger;
}
