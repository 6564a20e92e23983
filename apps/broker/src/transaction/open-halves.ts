/**
 * How many half messages of each topic nobody has decided yet. Counted when somebody asks for the
 * first time, by looking at them, and kept up from then on; until then it costs nothing.
 */
export class OpenHalves {
  private counts: Map<string, number> | undefined;
  /** Of this turn; a failed write takes them back. */
  private opened: string[] = [];
  private closed: string[] = [];

  /** `look` names the topics of all open halves, one for each. */
  byTopic(look: () => Iterable<string>): ReadonlyMap<string, number> {
    if (this.counts === undefined) {
      this.counts = new Map();
      for (const topic of look()) this.add(topic, 1);
      this.turnWritten();
    }
    return this.counts;
  }

  /** Some went without a word: they are looked at anew when somebody asks. */
  forget(): void {
    this.counts = undefined;
    this.turnWritten();
  }

  open(topic: string): void {
    if (this.counts === undefined) return;
    this.add(topic, 1);
    this.opened.push(topic);
  }

  close(topic: string): void {
    if (this.counts === undefined) return;
    this.add(topic, -1);
    this.closed.push(topic);
  }

  turnWritten(): void {
    if (this.opened.length > 0) this.opened = [];
    if (this.closed.length > 0) this.closed = [];
  }

  turnFailed(): void {
    for (const topic of this.opened) this.add(topic, -1);
    for (const topic of this.closed) this.add(topic, 1);
    this.turnWritten();
  }

  private add(topic: string, count: number): void {
    const counts = this.counts as Map<string, number>;
    const now = (counts.get(topic) ?? 0) + count;
    if (now > 0) counts.set(topic, now);
    else counts.delete(topic);
  }
}
