import { RecentSums } from './recent-sums.js';

/** What a group did with a topic lately. Java: ConsumeStatus of its ConsumerStatsManager. */
export interface TopicRates {
  /** Mean time of a pull that found messages, over the last minute, ms. */
  readonly pullRt: number;
  /** Messages pulled per second, over the last minute. */
  readonly pullTps: number;
  /** Mean time of a listener call, over the last minute, else the last hour, ms. */
  readonly consumeRt: number;
  /** Messages finished well per second, over the last minute. */
  readonly consumeOkTps: number;
  /** Messages failed per second, over the last minute. */
  readonly consumeFailedTps: number;
  /** Messages failed in the last hour. */
  readonly consumeFailedInHour: number;
}

const minute = (begin: number) => new RecentSums(10_000, 7, begin);
const hour = (begin: number) => new RecentSums(600_000, 7, begin);

/** Counts for one topic; times are monotonic ms. */
export class TopicMeasures {
  private readonly pullTimes: RecentSums;
  private readonly pulled: RecentSums;
  private readonly callTimes: RecentSums;
  private readonly callTimesInHour: RecentSums;
  private readonly good: RecentSums;
  private readonly failed: RecentSums;
  private readonly failedInHour: RecentSums;

  constructor(begin: number) {
    this.pullTimes = minute(begin);
    this.pulled = minute(begin);
    this.callTimes = minute(begin);
    this.callTimesInHour = hour(begin);
    this.good = minute(begin);
    this.failed = minute(begin);
    this.failedInHour = hour(begin);
  }

  /** A pull that found messages. */
  pulls(now: number, duration: number, messages: number): void {
    this.pullTimes.add(now, duration);
    this.pulled.add(now, messages);
  }

  /** A listener call ended. */
  calls(now: number, duration: number): void {
    this.callTimes.add(now, duration);
    this.callTimesInHour.add(now, duration);
  }

  /** Messages were finished well, or failed. */
  settles(now: number, good: number, failed: number): void {
    if (good > 0) this.good.add(now, good);
    if (failed === 0) return;
    this.failed.add(now, failed);
    this.failedInHour.add(now, failed);
  }

  rates(now: number): TopicRates {
    const recent = this.callTimes.look(now);
    const calls = recent.times > 0 ? recent : this.callTimesInHour.look(now);
    const pulls = this.pullTimes.look(now);
    return {
      pullRt: mean(pulls.sum, pulls.times),
      pullTps: perSecond(this.pulled, now),
      consumeRt: mean(calls.sum, calls.times),
      consumeOkTps: perSecond(this.good, now),
      consumeFailedTps: perSecond(this.failed, now),
      consumeFailedInHour: this.failedInHour.look(now).sum,
    };
  }
}

/** Counts of one group, by topic. */
export class GroupMeasures {
  private readonly topics = new Map<string, TopicMeasures>();

  of(topic: string, now: number): TopicMeasures {
    const known = this.topics.get(topic);
    if (known !== undefined) return known;
    const fresh = new TopicMeasures(now);
    this.topics.set(topic, fresh);
    return fresh;
  }

  /** A topic that is subscribed no more. */
  forget(topic: string): void {
    this.topics.delete(topic);
  }
}

function mean(sum: number, times: number): number {
  return times === 0 ? 0 : sum / times;
}

function perSecond(sums: RecentSums, now: number): number {
  const { sum, seconds } = sums.look(now);
  return sum / seconds;
}
