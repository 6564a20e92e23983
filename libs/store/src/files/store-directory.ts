import { join } from 'node:path';
import {
  type FileHandle,
  type FileLock,
  type FileSystem,
  viewOf,
} from '@nestjs-rocketmq/foundation';
import {
  type Checkpoint,
  checkpointBytes,
  checkpointFileBytes,
  findCheckpoint,
  type FoundCheckpoint,
  spareAt,
  writeCheckpoint,
} from '../formats/checkpoint-layout.js';
import { StoreFolderError } from '../store.errors.js';

/** What a Java broker writes into the lock file. */
const javaLockText = 'lock';

/**
 * The folder of a store: where its parts are, who holds it, whether it was closed well, and the
 * checkpoint file. Names as Apache's `StorePathConfigHelper` has them.
 */
export class StoreDirectory {
  readonly commitLog: string;
  readonly consumeQueues: string;
  readonly queueExtensions: string;
  readonly index: string;
  private readonly abort: string;
  private lock: FileLock | undefined;
  private checkpointFile: FileHandle | undefined;
  private readonly checkpointPage = new Uint8Array(checkpointBytes);
  private wasJavas = false;

  constructor(
    private readonly fileSystem: FileSystem,
    readonly root: string,
    commitLog: string,
  ) {
    if (commitLog.includes(',')) {
      throw new StoreFolderError(
        'storePathCommitLog names several folders; a commit log over several folders is not ' +
          'supported, name one.',
        { details: { storePathCommitLog: commitLog } },
      );
    }
    this.commitLog = commitLog === '' ? join(root, 'commitlog') : commitLog;
    this.consumeQueues = join(root, 'consumequeue');
    this.queueExtensions = join(root, 'consumequeue_ext');
    this.index = join(root, 'index');
    this.abort = join(root, 'abort');
  }

  /** Takes the folder for this process. Throws `FileLockedError` when another has it. */
  open(): void {
    this.fileSystem.makeDirectory(this.root);
    const lock = join(this.root, 'lock');
    this.wasJavas = this.fileSystem.readText(lock)?.startsWith(javaLockText) ?? false;
    // Once the lock is ours, nothing tells any more that the spare is older than what Java wrote.
    if (this.wasJavas) this.dropSpare();
    this.lock = this.fileSystem.lock(lock);
    this.fileSystem.makeDirectory(this.commitLog);
    this.fileSystem.makeDirectory(this.consumeQueues);
  }

  /** Whether the last one who had the store did not close it. */
  get wasAborted(): boolean {
    return this.fileSystem.exists(this.abort);
  }

  /** From here on the store counts as not closed. */
  markOpen(processId: number): void {
    this.fileSystem.writeText(this.abort, String(processId));
    this.fileSystem.syncDirectory(this.root);
  }

  markClosed(): void {
    this.fileSystem.remove(this.abort);
    this.fileSystem.syncDirectory(this.root);
  }

  readCheckpoint(): FoundCheckpoint {
    const path = join(this.root, 'checkpoint');
    const isNew = !this.fileSystem.exists(path);
    const file = this.fileSystem.open(path, 'create');
    this.checkpointFile = file;
    if (isNew || file.size() < checkpointFileBytes) file.truncate(checkpointFileBytes);
    const bytes = new Uint8Array(2 * checkpointBytes);
    file.readAt(bytes, 0, bytes.length, 0);
    return findCheckpoint(viewOf(bytes), this.wasJavas);
  }

  /** Not durable before a sync; an older one in its place is true as well. */
  writeCheckpoint(checkpoint: Checkpoint): void {
    const bytes = this.checkpointPage;
    writeCheckpoint(viewOf(bytes), checkpoint);
    this.checkpointFile?.writeAt(bytes, 0, checkpointBytes, 0);
  }

  /** Makes the checkpoint durable, as it stands now, and then writes its spare. */
  async syncCheckpoint(): Promise<void> {
    const synced = this.checkpointPage.slice();
    await this.checkpointFile?.sync();
    this.writeSpare(synced);
  }

  /** As `syncCheckpoint`; the spare is durable as well. */
  syncCheckpointNow(): void {
    this.checkpointFile?.syncNow();
    this.writeSpare(this.checkpointPage);
    this.checkpointFile?.syncNow();
  }

  private writeSpare(bytes: Uint8Array): void {
    this.checkpointFile?.writeAt(bytes, 0, checkpointBytes, spareAt);
  }

  private dropSpare(): void {
    const path = join(this.root, 'checkpoint');
    if (!this.fileSystem.exists(path)) return;
    const file = this.fileSystem.open(path, 'write');
    try {
      const spare = new Uint8Array(checkpointBytes);
      file.readAt(spare, 0, checkpointBytes, spareAt);
      if (spare.every((byte) => byte === 0)) return;
      file.writeAt(spare.fill(0), 0, checkpointBytes, spareAt);
      file.syncNow();
    } finally {
      file.close();
    }
  }

  close(): void {
    this.checkpointFile?.close();
    this.checkpointFile = undefined;
    this.lock?.close();
    this.lock = undefined;
  }
}
