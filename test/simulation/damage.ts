import { SeededRandom } from '@nestjs-rocketmq/foundation/testing';
import type { FaultyFileSystem } from '@nestjs-rocketmq/store/testing';
import type { Place } from './history.js';

/** Which file of a broker that is down gets damaged. */
export type Damaged = 'log' | 'queue' | 'index' | 'checkpoint' | 'offsets' | 'delays';

const root = '/store';
/** Bytes of a copy of the checkpoint; its spare stands behind it. */
const checkpointBytes = 512;

const tables = { offsets: 'config/consumerOffset.json', delays: 'config/delayOffset.json' };

function filesBelow(disk: FaultyFileSystem, path: string): string[] {
  if (!disk.isDirectory(path)) return [path];
  return disk.list(path).flatMap((name) => filesBelow(disk, `${path}/${name}`));
}

/** Flips one bit of a record in the log, if its file is still there. */
export function damageRecord(
  disk: FaultyFileSystem,
  fileSize: number,
  { position }: Pick<Place, 'position'>,
  seed: number,
): void {
  const random = new SeededRandom(seed);
  const start = position - (position % fileSize);
  const path = `${root}/commitlog/${String(start).padStart(20, '0')}`;
  if (!disk.exists(path)) return;
  const word = new Uint8Array(4);
  disk.open(path, 'read').readAt(word, 0, 4, position - start);
  const size = new DataView(word.buffer).getInt32(0);
  flip(disk, path, position - start + random.below(size), random);
}

/**
 * Flips one bit of a file (of a checkpoint perhaps one in each copy), or cuts a table short; false
 * when there is no such file.
 */
export function damageFile(disk: FaultyFileSystem, what: Damaged, seed: number): boolean {
  const random = new SeededRandom(seed);
  if (what === 'offsets' || what === 'delays') return cutTable(disk, tables[what], random);
  if (what === 'checkpoint') {
    if (!disk.exists(`${root}/checkpoint`)) return false;
    flip(disk, `${root}/checkpoint`, random.below(checkpointBytes), random);
    if (random.chance(0.5)) return true;
    flip(disk, `${root}/checkpoint`, checkpointBytes + random.below(checkpointBytes), random);
    return true;
  }
  const folder = `${root}/${what === 'queue' ? 'consumequeue' : 'index'}`;
  const files = disk.exists(folder) ? filesBelow(disk, folder) : [];
  if (files.length === 0) return false;
  const path = random.pick(files);
  flip(disk, path, random.below(disk.size(path)), random);
  return true;
}

function flip(disk: FaultyFileSystem, path: string, at: number, random: SeededRandom): void {
  disk.damage(path, at, 2 ** random.below(8));
}

/** Only where there is a copy: without one the broker refuses to start, and is right. */
function cutTable(disk: FaultyFileSystem, name: string, random: SeededRandom): boolean {
  const path = `${root}/${name}`;
  const text = disk.readText(path) ?? '';
  if (text.length < 3 || (disk.readText(`${path}.bak`) ?? '').length < 3) return false;
  disk.writeText(path, text.slice(0, random.below(text.trimEnd().length - 1)));
  return true;
}
