import type { StoredMessage } from '@nestjs-rocketmq/message';

/** A message in hand: pulled, and not finished yet (or behind one that is not). */
export interface Held {
  readonly message: StoredMessage;
  readonly offset: number;
  readonly bytes: number;
  /** Attempts so far; counts up in memory when it is tried again here. */
  reconsumeTimes: number;
  isDone: boolean;
}

/**
 * What was pulled from one queue and is not consumed yet. Pure bookkeeping, no time, no network.
 *
 * The rule it keeps: `commitOffset` never passes an unfinished message, never goes back, and never
 * skips one. Messages come in the order of their offsets; they finish in any order.
 */
export class ProcessQueue {
  private held: Held[] = [];
  /** Index of the first unfinished message in `held`. */
  private head = 0;
  /** Index behind the last message handed out by `take`. */
  private taken = 0;
  private nextOffset: number;
  private hasAnswer = false;
  private doneTo: number | undefined;
  private unfinished = 0;
  private heldBytes = 0;

  /** `start`: the offset of the first pull. */
  constructor(start: number) {
    this.nextOffset = start;
  }

  /** Messages in hand that are not finished. */
  get count(): number {
    return this.unfinished;
  }

  /** Bytes of their records. */
  get bytes(): number {
    return this.heldBytes;
  }

  /** Distance from the first unfinished message to the last one pulled. */
  get span(): number {
    const first = this.held[this.head];
    return first === undefined ? 0 : (this.held[this.held.length - 1]?.offset ?? 0) - first.offset;
  }

  /** Where the next pull begins. */
  get pullOffset(): number {
    return this.nextOffset;
  }

  /** Messages waiting to be taken. */
  get waiting(): number {
    return this.held.length - this.taken;
  }

  /** Everything below is finished; undefined until the broker answered a pull for the first time. */
  get commitOffset(): number | undefined {
    const first = this.held[this.head];
    if (first !== undefined) return first.offset;
    return this.hasAnswer ? this.nextOffset : undefined;
  }

  /** One past the last message below which all are finished; undefined before the first is. */
  get finishedTo(): number | undefined {
    return this.doneTo;
  }

  /**
   * Takes in what a pull brought and where the next one begins. Messages below the position of the
   * last pull are doubles and are left out; answers what was new.
   */
  put(messages: readonly StoredMessage[], nextOffset: number): Held[] {
    const fresh: Held[] = [];
    let lowest = this.nextOffset;
    for (const message of messages) {
      const offset = message.queueOffset;
      if (offset < lowest) continue;
      lowest = offset + 1;
      // The size of the record, not of the body: a compressed body is not opened only to count it.
      const { reconsumeTimes, storeSize: bytes } = message;
      fresh.push({ message, offset, bytes, reconsumeTimes, isDone: false });
      this.heldBytes += bytes;
    }
    this.unfinished += fresh.length;
    for (const one of fresh) this.held.push(one);
    this.nextOffset = Math.max(lowest, nextOffset);
    this.hasAnswer = true;
    return fresh;
  }

  /** Marks as finished, in any order; a second time does nothing. */
  finish(done: readonly Held[]): void {
    for (const one of done) {
      if (one.isDone) continue;
      one.isDone = true;
      this.unfinished -= 1;
      this.heldBytes -= one.bytes;
    }
    for (let one = this.held[this.head]; one?.isDone === true; one = this.held[this.head]) {
      this.doneTo = one.offset + 1;
      this.head += 1;
    }
    if (this.taken < this.head) this.taken = this.head;
    this.cut();
  }

  /** Cuts the finished part off now and then: each message is moved once on average. */
  private cut(): void {
    const { head, held } = this;
    if (head === 0 || (head < held.length && (head <= 64 || head * 2 < held.length))) return;
    if (head === held.length) held.length = 0;
    else held.splice(0, head);
    this.taken -= head;
    this.head = 0;
  }

  /** The next messages in order, at most `most`; for orderly consumption. */
  take(most: number): Held[] {
    const next: Held[] = [];
    for (; next.length < most && this.taken < this.held.length; this.taken += 1) {
      const one = this.held[this.taken];
      if (one !== undefined && !one.isDone) next.push(one);
    }
    return next;
  }

  /** What was taken and is not finished. */
  takenNow(): Held[] {
    return this.held.slice(this.head, this.taken).filter((one) => !one.isDone);
  }

  /** Gives back what was taken and is unfinished, all or from `first` on; it will be taken again. */
  putBack(first?: Held): void {
    const at = first === undefined ? this.head : this.held.lastIndexOf(first);
    this.taken = Math.min(this.taken, Math.max(at, this.head));
  }
}
