import { objectMember, type TableStorage } from '../table-file.js';

/**
 * How often producers were asked about each half message, by its queue offset. Java writes the
 * number into a new copy of the half; here the half keeps its place, and the numbers lie in a file
 * of ours, `config/transactionCheckCounts.json`. A crash loses the last seconds of counting.
 */
export class CheckCounts {
  private readonly counts = new Map<number, number>();
  private isDirty = false;

  constructor(private readonly file: TableStorage) {}

  load(): void {
    for (const [offset, count] of Object.entries(objectMember(this.file.read(), 'halves'))) {
      this.counts.set(Number(offset), Number(count));
    }
  }

  of(offset: number): number | undefined {
    return this.counts.get(offset);
  }

  set(offset: number, count: number): void {
    this.counts.set(offset, count);
    this.isDirty = true;
  }

  /** Forgets the halves that are decided. */
  forget(isDecided: (offset: number) => boolean): void {
    for (const offset of this.counts.keys()) {
      if (isDecided(offset)) this.isDirty = this.counts.delete(offset);
    }
  }

  persist(): void {
    if (!this.isDirty) return;
    this.file.write({ halves: Object.fromEntries(this.counts) });
    this.isDirty = false;
  }
}
