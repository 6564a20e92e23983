import { join } from 'node:path';
import { PGlite } from '@electric-sql/pglite';

/** What opening needs of a disk; `nodeFileSystem` has it. */
export interface LockableDisk {
  makeDirectory(directory: string): void;
  /** Throws, naming the holder, while another living process holds the file. */
  lock(path: string): { close(): void };
}

export interface OpenedDatabase {
  readonly database: PGlite;
  /** Lets another process have the folder; to be called when the database is closed. */
  readonly unlock: () => void;
}

/**
 * Opens PGlite in a folder. PGlite itself does not notice a second process, and both would lose
 * rows; so a lock file of ours is taken first.
 *
 * @throws FileLockedError while another process has the folder.
 */
export async function openPglite(disk: LockableDisk, folder: string): Promise<OpenedDatabase> {
  disk.makeDirectory(folder);
  const lock = disk.lock(join(folder, '..', 'database.lock'));
  try {
    const database = await PGlite.create(folder);
    return { database, unlock: () => lock.close() };
  } catch (error) {
    lock.close();
    throw error;
  }
}
