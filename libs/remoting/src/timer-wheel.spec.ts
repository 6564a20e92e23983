import { ManualClock } from '@nestjs-rocketmq/foundation/testing';
import { TimerWheel, WheelEntry } from './timer-wheel.js';

class Entry extends WheelEntry {
  constructor(
    private readonly clock: ManualClock,
    readonly expired: number[] = [],
  ) {
    super();
  }

  expire(): void {
    this.expired.push(this.clock.monotonic());
  }
}

describe('the timer wheel', () => {
  it('expires never early and at most one tick late, over many turns of the wheel', async () => {
    const clock = new ManualClock();
    const wheel = new TimerWheel(clock, 25);
    const waits = [0, 1, 24, 25, 26, 1_000, 12_799, 12_800, 12_801, 60_000];
    const entries = waits.map((ms) => {
      const entry = new Entry(clock);
      wheel.add(entry, ms);
      return entry;
    });
    await clock.advance(70_000);
    entries.forEach(({ expired }, i) => {
      expect(expired).toHaveLength(1);
      expect(expired[0]).toBeGreaterThanOrEqual(waits[i] as number);
      expect(expired[0]).toBeLessThanOrEqual((waits[i] as number) + 50);
    });
  });

  it('forgets what was removed, from the middle of a slot too', async () => {
    const clock = new ManualClock();
    const wheel = new TimerWheel(clock, 25);
    const entries = [1, 2, 3].map(() => new Entry(clock));
    for (const entry of entries) wheel.add(entry, 100);
    wheel.remove(entries[1] as Entry);
    wheel.remove(entries[1] as Entry);
    expect(wheel.size).toBe(2);
    await clock.advance(200);
    expect(entries.map(({ expired }) => expired.length)).toEqual([1, 0, 1]);
    expect(wheel.size).toBe(0);
  });

  it('rests when nothing waits, and wakes up again', async () => {
    const clock = new ManualClock();
    const wheel = new TimerWheel(clock, 25);
    wheel.add(new Entry(clock), 10);
    await clock.advance(5_000);
    expect(clock.waiting).toBe(0);
    const late = new Entry(clock);
    wheel.add(late, 1_000);
    await clock.advance(900);
    expect(late.expired).toEqual([]);
    await clock.advance(200);
    expect(late.expired).toHaveLength(1);
  });

  it('expires everything that is overdue after a long pause of the process', async () => {
    const clock = new ManualClock();
    const wheel = new TimerWheel(clock, 25);
    const entries = Array.from({ length: 600 }, (_, i) => {
      const entry = new Entry(clock);
      wheel.add(entry, i * 40);
      return entry;
    });
    clock.jump(100_000);
    await clock.advance(25);
    expect(entries.every(({ expired }) => expired.length === 1)).toBe(true);
  });
});
