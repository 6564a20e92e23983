import { queueKey, type MessageQueue } from '@nestjs-rocketmq/message';

/** Where consumption of one queue stands: everything below `offset` is finished. */
export interface QueueOffset {
  readonly queue: MessageQueue;
  readonly offset: number;
}

/** Keeps the offsets of one group. */
export interface OffsetStore {
  /** The stored offset; undefined when there is none. Throws when it cannot be read: never guess. */
  read(queue: MessageQueue): Promise<number | undefined>;
  /** Keeps the offsets durably; when it throws, the same or newer ones are given again later. */
  write(offsets: readonly QueueOffset[]): Promise<void>;
}

interface Row {
  readonly queue: MessageQueue;
  offset: number;
  written: number | undefined;
}

/** The offsets of the queues in hand, in memory, and which of them the store has not seen yet. */
export class OffsetTable {
  private readonly rows = new Map<string, Row>();
  /** The row that moved last: messages of one queue mostly finish one after another. */
  private moved: Row | undefined;
  private writing: Promise<void> = Promise.resolve();

  constructor(private readonly store: OffsetStore) {}

  known(queue: MessageQueue): number | undefined {
    return this.rows.get(queueKey(queue))?.offset;
  }

  /** What the store has; undefined when it has nothing. Rejects when it cannot be read. */
  read(queue: MessageQueue): Promise<number | undefined> {
    return this.store.read(queue);
  }

  /** Everything in memory. */
  all(): QueueOffset[] {
    return [...this.rows.values()].map(({ queue, offset }) => ({ queue, offset }));
  }

  /** Where consumption begins: `stored` as the store has it, or, without one, `start`. */
  begin(queue: MessageQueue, stored: number | undefined, start: number): void {
    this.moved = undefined;
    this.rows.set(queueKey(queue), { queue, offset: start, written: stored });
  }

  /** Moves forward; a lower offset changes nothing. */
  advance(queue: MessageQueue, offset: number): void {
    const row = this.moved?.queue === queue ? this.moved : this.rows.get(queueKey(queue));
    this.moved = row;
    if (row === undefined) this.set(queue, offset);
    else if (offset > row.offset) row.offset = offset;
  }

  /** Moves anywhere, also back: for a reset that somebody asked for. */
  set(queue: MessageQueue, offset: number): void {
    this.moved = undefined;
    this.rows.set(queueKey(queue), { queue, offset, written: undefined });
  }

  forget(queue: MessageQueue): void {
    this.moved = undefined;
    this.rows.delete(queueKey(queue));
  }

  /** Gives the store what it has not seen; one write at a time. Rejects when the store does. */
  persist(only?: readonly MessageQueue[]): Promise<void> {
    const turn = this.writing.then(() => this.writeDirty(only));
    this.writing = turn.catch(() => undefined);
    return turn;
  }

  private async writeDirty(only: readonly MessageQueue[] | undefined): Promise<void> {
    const keys = only === undefined ? undefined : new Set(only.map(queueKey));
    const dirty: { row: Row; offset: number }[] = [];
    for (const [key, row] of this.rows) {
      if (keys?.has(key) === false || row.written === row.offset) continue;
      dirty.push({ row, offset: row.offset });
    }
    if (dirty.length === 0) return;
    await this.store.write(dirty.map(({ row, offset }) => ({ queue: row.queue, offset })));
    for (const { row, offset } of dirty) row.written = offset;
  }
}
