import { join } from 'node:path';
import { type FileSystem, readDurableJson, writeDurableJson } from '@nestjs-rocketmq/foundation';

/**
 * Which topics were deleted, and how far the log went then: the log keeps their records until they
 * expire, and recovery must not make queues of them again. An addition of ours, in
 * `config/deletedTopics.json`; Java brokers leave it alone.
 */
export class DeletedTopics {
  private readonly ends = new Map<string, number>();
  private readonly path: string;

  constructor(
    private readonly fileSystem: FileSystem,
    root: string,
  ) {
    this.path = join(root, 'config', 'deletedTopics.json');
  }

  /** Throws `DurableJsonError` when the file is there but can not be read. */
  load(): void {
    const file = readDurableJson(this.fileSystem, this.path) as
      { readonly deletedTopics?: Readonly<Record<string, number>> } | undefined;
    for (const [topic, end] of Object.entries(file?.deletedTopics ?? {})) {
      if (Number.isSafeInteger(end)) this.ends.set(topic, end);
    }
  }

  /** Whether a record of the topic at `position` was deleted with it. */
  isGone(topic: string, position: number): boolean {
    const end = this.ends.get(topic);
    return end !== undefined && position < end;
  }

  /** The topics known as deleted. */
  topics(): IterableIterator<string> {
    return this.ends.keys();
  }

  /**
   * Notes, durably, that everything of the topic below `end` is deleted. What the log does not
   * have any more, below `logStart`, is forgotten.
   */
  add(topic: string, end: number, logStart: number): void {
    this.ends.set(topic, end);
    for (const [one, until] of this.ends) if (until <= logStart) this.ends.delete(one);
    const deletedTopics = Object.fromEntries(this.ends);
    writeDurableJson(
      this.fileSystem,
      this.path,
      JSON.stringify({ deletedTopics }, undefined, '\t'),
    );
  }
}
