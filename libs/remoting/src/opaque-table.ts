/** What is found by the opaque number of its request. */
export interface Opaqued {
  readonly opaque: number;
}

const smallest = 64;

/**
 * Requests by opaque number: open addressing over one array, neighbours moved up on removal.
 *
 * Not a `Map`: that makes itself a new table every few dozen additions and removals and the old one
 * keeps what it held, and points to the new one. Once one of these tables is old to the garbage
 * collector, all that follow survive with it, and with them most requests and their answers: 2 MB
 * of dead ones in each young collection at 20,000 sends a second.
 */
export class OpaqueTable<T extends Opaqued> {
  private entries: (T | undefined)[] = emptyEntries(smallest);
  private mask = smallest - 1;
  private count = 0;

  get size(): number {
    return this.count;
  }

  get(opaque: number): T | undefined {
    return this.entries[this.placeOf(opaque)];
  }

  /** Replaces whatever has the same opaque number. */
  set(entry: T): void {
    if (this.count * 2 > this.mask) this.grow();
    const at = this.placeOf(entry.opaque);
    if (this.entries[at] === undefined) this.count += 1;
    this.entries[at] = entry;
  }

  /** True if there was one. */
  delete(opaque: number): boolean {
    const { entries, mask } = this;
    let hole = this.placeOf(opaque);
    if (entries[hole] === undefined) return false;
    this.count -= 1;
    for (let at = (hole + 1) & mask; ; at = (at + 1) & mask) {
      const entry = entries[at];
      if (entry === undefined) break;
      // One that stands past its own place may move into the hole, but not to before that place.
      const away = (at - entry.opaque) & mask;
      if (away < ((at - hole) & mask)) continue;
      entries[hole] = entry;
      hole = at;
    }
    entries[hole] = undefined;
    return true;
  }

  /** All that are in, in the order of their opaque numbers. */
  all(): T[] {
    const all = this.entries.filter((entry) => entry !== undefined);
    return all.toSorted((a, b) => a.opaque - b.opaque);
  }

  /** Where the entry stands, or would stand. */
  private placeOf(opaque: number): number {
    const { entries, mask } = this;
    let at = opaque & mask;
    for (let entry = entries[at]; entry !== undefined && entry.opaque !== opaque;) {
      at = (at + 1) & mask;
      entry = entries[at];
    }
    return at;
  }

  private grow(): void {
    const all = this.all();
    const length = this.entries.length * 2;
    this.entries = emptyEntries(length);
    this.mask = length - 1;
    for (const entry of all) this.entries[this.placeOf(entry.opaque)] = entry;
  }
}

function emptyEntries<T>(length: number): (T | undefined)[] {
  return Array.from({ length }, () => undefined);
}
