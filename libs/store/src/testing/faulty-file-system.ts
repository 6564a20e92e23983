import { dirname } from 'node:path';
import {
  type FileHandle,
  FileLockedError,
  type FileLock,
  type FileSystem,
  type OpenMode,
} from '@nestjs-rocketmq/foundation';
import { SeededRandom } from '@nestjs-rocketmq/foundation/testing';
import { type Fault, type FaultyCall, FaultyCalls, systemError } from './faulty-calls.js';
import { FaultyFile, pageBytes, type SyncSnapshot } from './faulty-file.js';
import { apply, type FolderChange, type NameChange } from './name-change.js';

/**
 * A disk in memory that breaks as disks do, driven by a seed.
 *
 * What may break:
 * - `kill` ends the process: its open files are gone, its locks too, but everything written stays,
 *   for the system holds it.
 * - `crash` is a power failure: what was synced stays. Of every other page the old content is left,
 *   or the new, or a mix of sectors of 512 bytes, each page for itself, so a later write may be
 *   there and an earlier not. A size that was not synced may be the old one, or a smaller one that
 *   the file was cut to in between. A file that was made,
 *   renamed or removed may not be so, unless it (when made) or its folder was synced; changes in
 *   one folder are lost from the last back.
 * - `fail` lets calls throw. A write that fails has written a part, chosen by the seed. `hit` may end
 *   the process in the middle of the call.
 * - After a sync has failed, what it was to make durable counts as clean and is not durable, also
 *   when a later sync goes well; that is how Linux behaves.
 * - `capacity` fills the disk: a write takes what there is room for, then throws ENOSPC.
 * - `holdSyncs` lets syncs wait; writes go on below them and do not belong to them.
 *
 * What does not break: what was synced once; folders; a sector; bytes that nobody wrote. Files that
 * nobody wrote to are not damaged, so checksums are tested by damaging bytes with `damage`.
 */
export class FaultyFileSystem implements FileSystem {
  random: SeededRandom;
  /** Bytes on the disk, in whole pages of written files; holes are free. */
  capacity = Number.MAX_SAFE_INTEGER;
  /** Files whose paths contain this may be torn at a byte: what is behind it was never written. */
  tearsBytesIn: string | undefined;
  private names = new Map<string, FaultyFile>();
  private durableNames = new Map<string, FaultyFile>();
  private folders = new Set<string>();
  private changes: FolderChange[] = [];
  private readonly locks = new Set<string>();
  readonly calls = new FaultyCalls();
  private heldSyncs: (() => void)[] | undefined;
  private readonly syncs = new Map<SyncSnapshot, FaultyFile>();
  /** Handles of an earlier life do not work any more. */
  private life = 0;

  /** `later` runs its argument in a later turn of the event loop; default `setImmediate`. */
  constructor(
    seed: number,
    private readonly later: (task: () => void) => unknown = setImmediate,
  ) {
    this.random = new SeededRandom(seed);
  }

  /** What breaks from here on depends on this seed alone. */
  reseed(seed: number): void {
    this.random = new SeededRandom(seed);
  }

  /** The process dies; what it wrote stays. */
  kill(): void {
    this.life += 1;
    this.locks.clear();
    this.calls.clear();
    this.heldSyncs = undefined;
    // What a dead process was syncing is still to be written.
    for (const [snapshot, file] of this.syncs) file.abandonSync(snapshot);
    this.syncs.clear();
  }

  /** The power fails. */
  crash(): void {
    this.kill();
    const names = new Map(this.durableNames);
    const lostIn = new Set<string>();
    for (const { folder, change } of this.changes) {
      if (lostIn.has(folder)) continue;
      if (this.random.chance(0.3)) {
        lostIn.add(folder);
        this.calls.count('name lost');
      } else apply(names, change);
    }
    this.changes = [];
    this.names = names;
    this.durableNames = new Map(names);
    const count = (what: string): void => this.calls.count(what);
    const part = this.tearsBytesIn;
    const paths = new Map(Array.from(names, ([path, file]) => [file, path]));
    for (const [file, path] of paths) {
      file.crash(this.random, part !== undefined && path.includes(part), count);
    }
  }

  fail(fault: Fault): void {
    this.calls.arm(fault);
  }

  /** Forgets the faults that did not happen yet. */
  heal(): void {
    this.calls.clear();
  }

  /** From now on syncs wait until `releaseSyncs`. */
  holdSyncs(): void {
    this.heldSyncs ??= [];
  }

  /** Ends the syncs that wait, and holds no more. */
  releaseSyncs(): void {
    const held = this.heldSyncs ?? [];
    this.heldSyncs = undefined;
    for (const end of held) end();
  }

  get waitingSyncs(): number {
    return this.heldSyncs?.length ?? 0;
  }

  /** Flips bits of one byte, durably. */
  damage(path: string, position: number, bits = 0xff): void {
    const file = this.file(path);
    const byte = new Uint8Array(1);
    file.read(byte, 0, 1, position);
    byte[0] = (byte[0] as number) ^ bits;
    file.write(byte, 0, 1, position, () => true);
    file.endSync(file.beginSync());
  }

  /** What was said about the last change of a file; undefined when it was written since. */
  modified(path: string): number | undefined {
    return this.file(path).modified;
  }

  open(path: string, mode: OpenMode): FileHandle {
    this.check('open', path);
    let file = this.names.get(path);
    if (file === undefined) {
      if (mode !== 'create') throw systemError('ENOENT', `no such file, open '${path}'`);
      file = new FaultyFile();
      this.change(dirname(path), new Map([[path, file]]));
    }
    return new FaultyHandle(this, path, file, this.life);
  }

  exists(path: string): boolean {
    return this.names.has(path) || this.folders.has(path);
  }

  isDirectory(path: string): boolean {
    return this.folders.has(path);
  }

  size(path: string): number {
    return this.file(path).size;
  }

  list(directory: string): string[] {
    const found = [...this.names.keys(), ...this.folders].filter(
      (path) => path !== directory && dirname(path) === directory,
    );
    return found.map((path) => path.slice(directory.length + 1)).sort();
  }

  makeDirectory(directory: string): void {
    for (let at = directory; !this.folders.has(at) && dirname(at) !== at; at = dirname(at)) {
      this.folders.add(at);
    }
  }

  rename(from: string, to: string): void {
    this.check('rename', to);
    const file = this.file(from);
    const change: NameChange = new Map([
      [from, undefined],
      [to, file],
    ]);
    this.change(dirname(to), change);
  }

  remove(path: string): void {
    this.check('remove', path);
    for (const name of this.namesNow()) {
      if (name !== path && !name.startsWith(`${path}/`)) continue;
      this.change(dirname(name), new Map([[name, undefined]]));
    }
    for (const folder of this.folders) {
      if (folder === path || folder.startsWith(`${path}/`)) this.folders.delete(folder);
    }
  }

  readText(path: string): string | undefined {
    const file = this.names.get(path);
    if (file === undefined) return undefined;
    const bytes = new Uint8Array(file.size);
    file.read(bytes, 0, bytes.length, 0);
    return new TextDecoder().decode(bytes);
  }

  writeText(path: string, text: string): void {
    const handle = this.open(path, 'create');
    const bytes = new TextEncoder().encode(text);
    handle.truncate(0);
    handle.writeAt(bytes, 0, bytes.length, 0);
    handle.syncNow();
    handle.close();
  }

  syncDirectory(directory: string): void {
    this.check('sync', directory);
    this.commit(({ folder }) => folder === directory);
  }

  syncDirectoryAside(directory: string): Promise<void> {
    const { life } = this;
    return new Promise((resolve, reject) => {
      this.later(() => {
        if (!this.isAlive(life)) return;
        try {
          this.syncDirectory(directory);
          resolve();
        } catch (error) {
          if (this.isAlive(life)) reject(error as Error);
        }
      });
    });
  }

  diskUse(): { total: number; free: number } {
    return { total: this.capacity, free: this.capacity - this.used() };
  }

  lock(path: string): FileLock {
    if (this.locks.has(path)) {
      throw new FileLockedError(`${path} is held by another store.`, { details: { path } });
    }
    this.locks.add(path);
    const { life } = this;
    return { close: () => void (life === this.life && this.locks.delete(path)) };
  }

  /** For handles: throws when the call is to fail, or the handle is of an earlier life. */
  check(call: FaultyCall, path: string, life = this.life): void {
    const fault = this.armed(call, path, life);
    if (fault !== undefined) throw this.calls.happen(fault, path);
  }

  /** The fault that this call meets; throws when the handle is of an earlier life. */
  armed(call: FaultyCall, path: string, life: number): Fault | undefined {
    if (life !== this.life) throw systemError('EBADF', `${call} '${path}' after a crash`);
    return this.calls.next(call, path);
  }

  hasRoom(): boolean {
    const { capacity } = this;
    return capacity === Number.MAX_SAFE_INTEGER || this.used() + pageBytes <= capacity;
  }

  /** The file's own name is durable with its content, and what changed in its folder before. */
  nameIsDurable(path: string, file: FaultyFile): void {
    const made = this.changes.findLast(({ change }) => change.get(path) === file);
    if (made === undefined || this.names.get(path) !== file) return;
    const last = this.changes.indexOf(made);
    this.commit(({ folder }, index) => folder === made.folder && index <= last);
  }

  /** A sync of the file that ends soon, or when held syncs are released. */
  sync(path: string, file: FaultyFile, life: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const snapshot = file.beginSync();
      this.syncs.set(snapshot, file);
      const end = (): void => {
        // A dead process does not learn how its sync ended.
        if (!this.syncs.delete(snapshot)) return;
        if (!this.isAlive(life)) {
          file.abandonSync(snapshot);
          return reject(systemError('EBADF', `sync '${path}' after a crash`));
        }
        const fault = this.armed('sync', path, life);
        if (fault !== undefined) {
          const error = this.calls.happen(fault, path);
          if (this.isAlive(life)) return reject(error);
          return file.abandonSync(snapshot);
        }
        file.endSync(snapshot);
        this.nameIsDurable(path, file);
        resolve();
      };
      if (this.heldSyncs === undefined) this.later(end);
      else this.heldSyncs.push(end);
    });
  }

  isAlive(life: number): boolean {
    return life === this.life;
  }

  private change(folder: string, change: NameChange): void {
    apply(this.names, change);
    this.changes.push({ folder, change });
  }

  private commit(which: (change: FolderChange, index: number) => boolean): void {
    this.changes = this.changes.filter((one, index) => {
      if (!which(one, index)) return true;
      apply(this.durableNames, one.change);
      return false;
    });
  }

  private namesNow(): string[] {
    return Array.from(this.names.keys());
  }

  private used(): number {
    let pages = 0;
    for (const file of this.names.values()) pages += file.pageCount;
    return pages * pageBytes;
  }

  private file(path: string): FaultyFile {
    const file = this.names.get(path);
    if (file === undefined) throw systemError('ENOENT', `no such file '${path}'`);
    return file;
  }
}

class FaultyHandle implements FileHandle {
  constructor(
    private readonly disk: FaultyFileSystem,
    readonly path: string,
    private readonly file: FaultyFile,
    private readonly life: number,
  ) {}

  size(): number {
    return this.file.size;
  }

  readAt(into: Uint8Array, at: number, length: number, position: number): number {
    this.disk.check('read', this.path, this.life);
    return this.file.read(into, at, length, position);
  }

  writeAt(from: Uint8Array, at: number, length: number, position: number): void {
    const room = (): boolean => this.disk.hasRoom();
    const fault = this.disk.armed('write', this.path, this.life);
    if (fault !== undefined) {
      this.file.write(from, at, this.disk.random.below(length), position, room);
      throw this.disk.calls.happen(fault, this.path);
    }
    const done = this.file.write(from, at, length, position, room);
    if (done === length) return;
    this.disk.calls.count('disk full');
    throw systemError('ENOSPC', `no space left on device, write '${this.path}'`);
  }

  truncate(size: number): void {
    this.disk.check('truncate', this.path, this.life);
    this.file.truncate(size);
  }

  setModified(time: number): void {
    this.disk.check('date', this.path, this.life);
    this.file.modified = time;
  }

  sync(): Promise<void> {
    return this.disk.sync(this.path, this.file, this.life);
  }

  syncNow(): void {
    const snapshot = this.file.beginSync();
    try {
      this.disk.check('sync', this.path, this.life);
    } catch (error) {
      // What a dead process was syncing is still to be written.
      if (!this.disk.isAlive(this.life)) this.file.abandonSync(snapshot);
      throw error;
    }
    this.file.endSync(snapshot);
    this.disk.nameIsDurable(this.path, this.file);
  }

  close(): void {
    // Nothing is held.
  }
}
