import { type Disk, foretell, placeOf } from './disk.js';

/** A message that a broker has acknowledged. */
export interface Entry {
  readonly topic: string;
  readonly body: string;
  /** Words that the key index must know. */
  readonly keys: readonly string[];
  /** The unique key that the sender was told. */
  readonly msgId?: string | undefined;
  /** Where it lies, when the answer said so. */
  readonly queueId?: number;
  readonly queueOffset?: number;
}

/** What an end left behind. */
export interface Settled {
  /** Due by the books and neither on the disk nor announced there. */
  readonly lost: string[];
  /** More often on the disk, or announced, than before. */
  readonly again: string[];
  /** Withdrawn and visible. */
  readonly visible: string[];
}

/**
 * The books of a history: what was acknowledged, what must never be seen, and how often each body
 * may be in each topic. Once is the rule; saved progress that an end left behind allows more.
 */
export class Journal {
  readonly entries = new Map<string, Entry>();
  readonly withdrawn = new Set<string>();
  /** Bodies of transactions that nobody decides in the turn in which they are sent. */
  readonly pending = new Set<string>();
  private readonly due = new Map<string, number>();
  private readonly extra = new Map<string, number>();

  note(entry: Entry): void {
    const place = placeOf(entry.topic, entry.body);
    this.entries.set(place, entry);
    this.expect(place);
  }

  /** A place is due: sent, or sent back. What was sent back again may be there as often. */
  expect(place: string): void {
    if (this.due.has(place)) this.allow(place, 1);
    else this.due.set(place, 1);
  }

  get wanted(): IterableIterator<[string, number]> {
    return this.due.entries();
  }

  mostOf(place: string): number {
    return (this.due.get(place) ?? 0) + (this.extra.get(place) ?? 0);
  }

  /** Reads from the disk what the next broker will have; what comes again is allowed from now on. */
  settle(disk: Disk): Settled {
    const counts = foretell(disk);
    const lost: string[] = [];
    const again: string[] = [];
    for (const [place, times] of this.due) {
      const count = counts.get(place) ?? 0;
      if (count < times) lost.push(place);
      this.allow(place, count - this.mostOf(place), again);
    }
    const visible = [...this.withdrawn].filter((place) => counts.has(place));
    return { lost, again, visible };
  }

  /** So many more are allowed, and told in `again`. */
  allow(place: string, more: number, again: string[] = []): void {
    if (more <= 0) return;
    this.extra.set(place, (this.extra.get(place) ?? 0) + more);
    for (let i = 0; i < more; i += 1) again.push(place);
  }
}
