// What recovery cannot be faster than: reads a log in large pieces and checks the CRC of each body.
// Usage: node scan.mjs FOLDER; prints `records bytes`.
import { openSync, readdirSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';

const folder = process.argv[2];
const piece = new Uint8Array(4 * 1024 * 1024);
const data = new DataView(piece.buffer);
let records = 0;
let bytes = 0;

/** Checks whole records in front of `end`; gives back where the first unfinished one begins. */
function check(end) {
  let at = 0;
  while (at + 88 < end) {
    const size = data.getInt32(at);
    if (size === 0) return -1;
    if (at + size > end) break;
    const bodyAt = at + 88;
    const body = new Uint8Array(piece.buffer, bodyAt, data.getInt32(at + 84));
    // Apache keeps 31 bits of the checksum.
    if ((crc32(body) & 0x7fffffff) !== (data.getInt32(at + 8) & 0x7fffffff)) {
      throw new Error(`record at ${bytes + at}: wrong checksum`);
    }
    records += 1;
    at += size;
  }
  return at;
}

for (const name of readdirSync(folder).toSorted()) {
  const file = openSync(join(folder, name), 'r');
  let from = 0;
  for (;;) {
    const size = readSync(file, piece, 0, piece.length, from);
    const done = check(size);
    if (done <= 0) break;
    from += done;
    bytes += done;
  }
}
console.log(records, bytes);
