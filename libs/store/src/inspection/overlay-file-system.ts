import { dirname } from 'node:path';
import type { FileHandle, FileLock, FileSystem, OpenMode } from '@nestjs-rocketmq/foundation';

const pageBytes = 4096;

/** What was changed of one file: pages by number, and its size. */
class ChangedFile {
  readonly pages = new Map<number, Uint8Array>();
  /** Bytes of the file below that are still what they were. */
  intact: number;

  constructor(public size: number) {
    this.intact = size;
  }
}

/**
 * A file system in which everything can be done and nothing is changed: reads go to the real one,
 * what is written stays in memory.
 */
export class OverlayFileSystem implements FileSystem {
  private readonly changed = new Map<string, ChangedFile>();
  private readonly removed = new Set<string>();
  private readonly folders = new Set<string>();

  constructor(private readonly below: FileSystem) {}

  open(path: string, mode: OpenMode): FileHandle {
    if (mode === 'create' && !this.exists(path)) this.changed.set(path, new ChangedFile(0));
    const isBelow = !this.isRemoved(path) && this.below.exists(path);
    return new OverlayHandle(this, path, isBelow ? this.below.open(path, 'read') : undefined);
  }

  exists(path: string): boolean {
    if (this.changed.has(path) || this.folders.has(path)) return true;
    return !this.isRemoved(path) && this.below.exists(path);
  }

  isDirectory(path: string): boolean {
    return this.folders.has(path) || (!this.isRemoved(path) && this.below.isDirectory(path));
  }

  size(path: string): number {
    return this.changed.get(path)?.size ?? this.below.size(path);
  }

  list(directory: string): string[] {
    const names = new Set<string>();
    for (const name of this.below.list(directory)) {
      if (!this.isRemoved(`${directory}/${name}`)) names.add(name);
    }
    for (const path of [...this.changed.keys(), ...this.folders]) {
      if (dirname(path) === directory) names.add(path.slice(directory.length + 1));
    }
    return [...names].toSorted();
  }

  makeDirectory(directory: string): void {
    for (let at = directory; !this.isDirectory(at) && dirname(at) !== at; at = dirname(at)) {
      this.folders.add(at);
    }
  }

  rename(from: string, to: string): void {
    const text = this.readText(from) ?? '';
    this.remove(from);
    this.writeText(to, text);
  }

  remove(path: string): void {
    this.removed.add(path);
    for (const one of [...this.changed.keys(), ...this.folders]) {
      if (one !== path && !one.startsWith(`${path}/`)) continue;
      this.changed.delete(one);
      this.folders.delete(one);
    }
  }

  readText(path: string): string | undefined {
    if (!this.changed.has(path))
      return this.isRemoved(path) ? undefined : this.below.readText(path);
    const handle = this.open(path, 'read');
    const bytes = new Uint8Array(handle.size());
    handle.readAt(bytes, 0, bytes.length, 0);
    return new TextDecoder().decode(bytes);
  }

  writeText(path: string, text: string): void {
    const bytes = new TextEncoder().encode(text);
    const handle = this.open(path, 'create');
    handle.truncate(0);
    handle.writeAt(bytes, 0, bytes.length, 0);
  }

  syncDirectory(): void {
    // Nothing reaches a disk.
  }

  async syncDirectoryAside(): Promise<void> {
    // Nothing reaches a disk.
  }

  diskUse(path: string): { readonly total: number; readonly free: number } {
    return this.below.diskUse(path);
  }

  lock(): FileLock {
    return { close: () => undefined };
  }

  /** For handles: the changes of a file, begun when there are none. */
  changesOf(path: string): ChangedFile {
    const known = this.changed.get(path);
    if (known !== undefined) return known;
    const changes = new ChangedFile(this.below.size(path));
    this.changed.set(path, changes);
    return changes;
  }

  knownChanges(path: string): ChangedFile | undefined {
    return this.changed.get(path);
  }

  private isRemoved(path: string): boolean {
    for (let at = path; dirname(at) !== at; at = dirname(at)) if (this.removed.has(at)) return true;
    return false;
  }
}

class OverlayHandle implements FileHandle {
  constructor(
    private readonly disk: OverlayFileSystem,
    readonly path: string,
    private readonly below: FileHandle | undefined,
  ) {}

  size(): number {
    return this.disk.knownChanges(this.path)?.size ?? this.below?.size() ?? 0;
  }

  readAt(into: Uint8Array, at: number, length: number, position: number): number {
    const changes = this.disk.knownChanges(this.path);
    if (changes === undefined) return this.below?.readAt(into, at, length, position) ?? 0;
    const count = Math.max(0, Math.min(length, changes.size - position));
    into.fill(0, at, at + count);
    const intact = Math.min(count, changes.intact - position);
    if (intact > 0) this.below?.readAt(into, at, intact, position);
    const first = Math.floor(position / pageBytes);
    for (let page = first; page * pageBytes < position + count; page += 1) {
      const bytes = changes.pages.get(page);
      if (bytes === undefined) continue;
      const from = Math.max(position, page * pageBytes);
      const to = Math.min(position + count, (page + 1) * pageBytes);
      const part = bytes.subarray(from - page * pageBytes, to - page * pageBytes);
      into.set(part, at + from - position);
    }
    return count;
  }

  writeAt(from: Uint8Array, at: number, length: number, position: number): void {
    const changes = this.disk.changesOf(this.path);
    for (let done = 0; done < length;) {
      const page = Math.floor((position + done) / pageBytes);
      const offset = position + done - page * pageBytes;
      const part = Math.min(length - done, pageBytes - offset);
      let bytes = changes.pages.get(page);
      if (bytes === undefined) {
        bytes = new Uint8Array(pageBytes);
        this.readAt(bytes, 0, pageBytes, page * pageBytes);
        changes.pages.set(page, bytes);
      }
      bytes.set(from.subarray(at + done, at + done + part), offset);
      done += part;
    }
    changes.size = Math.max(changes.size, position + length);
  }

  truncate(size: number): void {
    const changes = this.disk.changesOf(this.path);
    for (const [page, bytes] of changes.pages) {
      if (page * pageBytes >= size) changes.pages.delete(page);
      else if ((page + 1) * pageBytes > size) bytes.fill(0, size - page * pageBytes);
    }
    changes.intact = Math.min(changes.intact, size);
    changes.size = size;
  }

  setModified(): void {
    // Nobody asks.
  }

  async sync(): Promise<void> {
    // Nothing reaches a disk.
  }

  syncNow(): void {
    // Nothing reaches a disk.
  }

  close(): void {
    this.below?.close();
  }
}
