import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { viewOf } from '@nestjs-rocketmq/foundation';
import {
  PropertyName,
  recordMagicV1,
  recordMagicV2,
  RecordParts,
  StoredMessage,
  SystemTopic,
  transactionGroup,
} from '@nestjs-rocketmq/message';

/** What a broker left on the disk when it ended: the records of its log, and its saved progress. */
export interface Disk {
  readonly records: readonly StoredMessage[];
  /** Files of the log. */
  readonly files: number;
  /** By `topic@group`, then by queue. */
  readonly consumed: Table;
  /** By delay level. */
  readonly delayed: Readonly<Record<string, number>>;
}

type Table = Readonly<Record<string, Readonly<Record<string, number>>>>;

export function readDisk(storeDir: string): Disk {
  const consumed = readTable(join(storeDir, 'config', 'consumerOffset.json')) as Table;
  const delayed = readTable(join(storeDir, 'config', 'delayOffset.json'));
  return {
    records: readLog(join(storeDir, 'commitlog')),
    files: logFiles(join(storeDir, 'commitlog')).length,
    consumed,
    delayed: delayed as Disk['delayed'],
  };
}

function readLog(folder: string): StoredMessage[] {
  const records: StoredMessage[] = [];
  for (const { bytes, data, at, size } of recordsOf(folder)) {
    records.push(new StoredMessage(bytes, data, at, at + size));
  }
  return records;
}

/** Why records of the log cannot be read, whose magic numbers and sizes look well. */
export function unreadableRecords(storeDir: string): string[] {
  const reasons: string[] = [];
  const parts = new RecordParts();
  for (const { bytes, data, at } of recordsOf(join(storeDir, 'commitlog'))) {
    const reason = parts.locate(data, at, bytes.length);
    if (reason !== undefined) reasons.push(reason);
  }
  return reasons;
}

function* recordsOf(
  folder: string,
): Generator<{ bytes: Uint8Array; data: DataView; at: number; size: number }> {
  for (const name of logFiles(folder)) {
    const bytes = readFileSync(join(folder, name));
    const data = viewOf(bytes);
    for (let at = 0; at + 8 <= bytes.length;) {
      const magic = data.getInt32(at + 4);
      if (magic !== recordMagicV1 && magic !== recordMagicV2) break;
      const size = data.getInt32(at);
      yield { bytes, data, at, size };
      at += size;
    }
  }
}

function logFiles(folder: string): string[] {
  const names = readdirSync(folder).filter((name) => /^\d{20}$/.test(name));
  return names.toSorted();
}

/** Like both sides: a table that a kill tore in two is read from its copy. */
function readTable(path: string): unknown {
  if (!existsSync(path)) return {};
  const table = parseTable(path) ?? parseTable(`${path}.bak`);
  if (table === undefined) throw new Error(`${path} and its copy cannot be read`);
  return table;
}

/** Java writes numbers as keys without quotes. */
function parseTable(path: string): unknown {
  const text = readFileSync(path, 'utf8').replaceAll(/([{,]\s*)(\d+)\s*:/g, '$1"$2":');
  try {
    return (JSON.parse(text) as { offsetTable: unknown }).offsetTable;
  } catch {
    return undefined;
  }
}

/** How often each body is in a topic, once everything that the disk announces has come. */
export function foretell(disk: Disk): Map<string, number> {
  const counts = new Map<string, number>();
  const add = (topic: string, body: string) => {
    const key = placeOf(topic, body);
    counts.set(key, (counts.get(key) ?? 0) + 1);
  };
  for (const one of disk.records) add(one.topic, one.text);
  for (const one of [...delaysToCome(disk), ...openHalves(disk)]) {
    add(one.property(PropertyName.REAL_TOPIC) ?? '', one.text);
  }
  return counts;
}

export function placeOf(topic: string, body: string): string {
  return `${topic} ${body}`;
}

/** Delayed messages that whoever opens the store will deliver: from the saved progress on. */
export function delaysToCome(disk: Disk): StoredMessage[] {
  return disk.records.filter((one) => {
    const saved = disk.delayed[String(one.queueId + 1)] ?? 0;
    return one.topic === SystemTopic.SCHEDULE && one.queueOffset >= saved;
  });
}

/** Halves behind the saved progress that no op message calls decided, and that will be committed. */
export function openHalves(disk: Disk): StoredMessage[] {
  const { TRANSACTION_HALF, TRANSACTION_OP } = SystemTopic;
  const decided = new Set<number>();
  for (const one of disk.records) {
    if (one.topic !== TRANSACTION_OP) continue;
    for (const word of one.text.split(',')) if (word !== '') decided.add(Number(word));
  }
  const saved = disk.consumed[`${TRANSACTION_HALF}@${transactionGroup}`]?.['0'] ?? 0;
  return disk.records.filter(
    (one) =>
      one.topic === TRANSACTION_HALF &&
      one.queueOffset >= saved &&
      !decided.has(one.queueOffset) &&
      one.property('check') !== 'rollback',
  );
}

/** How many halves are decided by op messages. */
export function decidedHalves(disk: Disk): number {
  const ops = disk.records.filter((one) => one.topic === SystemTopic.TRANSACTION_OP);
  return ops.flatMap((one) => one.text.split(',').filter((word) => word !== '')).length;
}
