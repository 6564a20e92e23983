import { ManualClock } from '@nestjs-rocketmq/foundation/testing';
import { Arrivals, type Waiter } from './arrivals.js';

class TestWaiter implements Waiter {
  isGone = false;
  wants = true;
  readonly log: string[] = [];

  constructor(readonly deadline: number) {}

  arrived(): boolean {
    this.log.push('arrived');
    return this.wants;
  }

  expired(): void {
    this.log.push('expired');
  }
}

describe('Arrivals', () => {
  const queue = {};
  const other = {};
  let clock: ManualClock;
  let arrivals: Arrivals;

  beforeEach(() => {
    clock = new ManualClock(0);
    arrivals = new Arrivals(clock, 3);
  });

  it('wakes who waits for a queue, within the announcement, and nobody else', () => {
    const one = new TestWaiter(1000);
    const two = new TestWaiter(1000);
    arrivals.hold(queue, one);
    arrivals.hold(other, two);
    arrivals.announce(queue);
    expect(one.log).toEqual(['arrived']);
    expect(two.log).toEqual([]);
    expect(arrivals.size).toBe(1);
  });

  it('keeps a waiter that could not use what arrived', () => {
    const waiter = new TestWaiter(1000);
    waiter.wants = false;
    arrivals.hold(queue, waiter);
    arrivals.announce(queue);
    arrivals.announce(queue);
    expect(waiter.log).toEqual(['arrived', 'arrived']);
    expect(arrivals.size).toBe(1);
  });

  it('answers a waiter when its time is up, not before', async () => {
    const early = new TestWaiter(500);
    const late = new TestWaiter(5000);
    arrivals.hold(queue, late);
    arrivals.hold(queue, early);
    await clock.advance(499);
    expect(early.log).toEqual([]);
    await clock.advance(101);
    expect(early.log).toEqual(['expired']);
    expect(late.log).toEqual([]);
    await clock.advance(5000);
    expect(late.log).toEqual(['expired']);
    expect(arrivals.size).toBe(0);
  });

  it('waits as long as was asked for, wherever the wall clock is set meanwhile', async () => {
    const [one, two] = [new TestWaiter(500), new TestWaiter(500)];
    arrivals.hold(queue, one);
    clock.shiftWallClock(86_400_000);
    await clock.advance(499);
    expect(one.log).toEqual([]);
    arrivals.hold(other, two);
    clock.shiftWallClock(-2 * 86_400_000);
    await clock.advance(101);
    expect([one.log, two.log]).toEqual([['expired'], ['expired']]);
  });

  it('drops a waiter that has gone without answering it', async () => {
    const waiter = new TestWaiter(500);
    arrivals.hold(queue, waiter);
    waiter.isGone = true;
    arrivals.announce(queue);
    await clock.advance(1000);
    expect(waiter.log).toEqual([]);
    expect(arrivals.size).toBe(0);
  });

  it('refuses beyond its bound', () => {
    for (let i = 0; i < 3; i += 1) expect(arrivals.hold(queue, new TestWaiter(9))).toBe(true);
    expect(arrivals.hold(queue, new TestWaiter(9))).toBe(false);
  });

  it('keeps who begins to wait again while being answered', () => {
    const again = new TestWaiter(1000);
    const first = new TestWaiter(1000);
    first.arrived = () => {
      arrivals.hold(queue, again);
      return true;
    };
    arrivals.hold(queue, first);
    arrivals.announce(queue);
    expect(arrivals.size).toBe(1);
    arrivals.announce(queue);
    expect(again.log).toEqual(['arrived']);
  });

  it('answers everybody when it is released', () => {
    const waiter = new TestWaiter(1000);
    arrivals.hold(queue, waiter);
    arrivals.release();
    expect(waiter.log).toEqual(['expired']);
    expect(arrivals.size).toBe(0);
  });
});
