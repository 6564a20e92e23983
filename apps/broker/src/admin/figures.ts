import { type Clock, Histogram } from '@nestjs-rocketmq/foundation';
import { isSystemTopic, SystemTopic } from '@nestjs-rocketmq/message';
import { Counter, dayStep, hourStep } from '../counter.js';
import { timeBounds } from './histogram-bounds.js';
import { KeyedCounters } from './keyed-counters.js';
import { Meter, meterStep } from './meter.js';
import { PutTimes } from './put-times.js';
import { type MessageType, TopicTraffic } from './topic-traffic.js';
import { TransactionFigures } from './transaction-figures.js';

/** A topic as far as it is counted. */
export interface CountedTopic {
  readonly name: string;
  /** One of RocketMQ's own, which does not count as traffic. */
  readonly isSystem: boolean;
  readonly puts: Counter;
  readonly putSizes: Counter;
  /** What came in by type of message, where metrics want it; made with the first. */
  traffic?: TopicTraffic | undefined;
}

export interface CountedTopics {
  get(name: string): CountedTopic | undefined;
  all(): Iterable<CountedTopic>;
}

/** What a group got of a topic. */
interface Gets {
  readonly isSystem: boolean;
  readonly nums: Counter;
  readonly sizes: Counter;
  /** By queue id. */
  readonly latencies: Counter[];
  /** By queue id: where the last answer told the group to go on. */
  readonly pulled: number[];
}

/** What went through one queue of the schedule topic. */
interface DelayCounts {
  readonly putNums: Counter;
  readonly putSizes: Counter;
  readonly getNums: Counter;
  readonly getSizes: Counter;
}

export interface FiguresOptions {
  readonly brokerClusterName: string;
  /** Count per queue too. */
  readonly enableDetailStat: boolean;
  /** Count what leaves the schedule topic. */
  readonly enableScheduleMessageStats: boolean;
  readonly autoDeleteUnusedStats: boolean;
  /** After so many minutes a counter that stands still begins anew; below 0 never. */
  readonly maxStatsIdleTimeInMinutes: number;
  /** Unless it is DISABLE, messages are counted by type too. */
  readonly metricsExporterType: string;
}

const minutesSamples = 6;
/** Java's name for the broker where it reads its own schedule topic. */
const delayGroup = 'SCHEDULE_CONSUMER';

/** What the broker did since its start, for those who look. Hot paths only count. */
export class Figures {
  readonly startedAt: number;
  readonly failedPuts: Meter;
  /** Messages stored for whomever, the broker's own among them. */
  readonly puts: Meter;
  readonly getsFound: Meter;
  readonly getsMissed: Meter;
  readonly transferred: Meter;
  readonly putTimes = new PutTimes();
  putBytes = 0;
  readonly transactions = new TransactionFigures();
  /** How long it took to create topics and groups, and whether it went well. */
  readonly creations = {
    topic: { success: new Histogram(timeBounds), failure: new Histogram(timeBounds) },
    group: { success: new Histogram(timeBounds), failure: new Histogram(timeBounds) },
  };
  /** The longest search for messages, ms. */
  longestGet = 0;
  /** Messages put and got at the last two midnights, local time. */
  readonly mornings = { put: [0, 0] as [number, number], got: [0, 0] as [number, number] };
  private readonly broker = {
    BROKER_PUT_NUMS: new Counter(),
    BROKER_GET_NUMS: new Counter(),
    BROKER_PUT_NUMS_WITHOUT_SYSTEM_TOPIC: new Counter(),
    BROKER_GET_NUMS_WITHOUT_SYSTEM_TOPIC: new Counter(),
  };
  private readonly groups = new Map<string, Map<string, Gets>>();
  private readonly delays: DelayCounts[] = [];
  private readonly byKey = new KeyedCounters();
  /** Somebody is shown how many messages of which type came. */
  readonly countsTypes: boolean;
  private day: number;
  private samples = 0;

  constructor(
    private readonly clock: Clock,
    private readonly topics: CountedTopics,
    private readonly options: FiguresOptions,
  ) {
    const now = clock.now();
    this.countsTypes = options.metricsExporterType !== 'DISABLE';
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
    return meterStep;
  }

  /** Messages put by clients or delivered by the broker, without those of its own topics. */
  get putTotal(): number {
    return this.broker.BROKER_PUT_NUMS_WITHOUT_SYSTEM_TOPIC.value;
  }

  get getTotal(): number {
    return this.broker.BROKER_GET_NUMS_WITHOUT_SYSTEM_TOPIC.value;
  }

  /** The store has the messages of a turn, of whomever. */
  wrote(messages: number, bytes: number, millis: number): void {
    this.puts.total += messages;
    this.putBytes += bytes;
    this.putTimes.add(millis, messages);
  }

  /** Messages that went into a topic with one request; without a type they do not count as sent. */
  stored(topic: CountedTopic, messages: number, bytes: number, type?: MessageType): void {
    topic.puts.value += messages;
    topic.puts.times += 1;
    topic.putSizes.value += bytes;
    topic.putSizes.times += 1;
    if (this.countsTypes && type !== undefined) {
      (topic.traffic ??= new TopicTraffic()).add(type, messages, bytes);
    }
    this.broker.BROKER_PUT_NUMS.value += messages;
    if (topic.isSystem) return;
    this.broker.BROKER_PUT_NUMS_WITHOUT_SYSTEM_TOPIC.value += messages;
  }

  /** The same for a message that lies elsewhere than in the topic it was sent to. */
  storedIn(topicName: string, bytes: number, type?: MessageType): void {
    const topic = this.topics.get(topicName);
    if (topic !== undefined) this.stored(topic, 1, bytes, type);
  }

  /** A message began to wait in a queue of the schedule topic. */
  putDelayed(queueId: number, bytes: number): void {
    if (!this.options.enableDetailStat) return;
    const { putNums, putSizes } = this.delayOf(queueId);
    putNums.add(1);
    putSizes.add(bytes);
  }

  /** A message left it for its topic. */
  gotDelayed(queueId: number, bytes: number): void {
    const { enableDetailStat, enableScheduleMessageStats } = this.options;
    if (!enableScheduleMessageStats) return;
    if (enableDetailStat) {
      const { getNums, getSizes } = this.delayOf(queueId);
      getNums.add(1);
      getSizes.add(bytes);
    }
    const { nums, sizes } = this.getsOf(delayGroup, SystemTopic.SCHEDULE);
    nums.add(1);
    sizes.add(bytes);
  }

  /** A consumer sent a message back; a dead one is not tried again. */
  sentBack(group: string, topic: string, isDead: boolean): void {
    this.byKey.of('SNDBCK_PUT_NUMS', `${topic}@${group}`).add(1);
    if (!isDead) return;
    this.byKey.of('SNDBCK2DLQ_TIMES', `null@${topic}@${group}@SEND_BACK_TO_DLQ`).add(1);
  }

  /** A pull of a group found messages, the search took so long, and it goes on at `next`. */
  found(
    group: string,
    topic: string,
    queueId: number,
    messages: number,
    bytes: number,
    millis: number,
    next: number,
  ): void {
    this.getsFound.total += 1;
    this.transferred.total += messages;
    if (millis > this.longestGet) this.longestGet = millis;
    const gets = this.getsOf(group, topic);
    gets.nums.add(messages);
    gets.sizes.add(bytes);
    gets.pulled[queueId] = next;
    const place = this.options.enableDetailStat ? queueId : 0;
    (gets.latencies[place] ??= new Counter()).add(millis);
    this.broker.BROKER_GET_NUMS.value += messages;
    if (gets.isSystem) return;
    this.broker.BROKER_GET_NUMS_WITHOUT_SYSTEM_TOPIC.value += messages;
  }

  missed(): void {
    this.getsMissed.total += 1;
  }

  /** A group goes on at `next`: a pull without messages was told so, or an operator says so. */
  sentOn(group: string, topic: string, queueId: number, next: number): void {
    this.getsOf(group, topic).pulled[queueId] = next;
  }

  /** Where a group pulls next; undefined when it did not pull since the start. */
  pulledTo(group: string, topic: string, queueId: number): number | undefined {
    return this.groups.get(group)?.get(topic)?.pulled[queueId];
  }

  /** What groups were given, by topic. */
  *reads(): Generator<{
    readonly group: string;
    readonly topic: string;
    readonly isSystem: boolean;
    readonly messages: number;
    readonly bytes: number;
  }> {
    for (const [group, topics] of this.groups) {
      for (const [topic, { isSystem, nums, sizes }] of topics) {
        yield { group, topic, isSystem, messages: nums.value, bytes: sizes.value };
      }
    }
  }

  /** Messages that groups gave up. */
  deadByGroup(): { group: string; topic: string; messages: number }[] {
    return this.byKey.all('SNDBCK2DLQ_TIMES').map(([key, counter]) => {
      const [, topic = '', group = ''] = key.split('@');
      return { group, topic, messages: counter.value };
    });
  }

  /** The counter of Java's statistics name and key; undefined when nothing was counted there. */
  counter(name: string, key: string): Counter | undefined {
    const counter = this.lookUp(name, key);
    return counter?.isUsed === true ? counter : undefined;
  }

  /** Messages per second that a group got of a topic, over the last minute. */
  consumeRate(group: string, topic: string): number {
    return this.groups.get(group)?.get(topic)?.nums.inMinute().tps ?? 0;
  }

  /** Messages per second that were put into a topic, over the last minute. */
  putRate(topic: CountedTopic): number {
    return topic.puts.inMinute().tps;
  }

  forgetGroup(group: string): void {
    for (const { pulled } of this.groups.get(group)?.values() ?? []) pulled.length = 0;
    if (!this.options.autoDeleteUnusedStats) return;
    this.groups.delete(group);
    this.byKey.forget(group);
  }

  forgetTopic(topic: string): void {
    for (const topics of this.groups.values()) {
      const gets = topics.get(topic);
      if (gets !== undefined) gets.pulled.length = 0;
    }
    if (!this.options.autoDeleteUnusedStats) return;
    this.transactions.forget(topic);
    for (const topics of this.groups.values()) topics.delete(topic);
    this.byKey.forget(topic);
  }

  /** Takes samples; to be called every `samplePeriod`. */
  sample(): void {
    const now = this.clock.now();
    this.samples += 1;
    const isHour = this.samples % (hourStep / meterStep) === 0;
    const isDay = this.samples % (dayStep / meterStep) === 0;
    const idle = this.options.maxStatsIdleTimeInMinutes;
    const oldest = idle < 0 ? Number.NEGATIVE_INFINITY : now - idle * 60_000;
    for (const counter of this.counters()) {
      if (!counter.isUsed) continue;
      counter.sample(now, isHour, isDay);
      if (counter.idleSince < oldest) counter.reset();
    }
    for (const counter of Object.values(this.broker)) counter.sample(now, isHour, isDay);
    if (this.samples % minutesSamples === 0) this.putTimes.turnOver();
    for (const meter of [
      this.puts,
      this.failedPuts,
      this.getsFound,
      this.getsMissed,
      this.transferred,
    ]) {
      meter.sample(now);
    }
    const day = new Date(now).getDate();
    if (day === this.day) return;
    this.day = day;
    this.mornings.put = [this.mornings.put[1], this.putTotal];
    this.mornings.got = [this.mornings.got[1], this.getTotal];
  }

  private getsOf(group: string, topic: string): Gets {
    let topics = this.groups.get(group);
    if (topics === undefined) this.groups.set(group, (topics = new Map()));
    let gets = topics.get(topic);
    if (gets === undefined) {
      const isSystem = this.topics.get(topic)?.isSystem ?? isSystemTopic(topic);
      gets = { isSystem, nums: new Counter(), sizes: new Counter(), latencies: [], pulled: [] };
      topics.set(topic, gets);
    }
    return gets;
  }

  private delayOf(queueId: number): DelayCounts {
    const known = this.delays[queueId];
    if (known !== undefined) return known;
    const putKey = `${SystemTopic.SCHEDULE}@${queueId}`;
    const getKey = `${putKey}@${delayGroup}`;
    return (this.delays[queueId] = {
      putNums: this.byKey.of('QUEUE_PUT_NUMS', putKey),
      putSizes: this.byKey.of('QUEUE_PUT_SIZE', putKey),
      getNums: this.byKey.of('QUEUE_GET_NUMS', getKey),
      getSizes: this.byKey.of('QUEUE_GET_SIZE', getKey),
    });
  }

  private lookUp(name: string, key: string): Counter | undefined {
    switch (name) {
      case 'TOPIC_PUT_NUMS':
        return this.topics.get(key)?.puts;
      case 'TOPIC_PUT_SIZE':
        return this.topics.get(key)?.putSizes;
      case 'GROUP_GET_NUMS':
      case 'GROUP_GET_SIZE': {
        const [topic = '', group = ''] = key.split('@');
        const gets = this.groups.get(group)?.get(topic);
        return name === 'GROUP_GET_NUMS' ? gets?.nums : gets?.sizes;
      }
      case 'GROUP_GET_LATENCY': {
        const names = this.options.enableDetailStat ? key.split('@') : ['0', ...key.split('@')];
        const [queueId = '', topic = '', group = ''] = names;
        return this.groups.get(group)?.get(topic)?.latencies[Number(queueId)];
      }
      default:
        if (!Object.hasOwn(this.broker, name)) return this.byKey.find(name, key);
        if (key !== this.options.brokerClusterName) return undefined;
        return this.broker[name as keyof typeof this.broker];
    }
  }

  /** All but those of the broker as a whole. */
  private *counters(): Generator<Counter> {
    for (const { puts, putSizes } of this.topics.all()) {
      yield puts;
      yield putSizes;
    }
    for (const topics of this.groups.values()) {
      for (const { nums, sizes, latencies } of topics.values()) {
        yield nums;
        yield sizes;
        // Queues that were never read are holes.
        for (const latency of latencies) if (latency !== undefined) yield latency;
      }
    }
    yield* this.byKey.counters();
  }
}
