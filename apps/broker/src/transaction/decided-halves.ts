const pageBits = 4096;
const wordsOfPage = pageBits / 32;

/**
 * Which half messages are decided, by their queue offsets: everything below `low`, and the marked
 * ones above it. Marks stand in pages of bits that go as soon as `low` has passed them, so a
 * million decided halves behind one that is open take 128 KiB.
 */
export class DecidedHalves {
  private readonly pages = new Map<number, Uint32Array>();
  private lowest: number;

  constructor(low: number) {
    this.lowest = low;
  }

  /** The first half that is not decided. */
  get low(): number {
    return this.lowest;
  }

  has(offset: number): boolean {
    return offset < this.lowest || this.isMarked(offset);
  }

  /** False when it was decided before. */
  add(offset: number): boolean {
    if (this.has(offset)) return false;
    this.mark(offset);
    while (this.isMarked(this.lowest)) this.step();
    return true;
  }

  /** Takes decisions back that could not be stored. */
  remove(offsets: readonly number[]): void {
    const back = new Set(offsets);
    const from = Math.min(this.lowest, ...offsets);
    // Everything between was decided; all of it but what is taken back stays so.
    for (let offset = from; offset < this.lowest; offset += 1) {
      if (!back.has(offset)) this.mark(offset);
    }
    for (const offset of offsets) this.unmark(offset);
    this.lowest = from;
    while (this.isMarked(this.lowest)) this.step();
  }

  private step(): void {
    this.lowest += 1;
    if (this.lowest % pageBits === 0) this.pages.delete(this.lowest / pageBits - 1);
  }

  private isMarked(offset: number): boolean {
    const page = this.pages.get(Math.floor(offset / pageBits));
    if (page === undefined) return false;
    const bit = offset % pageBits;
    return ((page[bit >>> 5] as number) & (1 << (bit & 31))) !== 0;
  }

  private mark(offset: number): void {
    const number = Math.floor(offset / pageBits);
    let page = this.pages.get(number);
    if (page === undefined) this.pages.set(number, (page = new Uint32Array(wordsOfPage)));
    const bit = offset % pageBits;
    page[bit >>> 5] = (page[bit >>> 5] as number) | (1 << (bit & 31));
  }

  private unmark(offset: number): void {
    const page = this.pages.get(Math.floor(offset / pageBits));
    if (page === undefined) return;
    const bit = offset % pageBits;
    page[bit >>> 5] = (page[bit >>> 5] as number) & ~(1 << (bit & 31));
  }
}

interface OpChunk {
  lastOp: number;
  highestHalf: number;
  count: number;
}

const opsOfChunk = 256;

/**
 * From which op message on a restart must read: the first whose half is not below `low`. Kept for
 * chunks of 256 ops; reading some again does no harm.
 */
export class OpProgress {
  private readonly chunks: OpChunk[] = [];

  constructor(private nextOp: number) {}

  /** An op message at `opOffset` decides a half. */
  add(opOffset: number, halfOffset: number): void {
    const last = this.chunks.at(-1);
    if (last === undefined || last.count >= opsOfChunk) {
      this.chunks.push({ lastOp: opOffset, highestHalf: halfOffset, count: 1 });
      return;
    }
    last.lastOp = opOffset;
    last.highestHalf = Math.max(last.highestHalf, halfOffset);
    last.count += 1;
  }

  /** The op offset to begin with when every half below `low` is decided. */
  from(low: number): number {
    let passed = 0;
    for (const chunk of this.chunks) {
      if (chunk.highestHalf >= low) break;
      this.nextOp = chunk.lastOp + 1;
      passed += 1;
    }
    this.chunks.splice(0, passed);
    return this.nextOp;
  }
}
