import { randomUUID } from 'node:crypto';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { nodeFileSystem as disk } from '@nestjs-rocketmq/embedded';
import { PGlite } from '@electric-sql/pglite';

const home = join(import.meta.dirname, '..', '..');
const manifest = createRequire(import.meta.url)(join(home, 'package.json')) as {
  dependencies: Record<string, string>;
};
const version = manifest.dependencies['@electric-sql/pglite'];
/** PGlite works five seconds to make an empty database; so it is made once, and copied. */
const template = join(home, '..', '.cache', `empty-pglite-${version}`);

/** Puts a database without tables into a folder that is not there yet. */
export async function putEmptyDatabase(folder: string): Promise<void> {
  if (!disk.exists(template)) await makeTemplate();
  copy(template, folder);
}

/** A database without tables; `close` of it and then `remove` leave nothing behind. */
export async function openEmptyDatabase(): Promise<{ database: PGlite; remove: () => void }> {
  const folder = join(tmpdir(), `pglite-${randomUUID()}`);
  await putEmptyDatabase(folder);
  return { database: await PGlite.create(folder), remove: () => disk.remove(folder) };
}

/** Several processes may do so at the same time: whoever is first has made it. */
async function makeTemplate(): Promise<void> {
  const made = `${template}-${randomUUID()}`;
  disk.makeDirectory(made);
  const database = await PGlite.create(made);
  await database.close();
  try {
    disk.rename(made, template);
  } catch (error) {
    disk.remove(made);
    if (!disk.exists(template)) throw error;
  }
}

function copy(from: string, to: string): void {
  if (disk.isDirectory(from)) {
    disk.makeDirectory(to);
    for (const name of disk.list(from)) copy(join(from, name), join(to, name));
    return;
  }
  const source = disk.open(from, 'read');
  const target = disk.open(to, 'create');
  const bytes = new Uint8Array(source.size());
  target.writeAt(bytes, 0, source.readAt(bytes, 0, bytes.length, 0), 0);
  source.close();
  target.close();
}
