import type { ConsumerOffsets } from './consumer-offsets.js';

/**
 * Where operators have set groups to: kept in memory until the next pull of the queue was told, or
 * the broker stops. Until then the group's own commits for the queue do not count, because they
 * come from before. The offset itself is committed at once, for groups that are not online.
 */
export class OffsetResets {
  private readonly pending = new Map<string, number>();

  constructor(private readonly offsets: ConsumerOffsets) {}

  assign(group: string, topic: string, queueId: number, offset: number): void {
    this.pending.set(keyOf(group, topic, queueId), offset);
    this.offsets.commit(group, topic, queueId, offset);
  }

  has(group: string, topic: string, queueId: number): boolean {
    return this.pending.size > 0 && this.pending.has(keyOf(group, topic, queueId));
  }

  /** The offset that a pull of this queue is to be told, once. */
  take(group: string, topic: string, queueId: number): number | undefined {
    if (this.pending.size === 0) return undefined;
    const key = keyOf(group, topic, queueId);
    const offset = this.pending.get(key);
    if (offset !== undefined) this.pending.delete(key);
    return offset;
  }
}

/** `@` stands in no name. */
function keyOf(group: string, topic: string, queueId: number): string {
  return `${group}@${topic}@${queueId}`;
}
