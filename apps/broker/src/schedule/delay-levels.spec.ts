import { OptionsError } from '@nestjs-rocketmq/foundation';
import { defaultDelayLevels, DelayLevels } from './delay-levels.js';

describe('DelayLevels', () => {
  it("knows Apache's eighteen levels", () => {
    const levels = DelayLevels.parse(defaultDelayLevels);
    expect(levels.highest).toBe(18);
    expect(levels.delayOf(1)).toBe(1000);
    expect(levels.delayOf(3)).toBe(10_000);
    expect(levels.delayOf(18)).toBe(7_200_000);
  });

  it('takes a level beyond the highest for the highest', () => {
    const levels = DelayLevels.parse('1s 2d');
    expect(levels.clamp(7)).toBe(2);
    expect(levels.delayOf(levels.clamp(7))).toBe(172_800_000);
  });

  it('keeps the messages of level n in queue n - 1', () => {
    const levels = DelayLevels.parse(defaultDelayLevels);
    expect(levels.queueOf(5)).toBe(4);
    expect(levels.levelOf(4)).toBe(5);
  });

  it.each(['1s 5x', '1s five', '', '   ', '1.5s'])('refuses %j', (text) => {
    expect(() => DelayLevels.parse(text)).toThrow(OptionsError);
  });
});
