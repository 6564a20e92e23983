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
  type CheckpointState,
  emptyCheckpoint,
  readCheckpoint,
  stateOf,
  writeCheckpoint,
} from '../formats/checkpoint-layout.js';
import { StoreFolderError } from '../store.errors.js';

/** What a Java broker writes into the lock file. */
const javaLockText = 'lock';

export interface FoundCheckpoint {
  readonly checkpoint: Checkpoint;
  readonly state: CheckpointState;
}

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
    const bytes = new Uint8Array(checkpointBytes);
    file.readAt(bytes, 0, checkpointBytes, 0);
    const state = this.wasJavas ? 'UNSEALED' : stateOf(viewOf(bytes));
    return {
      checkpoint: state === 'DAMAGED' ? emptyCheckpoint() : readCheckpoint(viewOf(bytes)),
      state,
    };
  }

  writeCheckpoint(checkpoint: Checkpoint): void {
    const bytes = this.checkpointPage;
    writeCheckpoint(viewOf(bytes), checkpoint);
    this.checkpointFile?.writeAt(bytes, 0, checkpointBytes, 0);
  }

  async syncCheckpoint(): Promise<void> {
    await this.checkpointFile?.sync();
  }

  syncCheckpointNow(): void {
    this.checkpointFile?.syncNow();
  }

  close(): void {
    this.checkpointFile?.close();
    this.checkpointFile = undefined;
    this.lock?.close();
    this.lock = undefined;
  }
}
