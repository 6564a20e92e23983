import { join } from 'node:path';
import { type FileSystem, viewOf } from '@nestjs-rocketmq/foundation';
import { readInt64 } from '@nestjs-rocketmq/message';
import {
  checkpointBytes,
  findCheckpoint,
  type FoundCheckpoint,
  recoveryTime,
} from '../formats/checkpoint-layout.js';

type Print = (line: string) => void;

/** A time as people read it, with the number that is stored. */
export function timeText(millis: number): string {
  const isDate = millis > 0 && millis < 8.64e15;
  return isDate ? `${new Date(millis).toISOString()} (${millis})` : String(millis);
}

export function describeCheckpoint(fileSystem: FileSystem, root: string, print: Print): void {
  const path = join(root, 'checkpoint');
  if (!fileSystem.exists(path)) return print('checkpoint: absent');
  const bytes = new Uint8Array(2 * checkpointBytes);
  readFile(fileSystem, path, bytes);
  const isJavas = fileSystem.readText(join(root, 'lock'))?.startsWith('lock') ?? false;
  const found = findCheckpoint(viewOf(bytes), isJavas);
  const { checkpoint } = found;
  print(`checkpoint: ${isJavas ? 'written by a Java broker' : conditionOf(found)}`);
  print(`  log durable up to        ${timeText(checkpoint.logTime)}`);
  print(`  queues durable up to     ${timeText(checkpoint.queueTime)}`);
  print(`  index complete up to     ${timeText(checkpoint.indexTime)}`);
  print(`  master flushed position  ${checkpoint.masterFlushed}`);
  print(`  confirmed log position   ${checkpoint.confirmed}`);
  print(`  queues at that time      ${checkpoint.census.queues}`);
  print(`  recovery goes back to    ${timeText(recoveryTime(checkpoint))}`);
}

function conditionOf({ state, isSpare, isWhole }: FoundCheckpoint): string {
  if (isSpare) return 'damaged, this is its spare';
  return state === 'SEALED' && !isWhole ? 'sealed, without a spare' : state.toLowerCase();
}

export const indexHeaderBytes = 40;

/** The headers of the key index files, as Apache's `IndexHeader` has them. */
export function describeIndex(fileSystem: FileSystem, folder: string, print: Print): void {
  const names = fileSystem.list(folder).filter((name) => /^\d{17}$/.test(name));
  print(`index: ${names.length} files`);
  for (const name of names) {
    const bytes = new Uint8Array(indexHeaderBytes);
    readFile(fileSystem, join(folder, name), bytes);
    const data = viewOf(bytes);
    const times = `${timeText(readInt64(data, 0))} to ${timeText(readInt64(data, 8))}`;
    const positions = `log ${readInt64(data, 16)} to ${readInt64(data, 24)}`;
    const entries = Math.max(0, data.getInt32(36) - 1);
    print(`  ${name}: ${entries} entries in ${data.getInt32(32)} slots, ${positions}, ${times}`);
  }
}

/** The tables under `config/`: their sizes. What is in them is text that anybody can read. */
export function describeConfig(fileSystem: FileSystem, folder: string, print: Print): void {
  const names = fileSystem
    .list(folder)
    .filter((name) => !fileSystem.isDirectory(join(folder, name)));
  print(`config: ${names.length} files`);
  for (const name of names) print(`  ${name}: ${fileSystem.size(join(folder, name))} bytes`);
}

function readFile(fileSystem: FileSystem, path: string, into: Uint8Array): void {
  const file = fileSystem.open(path, 'read');
  try {
    file.readAt(into, 0, into.length, 0);
  } finally {
    file.close();
  }
}
