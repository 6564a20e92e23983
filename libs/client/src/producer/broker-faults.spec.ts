import { ManualClock } from '@nestjs-rocketmq/foundation/testing';
import { BrokerFaults } from './broker-faults.js';

describe('BrokerFaults', () => {
  let clock: ManualClock;
  let faults: BrokerFaults;

  beforeEach(() => {
    clock = new ManualClock();
    faults = new BrokerFaults(clock);
  });

  /** How long the broker is avoided, looked at every half second. */
  const awayFor = async (): Promise<number> => {
    for (let ms = 0; ms <= 40_000; ms += 500) {
      if (faults.isAvailable('b')) return ms;
      await clock.advance(500);
    }
    return Number.POSITIVE_INFINITY;
  };

  it.each([
    [49, 0],
    [549, 0],
    [550, 2_000],
    [1_800, 5_000],
    [3_000, 6_000],
    [5_000, 10_000],
    [15_000, 30_000],
    [99_000, 30_000],
  ])('avoids a broker that took %i ms for %i ms, as Java does', async (latency, away) => {
    faults.answered('b', latency);
    expect(await awayFor()).toBe(away);
  });

  it('avoids a broker that failed for 10 s, and keeps it when somebody looks after it', async () => {
    faults.failed('b', true);
    expect([faults.isAvailable('b'), faults.isReachable('b')]).toEqual([false, true]);
    expect(await awayFor()).toBe(10_000);
    faults.failed('b', false);
    expect(faults.isReachable('b')).toBe(false);
    faults.reached('b');
    expect(faults.isReachable('b')).toBe(true);
  });

  it('never shortens the time for which a broker is avoided', async () => {
    faults.answered('b', 15_000);
    faults.answered('b', 600);
    faults.answered('b', 1);
    expect(await awayFor()).toBe(30_000);
  });

  it('has each broker looked at once in a while only', async () => {
    faults.failed('a', false);
    faults.failed('b', false);
    expect(faults.due(2_000)).toEqual(['a', 'b']);
    await clock.advance(1_999);
    expect(faults.due(2_000)).toEqual([]);
    await clock.advance(1);
    faults.forget('a');
    expect(faults.due(2_000)).toEqual(['b']);
  });
});
