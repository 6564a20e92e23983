import type { FileSystem } from '@nestjs-rocketmq/foundation';
import { recordMagicV2, recordField, StoredMessage, SysFlag } from '@nestjs-rocketmq/message';
import { DamageSearch } from '../commit-log/damage-search.js';
import { type LogReader, type ScannedRecord, scanRecords } from '../commit-log/recovery.js';
import { HandlePool } from '../files/handle-pool.js';
import { SegmentSequence } from '../files/segment-sequence.js';
import { type StoreOptions, storeOptions } from '../store-options.js';
import { timeText } from './describe-files.js';

const defaultRecords = 1000;
const openFiles = 16;

export interface DescribeRecords {
  readonly fileSystem: FileSystem;
  readonly logDirectory: string;
  readonly options: Partial<StoreOptions>;
  readonly print: (line: string) => void;
  readonly records?: number;
  readonly from?: number;
}

/** Prints the files of the log and its records, with the damage between them. */
export function describeRecords(given: DescribeRecords): void {
  const { fileSystem, logDirectory, print, records = defaultRecords, from = 0 } = given;
  const options = storeOptions.load(given.options);
  const handles = new HandlePool(fileSystem, openFiles, 'read');
  const segmentSize = options.mappedFileSizeCommitLog;
  const files = new SegmentSequence(fileSystem, handles, logDirectory, segmentSize);
  try {
    files.load('skip');
  } catch (error) {
    return print(`commit log: ${(error as Error).message}`);
  }
  print(`commit log: ${files.all.length} files of ${segmentSize} bytes in ${logDirectory}`);
  for (const { path, start } of files.all) print(`  ${path.slice(-20)}: from ${start}`);
  const log: LogReader = {
    segmentSize,
    start: files.start,
    end: files.end,
    read: (into, at, length, position) => files.read(into, at, length, position),
  };
  const search = new DamageSearch(
    log,
    { position: undefined, time: Number.MAX_SAFE_INTEGER },
    'NONE',
  );
  let printed = 0;
  const end = scanRecords(log, log.start, {
    checkCrc: true,
    whole: options.enabledAppendPropCRC ? 'PRESENT' : 'NONE',
    each: (record) => {
      if (record.logPosition < from || printed >= records) return;
      printed += 1;
      print(`  ${lineOf(record)}`);
    },
    goOn: (position, found, claim) => {
      const next = search.next(position, claim, 0);
      if (next !== undefined) print(`  ${position}: DAMAGED up to ${next}, found ${found}`);
      return next;
    },
  });
  handles.close();
  const rest = end.records - printed;
  print(`  ${end.records} records${rest > 0 ? `, ${rest} of them not printed` : ''}`);
  const fault = end.fault === undefined ? 'nothing is written there' : `found ${end.fault}`;
  print(`  the log ends at ${end.end}: ${fault}`);
}

function lineOf(record: ScannedRecord): string {
  const bytes = record.bytes.subarray(record.from, record.from + record.size);
  const message = new StoredMessage(bytes);
  const isV2 = record.data.getInt32(record.from + recordField.magic) === recordMagicV2;
  const kind = record.sysFlag & SysFlag.TRANSACTION_ROLLBACK;
  const kinds: Readonly<Record<number, string>> = {
    [SysFlag.TRANSACTION_PREPARED]: ' prepared',
    [SysFlag.TRANSACTION_COMMIT]: ' committed',
    [SysFlag.TRANSACTION_ROLLBACK]: ' rolled back',
  };
  const place = `${message.topic}/${message.queueId}/${record.queueOffset}`;
  const body = `${record.bodyTo - record.bodyFrom} bytes of body`;
  const { TAGS, KEYS, UNIQ_KEY } = message.properties;
  const names = Object.entries({ tags: TAGS, keys: KEYS, id: UNIQ_KEY })
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => ` ${name}=${value}`);
  const what = `V${isV2 ? 2 : 1}${kinds[kind] ?? ''} ${place}`;
  return (
    `${record.logPosition}: ${record.size} bytes, ${what}, ${body}, ` +
    `stored ${timeText(record.storeTime)} from ${message.bornHost}${names.join('')}`
  );
}
