/** What the broker answered, and what was read from it since; every doubt is a violation. */
export class Ledger {
  readonly violations: string[] = [];
  /** By `topic/queue`: the id that stands at each offset, from answers and from reading. */
  private readonly places = new Map<string, (string | undefined)[]>();
  /** Ids that were read, by topic, with how often. */
  private readonly read = new Map<string, Map<string, number>>();
  readonly refused = new Set<string>();
  readonly delayed = new Set<string>();
  readonly committed = new Set<string>();
  readonly rolledBack = new Set<string>();
  /** Halves that somebody may have committed. */
  readonly mayBeVisible = new Set<string>();
  readonly halves = new Set<string>();
  /** By queue: the offsets that the group committed. */
  readonly offsets = new Map<number, Set<number>>();
  acknowledged = 0;
  checked = 0;
  repeated = 0;

  /** An answer, or a message that was read: one value per offset, for ever. */
  stands(topic: string, queueId: number, offset: number, id: string): void {
    const key = `${topic}/${queueId}`;
    let ids = this.places.get(key);
    if (ids === undefined) this.places.set(key, (ids = []));
    const before = ids[offset];
    if (before === undefined) ids[offset] = id;
    else if (before !== id) this.violation(`${key}/${offset} was ${before} and is ${id}`);
  }

  sawMessage(topic: string, queueId: number, offset: number, id: string, isNew: boolean): void {
    this.stands(topic, queueId, offset, id);
    if (!isNew) return;
    let times = this.read.get(topic);
    if (times === undefined) this.read.set(topic, (times = new Map()));
    times.set(id, (times.get(id) ?? 0) + 1);
    this.checked += 1;
    if (this.refused.has(id)) this.violation(`${id} was refused and stands in ${topic}/${queueId}`);
    if (this.halves.has(id) && !this.mayBeVisible.has(id)) {
      this.violation(`${id} is visible and nobody committed it`);
    }
    if (this.rolledBack.has(id)) this.violation(`${id} was rolled back and is visible`);
  }

  /** A queue was read to its end: everything that was answered must be below it. */
  ends(topic: string, queueId: number, end: number): void {
    const ids = this.places.get(`${topic}/${queueId}`) ?? [];
    for (let offset = end; offset < ids.length; offset += 1) {
      const id = ids[offset];
      if (id !== undefined) this.violation(`${topic}/${queueId}/${offset} (${id}) is lost`);
    }
  }

  /** How many delayed messages did not come yet. */
  waiting(topic: string): number {
    return [...this.delayed].filter((id) => this.times(topic, id) === 0).length;
  }

  /** Resolves when so many messages were acknowledged, or after some time. */
  async until(acknowledged: number, ms: number): Promise<void> {
    const end = Date.now() + ms;
    while (this.acknowledged < acknowledged && Date.now() < end) {
      await new Promise((resolve) => void setTimeout(resolve, 5));
    }
  }

  /** What follows is read from the beginning. */
  beginCount(): void {
    this.read.clear();
    this.checked = 0;
  }

  times(topic: string, id: string): number {
    return this.read.get(topic)?.get(id) ?? 0;
  }

  /** When everything had its time. `kills`: how often the broker was killed since the beginning. */
  settle(plainTopic: string, paymentTopic: string, kills: number): void {
    for (const id of this.delayed) {
      const times = this.times(plainTopic, id);
      if (times === 0) this.violation(`the delayed ${id} is lost`);
      if (times > kills + 1) this.violation(`the delayed ${id} came ${times} times`);
      this.repeated += Math.max(0, times - 1);
    }
    for (const id of this.halves) {
      const times = this.times(paymentTopic, id);
      if (times > 1) this.violation(`${id} was committed once and is visible ${times} times`);
      if (times === 0 && this.committed.has(id)) this.violation(`${id} was committed and is lost`);
    }
  }

  toldOffset(queueId: number, offset: number): void {
    if (offset !== 0 && this.offsets.get(queueId)?.has(offset) !== true) {
      this.violation(`the group is told ${offset} of queue ${queueId}, which it never committed`);
    }
  }

  violation(sentence: string): void {
    this.violations.push(sentence);
  }
}
