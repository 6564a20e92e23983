import type { Clock } from '@nestjs-rocketmq/foundation';
import type { DataVersion } from '@nestjs-rocketmq/protocol';
import { isObject, objectMember } from '../table-file.js';
import type { TableStorage } from '../table-file.js';
import { TableVersion } from '../table-version.js';

/** Queue id -> the queue offset that is to be consumed next. */
export type QueueOffsets = ReadonlyMap<number, number>;

/**
 * Where each group stands in each queue: `config/consumerOffset.json`. Commits go to memory; the
 * file is rewritten by `persist`, which the broker calls every few seconds and at its close, so a
 * crash repeats at most that much.
 */
export class ConsumerOffsets {
  private readonly groups = new Map<string, Map<string, Map<number, number>>>();
  private readonly version: TableVersion;
  private commits = 0;
  private isDirty = false;

  constructor(
    private readonly file: TableStorage,
    private readonly clock: Clock,
    private readonly options: {
      /** Commits between two steps of the data version. */
      readonly consumerOffsetUpdateVersionStep: number;
    },
  ) {
    this.version = new TableVersion(clock.now());
  }

  load(): void {
    const stored = this.file.read();
    this.version.restore(stored?.['dataVersion']);
    for (const [key, queues] of Object.entries(objectMember(stored, 'offsetTable'))) {
      const [topic, group, ...more] = key.split('@');
      if (topic === undefined || group === undefined || more.length > 0) continue;
      if (!isObject(queues)) continue;
      for (const [queueId, offset] of Object.entries(queues)) {
        this.put(group, topic, Number(queueId), Number(offset));
      }
    }
  }

  /** A step backwards counts as well: it is how an operator has messages consumed again. */
  commit(group: string, topic: string, queueId: number, offset: number): void {
    this.put(group, topic, queueId, offset);
    this.isDirty = true;
    this.commits += 1;
    if (this.commits % this.options.consumerOffsetUpdateVersionStep !== 0) return;
    this.version.next(this.clock.now());
  }

  /** The offset to be consumed next; undefined when the group never committed for the queue. */
  offsetOf(group: string, topic: string, queueId: number): number | undefined {
    return this.groups.get(group)?.get(topic)?.get(queueId);
  }

  /** Where a group stands in all queues of a topic. */
  queuesOf(group: string, topic: string): QueueOffsets {
    return this.groups.get(group)?.get(topic) ?? new Map<number, number>();
  }

  topicsOf(group: string): string[] {
    return [...(this.groups.get(group)?.keys() ?? [])];
  }

  groupsOf(topic: string): string[] {
    return [...this.groups].filter(([, topics]) => topics.has(topic)).map(([group]) => group);
  }

  forgetTopic(topic: string): void {
    for (const topics of this.groups.values()) {
      if (topics.delete(topic)) this.isDirty = true;
    }
  }

  forgetGroup(group: string): void {
    if (this.groups.delete(group)) this.isDirty = true;
  }

  /** `topic@group` -> queue id -> offset, as Java writes it. */
  toJSON(): { dataVersion: DataVersion; offsetTable: Record<string, Record<string, number>> } {
    const offsetTable: Record<string, Record<string, number>> = {};
    for (const [group, topics] of this.groups) {
      for (const [topic, queues] of topics) {
        offsetTable[`${topic}@${group}`] = Object.fromEntries(queues);
      }
    }
    return { dataVersion: this.version.toJSON(), offsetTable };
  }

  /** Writes the file when something changed since the last time. */
  persist(): void {
    if (!this.isDirty) return;
    this.file.write(this.toJSON());
    this.isDirty = false;
  }

  private put(group: string, topic: string, queueId: number, offset: number): void {
    let topics = this.groups.get(group);
    if (topics === undefined) this.groups.set(group, (topics = new Map()));
    let queues = topics.get(topic);
    if (queues === undefined) topics.set(topic, (queues = new Map()));
    queues.set(queueId, offset);
  }
}
