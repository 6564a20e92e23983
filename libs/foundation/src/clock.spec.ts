import { systemClock } from './clock.js';
import { ManualClock } from './testing/manual-clock.js';

describe('ManualClock', () => {
  it('runs due tasks in the order of their times, then of their making', async () => {
    const clock = new ManualClock(0);
    const story: string[] = [];
    clock.after(20, () => story.push(`b at ${clock.now()}`));
    clock.after(10, () => story.push(`a at ${clock.now()}`));
    clock.after(20, () => story.push(`c at ${clock.now()}`));
    await clock.advance(19);
    expect(story).toEqual(['a at 10']);
    await clock.advance(1);
    expect(story).toEqual(['a at 10', 'b at 20', 'c at 20']);
  });

  it('repeats until cancelled', async () => {
    const clock = new ManualClock(0);
    let runs = 0;
    const timer = clock.every(5, () => (runs += 1));
    await clock.advance(17);
    timer.cancel();
    await clock.advance(100);
    expect(runs).toBe(3);
    expect(clock.waiting).toBe(0);
  });

  it('runs what a task itself makes due within the same advance', async () => {
    const clock = new ManualClock(0);
    const story: number[] = [];
    clock.after(5, () => clock.after(5, () => story.push(clock.now())));
    await clock.advance(10);
    expect(story).toEqual([10]);
  });

  it('an aborted sleep rejects with the reason and leaves no timer', async () => {
    const clock = new ManualClock(0);
    const abort = new AbortController();
    const sleep = clock.sleep(10, abort.signal);
    abort.abort(new Error('no need'));
    await expect(sleep).rejects.toThrow('no need');
    expect(clock.waiting).toBe(0);
  });
});

describe('systemClock', () => {
  it('a sleep that is aborted rejects at once', async () => {
    const abort = new AbortController();
    const sleep = systemClock.sleep(60_000, abort.signal);
    abort.abort(new Error('enough'));
    await expect(sleep).rejects.toThrow('enough');
  });

  it('a cancelled timer does not run, and monotonic time does not go back', async () => {
    const before = systemClock.monotonic();
    let ran = false;
    systemClock.after(1, () => (ran = true)).cancel();
    await systemClock.sleep(5);
    expect(ran).toBe(false);
    expect(systemClock.monotonic()).toBeGreaterThan(before);
  });
});
