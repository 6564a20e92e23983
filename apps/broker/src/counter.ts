/** What a counter did in a span of time. */
export interface CountOf {
  readonly sum: number;
  /** Per second. */
  readonly tps: number;
  /** Per addition. */
  readonly avgpt: number;
}

const parts = 3;

/** The last samples of a counter, as Java's statistics keep them; empty until the first one. */
class Samples {
  private readonly numbers: number[] = [];

  constructor(
    private readonly most: number,
    private readonly period: number,
  ) {}

  take(now: number, value: number, times: number): void {
    const { numbers } = this;
    if (numbers.length === 0) numbers.push(now - this.period, 0, 0);
    numbers.push(now, value, times);
    if (numbers.length > this.most * parts) numbers.splice(0, parts);
  }

  clear(): void {
    this.numbers.length = 0;
  }

  /** From the oldest sample to the newest. */
  read(): CountOf {
    const { numbers } = this;
    if (numbers.length < 2 * parts) return { sum: 0, tps: 0, avgpt: 0 };
    const [from = 0, value = 0, times = 0] = numbers;
    const [to = 0, lastValue = 0, lastTimes = 0] = numbers.slice(-parts);
    const sum = lastValue - value;
    const additions = lastTimes - times;
    return {
      sum,
      tps: to > from ? (sum * 1000) / (to - from) : 0,
      avgpt: additions > 0 ? sum / additions : 0,
    };
  }
}

export const minuteStep = 10_000;
export const hourStep = 600_000;
export const dayStep = 3_600_000;

/**
 * A count that knows what it did in the last minute, hour and day. Adding is two additions of
 * numbers; the windows move when samples are taken.
 */
export class Counter {
  value = 0;
  times = 0;
  private sampledTimes = 0;
  private changedAt = 0;
  private readonly minutes = new Samples(7, minuteStep);
  private readonly hours = new Samples(7, hourStep);
  private readonly days = new Samples(25, dayStep);

  add(value: number): void {
    this.value += value;
    this.times += 1;
  }

  /** Whether anything was ever counted. */
  get isUsed(): boolean {
    return this.times > 0 || this.value > 0;
  }

  sampleMinute(now: number): void {
    if (this.sampledTimes !== this.times) this.changedAt = now;
    this.sampledTimes = this.times;
    this.minutes.take(now, this.value, this.times);
  }

  /** Takes the samples that are due. */
  sample(now: number, isHour: boolean, isDay: boolean): void {
    this.sampleMinute(now);
    if (isHour) this.sampleHour(now);
    if (isDay) this.sampleDay(now);
  }

  /** Since when nothing was added, as far as samples tell; epoch ms. */
  get idleSince(): number {
    return this.changedAt;
  }

  /** As if nothing had ever been counted. */
  reset(): void {
    this.value = 0;
    this.times = 0;
    this.sampledTimes = 0;
    for (const samples of [this.minutes, this.hours, this.days]) samples.clear();
  }

  sampleHour(now: number): void {
    this.hours.take(now, this.value, this.times);
  }

  sampleDay(now: number): void {
    this.days.take(now, this.value, this.times);
  }

  inMinute(): CountOf {
    return this.minutes.read();
  }

  inHour(): CountOf {
    return this.hours.read();
  }

  inDay(): CountOf {
    return this.days.read();
  }
}
