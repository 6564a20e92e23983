import type { Clock } from '@nestjs-rocketmq/foundation';

const step = 10_000;
/** Samples of the last ten minutes. */
const kept = 61;

interface Sample {
  readonly at: number;
  readonly value: number;
}

/** A counter that knows how fast it went in the last 10 s, 60 s and 600 s. */
export class Meter {
  total = 0;
  private readonly samples: Sample[] = [];

  constructor(now: number) {
    this.samples.push({ at: now, value: 0 });
  }

  sample(now: number): void {
    this.samples.push({ at: now, value: this.total });
    if (this.samples.length > kept) this.samples.shift();
  }

  /** Per second, over about the last `windowMillis`. */
  rate(windowMillis: number, now: number): number {
    let from = this.samples[0];
    for (const sample of this.samples) {
      if (sample.at > now - windowMillis) break;
      from = sample;
    }
    if (from === undefined || now <= from.at) return 0;
    return ((this.total - from.value) * 1000) / (now - from.at);
  }

  /** Rates over 10 s, 60 s and 600 s, as Java prints them: three numbers with blanks between. */
  rates(now: number): string {
    return [10_000, 60_000, 600_000].map((window) => this.rate(window, now).toFixed(6)).join(' ');
  }
}

interface CountedTopic {
  readonly name: string;
  /** Since the start. */
  readonly putMessages: number;
}

/** What the broker did since its start, for those who look. Hot paths only count. */
export class Figures {
  readonly startedAt: number;
  readonly puts: Meter;
  readonly failedPuts: Meter;
  readonly getsFound: Meter;
  readonly getsMissed: Meter;
  readonly transferred: Meter;
  putBytes = 0;
  /** Messages put and got at the last two midnights, local time. */
  readonly mornings = { put: [0, 0] as [number, number], got: [0, 0] as [number, number] };
  private readonly groups = new Map<string, Map<string, Meter>>();
  private readonly topicPuts = new Map<string, Meter>();
  private day: number;

  constructor(private readonly clock: Clock) {
    const now = clock.now();
    this.startedAt = now;
    this.puts = new Meter(now);
    this.failedPuts = new Meter(now);
    this.getsFound = new Meter(now);
    this.getsMissed = new Meter(now);
    this.transferred = new Meter(now);
    this.day = new Date(now).getDate();
  }

  /** Milliseconds between two samples. */
  get samplePeriod(): number {
    return step;
  }

  stored(messages: number, bytes: number): void {
    this.puts.total += messages;
    this.putBytes += bytes;
  }

  found(group: string, topic: string, messages: number): void {
    this.getsFound.total += 1;
    this.transferred.total += messages;
    let topics = this.groups.get(group);
    if (topics === undefined) this.groups.set(group, (topics = new Map()));
    let meter = topics.get(topic);
    if (meter === undefined) topics.set(topic, (meter = new Meter(this.clock.now())));
    meter.total += messages;
  }

  missed(): void {
    this.getsMissed.total += 1;
  }

  /** Messages per second that a group got of a topic, over the last minute. */
  consumeRate(group: string, topic: string): number {
    return this.groups.get(group)?.get(topic)?.rate(60_000, this.clock.now()) ?? 0;
  }

  /** Messages per second that were put into a topic, over the last minute. */
  putRate(topic: CountedTopic): number {
    const meter = this.topicPuts.get(topic.name);
    if (meter === undefined) return 0;
    meter.total = topic.putMessages;
    return meter.rate(60_000, this.clock.now());
  }

  /** Takes samples; to be called every `samplePeriod`. */
  sample(topics: Iterable<CountedTopic>): void {
    const now = this.clock.now();
    for (const topic of topics) {
      let meter = this.topicPuts.get(topic.name);
      if (meter === undefined) this.topicPuts.set(topic.name, (meter = new Meter(now)));
      meter.total = topic.putMessages;
      meter.sample(now);
    }
    for (const meter of [
      this.puts,
      this.failedPuts,
      this.getsFound,
      this.getsMissed,
      this.transferred,
    ]) {
      meter.sample(now);
    }
    for (const topics of this.groups.values()) {
      for (const meter of topics.values()) meter.sample(now);
    }
    const day = new Date(now).getDate();
    if (day === this.day) return;
    this.day = day;
    this.mornings.put = [this.mornings.put[1], this.puts.total];
    this.mornings.got = [this.mornings.got[1], this.transferred.total];
  }
}
