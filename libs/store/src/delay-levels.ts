import { OptionsError } from '@nestjs-rocketmq/foundation';

/** The delay levels of an unconfigured broker; level 1 is the first. */
export const defaultDelayLevels = '1s 5s 10s 30s 1m 2m 3m 4m 5m 6m 7m 8m 9m 10m 20m 30m 1h 2h';

const unitMillis: Readonly<Record<string, number>> = {
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

/** Delays in milliseconds; index 0 is level 1. Throws `OptionsError` naming the bad level. */
export function parseDelayLevels(text: string): number[] {
  const levels = text.trim().split(/\s+/);
  return levels.map((level, index) => {
    const parts = /^(\d+)([smhd])$/.exec(level);
    if (parts === null) {
      throw new OptionsError('messageDelayLevel', [
        `level ${index + 1} is '${level}', but must be a number with s, m, h or d, such as 10s`,
      ]);
    }
    return Number(parts[1]) * (unitMillis[parts[2] as string] as number);
  });
}
