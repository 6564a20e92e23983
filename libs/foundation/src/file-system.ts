import * as fs from 'node:fs';
import * as path from 'node:path';
import { FileLockedError } from './foundation.errors.js';
import type { Resource } from './lifecycle.js';

/** An open file. Positions and lengths are bytes. Errors are Node's own (`code` ENOSPC, EIO ...). */
export interface FileHandle extends Resource {
  readonly path: string;
  size(): number;
  /** Reads up to `length` bytes into `into` at `at`; answers how many there were. */
  readAt(into: Uint8Array, at: number, length: number, position: number): number;
  /** Writes all `length` bytes or throws. */
  writeAt(from: Uint8Array, at: number, length: number, position: number): void;
  /** Sets the size; growing leaves a hole of zeros. */
  truncate(size: number): void;
  /** Says when the file was changed last, in milliseconds; the next write says otherwise again. */
  setModified(time: number): void;
  /** Resolves when everything written before is durable (fdatasync). */
  sync(): Promise<void>;
  /** The same, blocking; for opening and closing only. */
  syncNow(): void;
  close(): void;
}

/** A held lock file; `close` lets go and removes nothing. */
export interface FileLock extends Resource {
  close(): void;
}

export type OpenMode =
  /** Reading only; the file must exist. */
  | 'read'
  /** Reading and writing; the file must exist. */
  | 'write'
  /** Reading and writing; made when absent. */
  | 'create';

/** The port to the disk. The only implementation that touches a real one is `nodeFileSystem`. */
export interface FileSystem {
  open(path: string, mode: OpenMode): FileHandle;
  exists(path: string): boolean;
  isDirectory(path: string): boolean;
  size(path: string): number;
  /** Names in a folder, sorted; empty when there is no such folder. */
  list(directory: string): string[];
  /** Makes a folder and those above it. */
  makeDirectory(directory: string): void;
  rename(from: string, to: string): void;
  /** Removes a file or folder with all that is in it; nothing when absent. */
  remove(path: string): void;
  /** The text of a file, or undefined when absent. */
  readText(path: string): string | undefined;
  /** Writes a whole file and makes it durable. */
  writeText(path: string, text: string): void;
  /** Makes renames and new files of a folder durable. */
  syncDirectory(directory: string): void;
  /** The same on the pool. */
  syncDirectoryAside(directory: string): Promise<void>;
  /** Bytes of the disk that holds `path`. */
  diskUse(path: string): { readonly total: number; readonly free: number };
  /**
   * Takes a lock file: refused with `FileLockedError` while a living process holds it. The file
   * names process id and start time, so that a number used again by another process is not taken
   * for the holder.
   */
  lock(path: string): FileLock;
}

class NodeFileHandle implements FileHandle {
  constructor(
    readonly path: string,
    private readonly fd: number,
  ) {}

  size(): number {
    return fs.fstatSync(this.fd).size;
  }

  readAt(into: Uint8Array, at: number, length: number, position: number): number {
    return fs.readSync(this.fd, into, at, length, position);
  }

  writeAt(from: Uint8Array, at: number, length: number, position: number): void {
    let done = 0;
    while (done < length) {
      done += fs.writeSync(this.fd, from, at + done, length - done, position + done);
    }
  }

  truncate(size: number): void {
    fs.ftruncateSync(this.fd, size);
  }

  setModified(time: number): void {
    // Half a millisecond more: fractions of seconds are cut, not rounded, on their way.
    const seconds = (time + 0.5) / 1000;
    fs.futimesSync(this.fd, seconds, seconds);
  }

  sync(): Promise<void> {
    return new Promise((resolve, reject) => {
      fs.fdatasync(this.fd, (error) => (error === null ? resolve() : reject(error)));
    });
  }

  syncNow(): void {
    fs.fdatasyncSync(this.fd);
  }

  close(): void {
    fs.closeSync(this.fd);
  }
}

/** Start time of a process in clock ticks since boot, where the system tells (Linux). */
function startTimeOf(pid: number): string | undefined {
  try {
    const stat = fs.readFileSync(`/proc/${pid}/stat`, 'latin1');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
  } catch {
    return undefined;
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** A process that locked the file by the system's own means, as Java does (Linux only). */
function systemLockHolder(file: string): number | undefined {
  let table: string;
  try {
    table = fs.readFileSync('/proc/locks', 'latin1');
  } catch {
    return undefined;
  }
  const inode = fs.statSync(file).ino;
  for (const line of table.split('\n')) {
    const parts = line.trim().split(/\s+/);
    const [, , , , pid, place] = parts;
    if (place?.split(':')[2] === String(inode)) return Number(pid);
  }
  return undefined;
}

const locksHeldHere = new Set<string>();

function lockFile(file: string): FileLock {
  const fd = fs.openSync(file, fs.constants.O_RDWR | fs.constants.O_CREAT, 0o644);
  try {
    const key = fs.realpathSync(file);
    const refuse = (holder: string): never => {
      throw new FileLockedError(`${file} is held by ${holder}; stop it or use another folder.`, {
        details: { path: file, holder },
      });
    };
    if (locksHeldHere.has(key)) refuse('this process');
    const [pidText, started] = fs.readFileSync(fd, 'latin1').trim().split(/\s+/);
    const pid = Number(pidText);
    if (Number.isInteger(pid) && pid > 0 && pid !== process.pid && isAlive(pid)) {
      const actual = startTimeOf(pid);
      if (actual === undefined || started === undefined || actual === started) {
        refuse(`process ${pid}`);
      }
    }
    const other = systemLockHolder(file);
    if (other !== undefined && other !== process.pid) refuse(`process ${other}`);
    fs.ftruncateSync(fd, 0);
    fs.writeSync(fd, `${process.pid} ${startTimeOf(process.pid) ?? '-'}\n`, 0);
    locksHeldHere.add(key);
    let held = true;
    return {
      close: () => {
        if (!held) return;
        held = false;
        locksHeldHere.delete(key);
        fs.ftruncateSync(fd, 0);
        fs.closeSync(fd);
      },
    };
  } catch (error) {
    fs.closeSync(fd);
    throw error;
  }
}

function isAbsent(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return code === 'ENOENT' || code === 'ENOTDIR';
}

const flags: Readonly<Record<OpenMode, number>> = {
  read: fs.constants.O_RDONLY,
  write: fs.constants.O_RDWR,
  create: fs.constants.O_RDWR | fs.constants.O_CREAT,
};

function withDescriptor(file: string, mode: string, work: (fd: number) => void): void {
  const fd = fs.openSync(file, mode);
  try {
    work(fd);
  } finally {
    fs.closeSync(fd);
  }
}

/** The disk of this computer. */
export const nodeFileSystem: FileSystem = {
  open: (file, mode) => new NodeFileHandle(file, fs.openSync(file, flags[mode], 0o644)),
  exists: (file) => fs.existsSync(file),
  isDirectory: (file) => fs.statSync(file, { throwIfNoEntry: false })?.isDirectory() ?? false,
  size: (file) => fs.statSync(file).size,
  list: (directory) => {
    try {
      return fs.readdirSync(directory).sort();
    } catch (error) {
      if (isAbsent(error)) return [];
      throw error;
    }
  },
  makeDirectory: (directory) => void fs.mkdirSync(directory, { recursive: true }),
  rename: (from, to) => fs.renameSync(from, to),
  remove: (file) => fs.rmSync(file, { recursive: true, force: true }),
  readText: (file) => {
    try {
      return fs.readFileSync(file, 'utf8');
    } catch (error) {
      if (isAbsent(error)) return undefined;
      throw error;
    }
  },
  writeText: (file, text) =>
    withDescriptor(file, 'w', (fd) => {
      fs.writeFileSync(fd, text);
      fs.fdatasyncSync(fd);
    }),
  syncDirectory: (directory) => withDescriptor(directory, 'r', (fd) => fs.fsyncSync(fd)),
  syncDirectoryAside: async (directory) => {
    const handle = await fs.promises.open(directory, 'r');
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  },
  diskUse: (file) => {
    let nearest = file;
    while (!fs.existsSync(nearest) && path.dirname(nearest) !== nearest) {
      nearest = path.dirname(nearest);
    }
    const stat = fs.statfsSync(nearest);
    // What is set aside for others counts as neither used nor free, as df and Java's broker count.
    const total = stat.blocks - stat.bfree + stat.bavail;
    return { total: total * stat.bsize, free: stat.bavail * stat.bsize };
  },
  lock: lockFile,
};
