import { join } from 'node:path';
import type { FileSystem } from '@nestjs-rocketmq/foundation';
import { UnitWindow } from '../consume-queue-extension/unit-window.js';
import { HandlePool } from '../files/handle-pool.js';
import { SegmentSequence } from '../files/segment-sequence.js';
import { emptyUnit, unitHeadBytes } from '../formats/extension-unit.js';
import { timeText } from './describe-files.js';

const openFiles = 16;

/** Prints, per queue, what its extension holds. */
export function describeExtensions(
  fileSystem: FileSystem,
  folder: string,
  fileSize: number,
  print: (line: string) => void,
): void {
  if (!fileSystem.exists(folder)) return print('queue extensions: none');
  print(`queue extensions: files of ${fileSize} bytes`);
  const handles = new HandlePool(fileSystem, openFiles, 'read');
  for (const topic of fileSystem.list(folder)) {
    for (const id of fileSystem.list(join(folder, topic))) {
      const files = new SegmentSequence(fileSystem, handles, join(folder, topic, id), fileSize);
      try {
        files.load('skip');
        print(`  ${topic}/${id}: ${lineOf(files)}`);
      } catch (error) {
        print(`  ${topic}/${id}: ${(error as Error).message}`);
      }
    }
  }
  handles.close();
}

/** Follows the units of each file up to the first place where none stands. */
function lineOf(files: SegmentSequence): string {
  const window = new UnitWindow();
  const unit = emptyUnit();
  let units = 0;
  let maps = 0;
  let last = 0;
  let end = files.start;
  for (const { start } of files.all) {
    for (let at = start; window.read(files, at, start + files.segmentSize, unit);) {
      const bits = unit.bitsTo - unit.bitsFrom;
      units += 1;
      if (bits > 0) maps += 1;
      last = unit.storeTime;
      at += unitHeadBytes + bits;
      end = at;
    }
  }
  const range = `${units} units from ${files.start} to ${end}, ${maps} with a bit map`;
  return units === 0 ? range : `${range}, last stored ${timeText(last)}`;
}
