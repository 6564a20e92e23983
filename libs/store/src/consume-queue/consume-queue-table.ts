import { dirname, join } from 'node:path';
import type { FileSystem } from '@nestjs-rocketmq/foundation';
import { type ExtensionParts, QueueExtension } from '../consume-queue-extension/queue-extension.js';
import type { HandlePool } from '../files/handle-pool.js';
import { SegmentSequence } from '../files/segment-sequence.js';
import { entryBytes } from '../formats/consume-queue-entry.js';
import { MessageIllegalError } from '../store.errors.js';
import { ConsumeQueue } from './consume-queue.js';
import type { EntryArena } from './entry-arena.js';

/** Names of folders are at most this long on common file systems. */
const longestName = 255;

export interface ConsumeQueueTableParts {
  readonly fileSystem: FileSystem;
  readonly handles: HandlePool;
  readonly arena: EntryArena;
  /** Holds a folder per topic, and in it one per queue id. */
  readonly directory: string;
  /** Bytes of a queue file; rounded up to whole entries. */
  readonly fileSize: number;
  /** The folder of extensions. */
  readonly extensionDirectory: string;
  /** Given when queues have an extension. */
  readonly extensions?: ExtensionParts | undefined;
}

/**
 * Topic and queue id -> queue. Files of a queue are made with its first entry. Queue ids are small
 * as a rule; a large one leaves holes in the array of its topic, so only what is there is walked.
 */
export class ConsumeQueueTable {
  private readonly byTopic = new Map<string, ConsumeQueue[]>();
  private readonly fileSize: number;

  constructor(private readonly parts: ConsumeQueueTableParts) {
    this.fileSize = Math.ceil(parts.fileSize / entryBytes) * entryBytes;
  }

  /** The queue, made when it is not there. Throws `MessageIllegalError` for impossible names. */
  get(topic: string, queueId: number): ConsumeQueue {
    return this.byTopic.get(topic)?.[queueId] ?? this.add(topic, queueId);
  }

  find(topic: string, queueId: number): ConsumeQueue | undefined {
    return this.byTopic.get(topic)?.[queueId];
  }

  /** The queues of a topic by id. */
  of(topic: string): ConsumeQueue[] {
    return Object.values(this.byTopic.get(topic) ?? []);
  }

  topics(): string[] {
    return [...this.byTopic.keys()];
  }

  *all(): Iterable<ConsumeQueue> {
    for (const queues of this.byTopic.values()) {
      yield* Object.values(queues);
    }
  }

  /** Removes the queues of a topic with their files. */
  delete(topic: string): void {
    for (const queue of this.of(topic)) this.removeFiles(queue);
    this.byTopic.delete(topic);
    if (!canBeTopic(topic)) return;
    const { fileSystem, directory, extensionDirectory } = this.parts;
    fileSystem.remove(join(directory, topic));
    fileSystem.remove(join(extensionDirectory, topic));
  }

  /** Removes one queue with its files. */
  remove(queue: ConsumeQueue): void {
    this.removeFiles(queue);
    const { topic, queueId } = queue;
    this.parts.fileSystem.remove(join(this.parts.extensionDirectory, topic, String(queueId)));
    delete this.byTopic.get(topic)?.[queueId];
  }

  /** Takes a queue out that never had a message. */
  forget(queue: ConsumeQueue): void {
    const queues = this.byTopic.get(queue.topic);
    if (queues?.[queue.queueId] !== queue) return;
    delete queues[queue.queueId];
    if (Object.keys(queues).length === 0) this.byTopic.delete(queue.topic);
  }

  /**
   * Finds the queues on disk. After a crash files that do not fit the others are removed, see
   * `SegmentSequence.load`; else they are refused. Offsets are not set yet.
   */
  load(wasAborted: boolean): void {
    const { fileSystem, directory } = this.parts;
    for (const topic of fileSystem.list(directory)) {
      const folder = join(directory, topic);
      if (!canBeTopic(topic) || !fileSystem.isDirectory(folder)) continue;
      for (const name of fileSystem.list(folder)) {
        const isId = /^\d{1,9}$/.test(name) && String(Number(name)) === name;
        if (!isId) continue;
        const { files, extension } = this.get(topic, Number(name));
        if (wasAborted) files.load('remove', 0);
        else files.load('refuse');
        // Messages are served without them, so they are no reason to refuse.
        extension?.files.load('remove', wasAborted ? 0 : undefined);
      }
    }
  }

  /**
   * Folders that must be durable for the files of a queue to be found after a crash; those above
   * its own only when the queue is new.
   */
  foldersOf(queue: ConsumeQueue, isNew: boolean): string[] {
    const own = queue.files.directory;
    return isNew ? [own, dirname(own), dirname(dirname(own))] : [own];
  }

  private removeFiles(queue: ConsumeQueue): void {
    queue.discard();
    queue.files.removeAll();
    queue.extension?.files.removeAll();
  }

  private add(topic: string, queueId: number): ConsumeQueue {
    if (!canBeTopic(topic) || !Number.isInteger(queueId) || queueId < 0 || queueId > 0x7fffffff) {
      throw new MessageIllegalError(
        `There cannot be a queue ${queueId} of the topic ${JSON.stringify(topic)}.`,
        { details: { topic, queueId } },
      );
    }
    const { fileSystem, handles, arena, directory, extensions } = this.parts;
    const folder = join(directory, topic, String(queueId));
    const files = new SegmentSequence(fileSystem, handles, folder, this.fileSize);
    const extension = extensions && new QueueExtension(extensions, topic, queueId);
    const queue = new ConsumeQueue(topic, queueId, files, arena, extension);
    const queues = this.byTopic.get(topic);
    if (queues === undefined) {
      const first: ConsumeQueue[] = [];
      first[queueId] = queue;
      this.byTopic.set(topic, first);
    } else queues[queueId] = queue;
    return queue;
  }
}

/** Whether a topic can be the name of a folder. */
export function canBeTopic(topic: string): boolean {
  if (topic === '' || topic === '.' || topic === '..' || topic.length > longestName) return false;
  return !/[/\\\0]/.test(topic);
}
