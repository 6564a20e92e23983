import type { FileHandle, FileSystem, Resource } from '@nestjs-rocketmq/foundation';

interface Pooled {
  readonly handle: FileHandle;
  /** Syncs under way; a handle must not be closed below them. */
  busy: number;
  isDoomed: boolean;
}

/**
 * Keeps a bounded number of files open, so that ten thousand queues do not need ten thousand file
 * descriptors. The least recently used one is closed first; it is opened again when needed.
 */
export class HandlePool implements Resource {
  private readonly pooled = new Map<string, Pooled>();

  /** `limit`: how many files stay open; exceeded only while that many are being synced. */
  constructor(
    private readonly fileSystem: FileSystem,
    private readonly limit: number,
    private readonly mode: 'read' | 'write' = 'write',
  ) {}

  /** How many files are open. */
  get size(): number {
    return this.pooled.size;
  }

  /** The open file; do not keep it. Throws what opening throws. */
  get(path: string): FileHandle {
    return this.take(path).handle;
  }

  /** Makes a file of zeros with that size; what was there is gone. */
  create(path: string, size: number): FileHandle {
    this.drop(path);
    const handle = this.fileSystem.open(path, 'create');
    try {
      handle.truncate(0);
      handle.truncate(size);
    } catch (error) {
      handle.close();
      throw error;
    }
    this.add(path, handle);
    return handle;
  }

  /** Makes what was written to the file durable. */
  async sync(path: string): Promise<void> {
    const pooled = this.take(path);
    pooled.busy += 1;
    try {
      await pooled.handle.sync();
    } finally {
      pooled.busy -= 1;
      if (pooled.isDoomed && pooled.busy === 0) pooled.handle.close();
    }
  }

  /** Closes the file if it is open; for files that go away. */
  drop(path: string): void {
    const pooled = this.pooled.get(path);
    if (pooled === undefined) return;
    this.pooled.delete(path);
    if (pooled.busy === 0) pooled.handle.close();
    else pooled.isDoomed = true;
  }

  close(): void {
    for (const path of this.pooled.keys()) this.drop(path);
  }

  private take(path: string): Pooled {
    const pooled = this.pooled.get(path);
    if (pooled === undefined) return this.add(path, this.fileSystem.open(path, this.mode));
    if (this.pooled.size > this.limit >> 1) {
      // Order of insertion is order of use.
      this.pooled.delete(path);
      this.pooled.set(path, pooled);
    }
    return pooled;
  }

  private add(path: string, handle: FileHandle): Pooled {
    const pooled = { handle, busy: 0, isDoomed: false };
    this.pooled.set(path, pooled);
    if (this.pooled.size > this.limit) this.evict();
    return pooled;
  }

  private evict(): void {
    let last = this.pooled.size;
    for (const [path, pooled] of this.pooled) {
      last -= 1;
      // The newest is about to be used.
      if (last === 0) return;
      if (pooled.busy > 0) continue;
      this.drop(path);
      return;
    }
  }
}
