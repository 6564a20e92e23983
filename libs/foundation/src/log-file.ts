import * as path from 'node:path';
import type { FileHandle, FileSystem } from './file-system.js';
import type { Resource } from './lifecycle.js';

export interface LogFileOptions {
  readonly fileSystem: FileSystem;
  /** The file that grows; its older pieces are `<path>.1` (the youngest) and so on. */
  readonly path: string;
  /** A piece with so many bytes is finished. */
  readonly bytes: number;
  /** Pieces kept beside the file that grows. */
  readonly pieces: number;
}

const encoder = new TextEncoder();

/**
 * Lines in a file that begins anew when it is long enough. Opened with the first line. A disk that
 * does not take lines loses them: what the log is about goes on.
 */
export class LogFile implements Resource {
  private handle: FileHandle | undefined;
  private size = 0;
  private isClosed = false;

  constructor(private readonly options: LogFileOptions) {}

  write(line: string): void {
    if (this.isClosed) return;
    const bytes = encoder.encode(`${line}\n`);
    try {
      const handle = this.open();
      handle.writeAt(bytes, 0, bytes.length, this.size);
      this.size += bytes.length;
      if (this.size >= this.options.bytes) this.rotate();
    } catch {
      this.letGo();
    }
  }

  close(): void {
    this.isClosed = true;
    this.letGo();
  }

  private open(): FileHandle {
    if (this.handle !== undefined) return this.handle;
    const { fileSystem, path: file } = this.options;
    fileSystem.makeDirectory(path.dirname(file));
    this.handle = fileSystem.open(file, 'create');
    this.size = this.handle.size();
    return this.handle;
  }

  private rotate(): void {
    const { fileSystem, path: file, pieces } = this.options;
    this.letGo();
    if (pieces === 0) return fileSystem.remove(file);
    fileSystem.remove(`${file}.${pieces}`);
    for (let piece = pieces - 1; piece > 0; piece -= 1) {
      if (fileSystem.exists(`${file}.${piece}`)) {
        fileSystem.rename(`${file}.${piece}`, `${file}.${piece + 1}`);
      }
    }
    fileSystem.rename(file, `${file}.1`);
  }

  private letGo(): void {
    const { handle } = this;
    this.handle = undefined;
    this.size = 0;
    try {
      handle?.close();
    } catch {
      // Nobody could be told.
    }
  }
}
