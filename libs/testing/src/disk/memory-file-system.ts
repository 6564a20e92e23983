import { dirname } from 'node:path';
import { FileLockedError } from '@nestjs-rocketmq/foundation';
import type { FileHandle, FileLock, FileSystem, OpenMode } from '@nestjs-rocketmq/foundation';
import type { Activity } from '../time/activity.js';

const pieceBytes = 4096;
const diskBytes = 2 ** 40;

/** A file; pieces that nobody wrote are zeros and take no room. */
class MemoryFile {
  size = 0;
  private readonly pieces = new Map<number, Uint8Array>();

  read(into: Uint8Array, at: number, length: number, position: number): number {
    const count = Math.max(0, Math.min(length, this.size - position));
    for (let done = 0; done < count;) {
      const { piece, offset, part } = placeOf(position + done, count - done);
      const bytes = this.pieces.get(piece);
      if (bytes === undefined) into.fill(0, at + done, at + done + part);
      else into.set(bytes.subarray(offset, offset + part), at + done);
      done += part;
    }
    return count;
  }

  write(from: Uint8Array, at: number, length: number, position: number): void {
    for (let done = 0; done < length;) {
      const { piece, offset, part } = placeOf(position + done, length - done);
      let bytes = this.pieces.get(piece);
      if (bytes === undefined) this.pieces.set(piece, (bytes = new Uint8Array(pieceBytes)));
      bytes.set(from.subarray(at + done, at + done + part), offset);
      done += part;
    }
    this.size = Math.max(this.size, position + length);
  }

  truncate(size: number): void {
    const last = Math.floor(size / pieceBytes);
    for (const piece of this.pieces.keys()) if (piece > last) this.pieces.delete(piece);
    if (size < this.size) this.pieces.get(last)?.fill(0, size % pieceBytes);
    this.size = size;
  }
}

function placeOf(position: number, length: number) {
  const piece = Math.floor(position / pieceBytes);
  const offset = position - piece * pieceBytes;
  return { piece, offset, part: Math.min(length, pieceBytes - offset) };
}

/** A disk in memory for the broker of a test: nothing is left of it, and nobody shares it. */
export class MemoryFileSystem implements FileSystem {
  private readonly files = new Map<string, MemoryFile>();
  private readonly folders = new Set<string>();
  private readonly locks = new Set<string>();

  constructor(private readonly activity: Activity) {}

  open(path: string, mode: OpenMode): FileHandle {
    let file = this.files.get(path);
    if (file === undefined) {
      if (mode !== 'create') throw absent('open', path);
      file = new MemoryFile();
      this.files.set(path, file);
    }
    return new MemoryHandle(path, file, this.activity);
  }

  exists(path: string): boolean {
    return this.files.has(path) || this.folders.has(path);
  }

  isDirectory(path: string): boolean {
    return this.folders.has(path);
  }

  size(path: string): number {
    return this.file('stat', path).size;
  }

  list(directory: string): string[] {
    const all = [...this.files.keys(), ...this.folders];
    const inside = all.filter((path) => path !== directory && dirname(path) === directory);
    return inside.map((path) => path.slice(directory.length + 1)).toSorted();
  }

  makeDirectory(directory: string): void {
    for (let at = directory; !this.folders.has(at) && dirname(at) !== at; at = dirname(at)) {
      this.folders.add(at);
    }
  }

  rename(from: string, to: string): void {
    const file = this.file('rename', from);
    this.files.delete(from);
    this.files.set(to, file);
    this.activity.happened();
  }

  remove(path: string): void {
    const isIn = (one: string): boolean => one === path || one.startsWith(`${path}/`);
    for (const one of this.files.keys()) if (isIn(one)) this.files.delete(one);
    for (const one of this.folders) if (isIn(one)) this.folders.delete(one);
  }

  readText(path: string): string | undefined {
    const file = this.files.get(path);
    if (file === undefined) return undefined;
    const bytes = new Uint8Array(file.size);
    file.read(bytes, 0, bytes.length, 0);
    return new TextDecoder().decode(bytes);
  }

  writeText(path: string, text: string): void {
    const bytes = new TextEncoder().encode(text);
    const file = new MemoryFile();
    file.write(bytes, 0, bytes.length, 0);
    this.files.set(path, file);
    this.activity.happened();
  }

  syncDirectory(): void {
    this.activity.happened();
  }

  syncDirectoryAside(): Promise<void> {
    this.activity.happened();
    return Promise.resolve();
  }

  diskUse(): { readonly total: number; readonly free: number } {
    return { total: diskBytes, free: diskBytes };
  }

  lock(path: string): FileLock {
    if (this.locks.has(path)) {
      throw new FileLockedError(`${path} is held by another broker of this kit.`, {
        details: { path },
      });
    }
    this.locks.add(path);
    return { close: () => void this.locks.delete(path) };
  }

  private file(call: string, path: string): MemoryFile {
    const file = this.files.get(path);
    if (file === undefined) throw absent(call, path);
    return file;
  }
}

class MemoryHandle implements FileHandle {
  constructor(
    readonly path: string,
    private readonly file: MemoryFile,
    private readonly activity: Activity,
  ) {}

  size(): number {
    return this.file.size;
  }

  readAt(into: Uint8Array, at: number, length: number, position: number): number {
    return this.file.read(into, at, length, position);
  }

  writeAt(from: Uint8Array, at: number, length: number, position: number): void {
    this.activity.happened();
    this.file.write(from, at, length, position);
  }

  truncate(size: number): void {
    this.file.truncate(size);
  }

  setModified(): void {
    // Nobody looks at the dates of this disk.
  }

  sync(): Promise<void> {
    this.activity.happened();
    return Promise.resolve();
  }

  syncNow(): void {
    this.activity.happened();
  }

  close(): void {
    // Nothing is held.
  }
}

function absent(call: string, path: string): Error {
  return Object.assign(new Error(`ENOENT: no such file, ${call} '${path}'`), { code: 'ENOENT' });
}
