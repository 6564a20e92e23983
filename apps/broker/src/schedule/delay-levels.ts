import { OptionsError } from '@nestjs-rocketmq/foundation';

/** Apache's `messageDelayLevel`: level n is the n-th delay. */
export const defaultDelayLevels = '1s 5s 10s 30s 1m 2m 3m 4m 5m 6m 7m 8m 9m 10m 20m 30m 1h 2h';

const unitMillis: Readonly<Record<string, number>> = {
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

function millisOf(word: string): number | undefined {
  const parts = /^(\d+)([smhd])$/.exec(word);
  const unit = unitMillis[parts?.[2] ?? ''];
  return parts === null || unit === undefined ? undefined : Number(parts[1]) * unit;
}

/**
 * Level <-> delay <-> queue of the schedule topic. Levels count from 1; the messages of level n
 * wait in queue n - 1 (Apache's `ScheduleMessageService`).
 */
export class DelayLevels {
  private constructor(private readonly delays: readonly number[]) {}

  /** Reads `1s 5s 1m`; units s, m, h, d. Throws `OptionsError` naming the word at fault. */
  static parse(text: string): DelayLevels {
    const words = text.split(/\s+/).filter((word) => word !== '');
    const delays = words.map((word) => {
      const millis = millisOf(word);
      if (millis !== undefined) return millis;
      throw new OptionsError('messageDelayLevel', [
        `'${word}' is no delay; write a whole number and one of s, m, h, d, such as 10s`,
      ]);
    });
    if (delays.length === 0) {
      throw new OptionsError('messageDelayLevel', ['names no level; an example is 1s 5s 10s']);
    }
    return new DelayLevels(delays);
  }

  /** The highest level. */
  get highest(): number {
    return this.delays.length;
  }

  /** A level beyond the highest is taken for the highest, as Java does. */
  clamp(level: number): number {
    return Math.min(level, this.delays.length);
  }

  /** Milliseconds of a level from 1 to `highest`. */
  delayOf(level: number): number {
    const delay = this.delays[level - 1];
    if (delay === undefined) throw new RangeError(`There is no delay level ${level}.`);
    return delay;
  }

  queueOf(level: number): number {
    return level - 1;
  }

  levelOf(queueId: number): number {
    return queueId + 1;
  }
}
