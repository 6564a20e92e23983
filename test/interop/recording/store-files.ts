import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import type { GoldenStore } from '../golden-store.js';

/** Every file of a store, packed as golden data has them. */
export function storeFiles(folder: string): GoldenStore['files'] {
  return filesBelow(folder).map((path) => fileOf(folder, path));
}

function filesBelow(folder: string, prefix = ''): string[] {
  return readdirSync(join(folder, prefix), { withFileTypes: true })
    .flatMap((entry) => {
      const path = prefix === '' ? entry.name : `${prefix}/${entry.name}`;
      return entry.isDirectory() ? filesBelow(folder, path) : [path];
    })
    .toSorted();
}

function fileOf(folder: string, path: string): GoldenStore['files'][number] {
  const bytes = readFileSync(join(folder, path));
  let end = bytes.length;
  while (end > 0 && bytes[end - 1] === 0) end--;
  const written = gzipSync(bytes.subarray(0, end), { level: 9 }).toString('base64');
  return { path, size: bytes.length, written };
}
