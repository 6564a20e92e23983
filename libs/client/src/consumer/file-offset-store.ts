import {
  DurableJsonError,
  messageOf,
  readDurableJson,
  writeDurableJson,
  type FileSystem,
} from '@nestjs-rocketmq/foundation';
import { queueKey, type MessageQueue } from '@nestjs-rocketmq/message';
import type { OffsetStore, QueueOffset } from './offset-store.js';

interface OffsetFile {
  readonly version: 1;
  /** Queue as `topic@brokerName@queueId` to offset. */
  readonly offsets: Record<string, number>;
}

/** Throws when the text is not that of an offset file. */
function parse(text: string): OffsetFile {
  const file = JSON.parse(text) as Partial<OffsetFile> | null;
  const offsets = file?.offsets;
  const isTable = typeof offsets === 'object' && offsets !== null && !Array.isArray(offsets);
  const rows = isTable ? Object.values(offsets) : [undefined];
  const isGood = rows.every((offset) => Number.isSafeInteger(offset) && (offset as number) >= 0);
  if (isGood) return file as OffsetFile;
  throw new TypeError('it holds something else than offsets');
}

/**
 * Offsets of a broadcasting member in a file of this host: JSON,
 * `{ "version": 1, "offsets": { "topic@brokerName@queueId": offset } }`, replaced atomically with
 * its `.bak` beside it. The path must be stable over restarts and differ between members of one
 * host; it does not contain the client id, which changes with the address of a container.
 *
 * A broken file does not stop consumption: its `.bak` counts instead, or, when that is broken too,
 * the group begins anew. What is broken is put aside as `.broken`, and `warn` is told.
 */
export class FileOffsetStore implements OffsetStore {
  private offsets: Map<string, number> | undefined;
  private written: string | undefined;
  private isShared = false;

  constructor(
    private readonly fileSystem: FileSystem,
    readonly path: string,
    private readonly warn: (sentence: string) => void = () => undefined,
  ) {}

  read(queue: MessageQueue): Promise<number | undefined> {
    return Promise.resolve().then(() => this.load().get(queueKey(queue)));
  }

  write(offsets: readonly QueueOffset[]): Promise<void> {
    return Promise.resolve().then(() => {
      const all = this.load();
      for (const { queue, offset } of offsets) all.set(queueKey(queue), offset);
      const rows = Object.fromEntries([...all].toSorted(([a], [b]) => (a < b ? -1 : 1)));
      const file: OffsetFile = { version: 1, offsets: rows };
      const text = JSON.stringify(file, undefined, 1);
      this.lookForOthers();
      writeDurableJson(this.fileSystem, this.path, text);
      this.written = text;
    });
  }

  private lookForOthers(): void {
    const { written, path } = this;
    if (written === undefined || this.isShared) return;
    if (this.fileSystem.readText(path) === written) return;
    this.isShared = true;
    this.warn(
      `Another member writes the offset file ${path} as well; give each its own offsetKey.`,
    );
  }

  private load(): Map<string, number> {
    this.offsets ??= new Map(Object.entries(this.content().offsets));
    return this.offsets;
  }

  private content(): OffsetFile {
    const { fileSystem, path } = this;
    const empty: OffsetFile = { version: 1, offsets: {} };
    try {
      const read = readDurableJson(fileSystem, path, parse, this.warn) as OffsetFile | undefined;
      return read ?? empty;
    } catch (error) {
      // Whatever else went wrong may go right the next time.
      if (!(error instanceof DurableJsonError)) throw error;
      this.putAside(path);
      this.putAside(`${path}.bak`);
      this.warn(
        `The offset file ${path} and its .bak are broken (${messageOf(error.cause)}) and were ` +
          'put aside as .broken; the group begins anew.',
      );
      return empty;
    }
  }

  private putAside(path: string): void {
    if (this.fileSystem.exists(path)) this.fileSystem.rename(path, `${path}.broken`);
  }
}
