import { PutTimes } from './put-times.js';

describe('PutTimes', () => {
  it('shows the percentiles of the minute that is over', () => {
    const times = new PutTimes();
    times.add(1, 900);
    times.add(15, 90);
    times.add(700, 10);
    expect(times.percentile(0.99)).toBe(0);
    times.turnOver();
    expect(times.percentile(0.99)).toBe(15);
    expect(times.percentile(0.5)).toBeLessThanOrEqual(1);
    expect(times.percentile(0.999)).toBeGreaterThan(600);
    times.turnOver();
    expect(times.percentile(0.99)).toBe(0);
  });

  it('remembers the longest of all', () => {
    const times = new PutTimes();
    times.add(1234.5, 1);
    times.turnOver();
    times.turnOver();
    expect(times.max).toBe(1234);
  });

  it("says in Java's words how many puts took how long", () => {
    const times = new PutTimes();
    times.add(0.4, 3);
    times.add(12_000, 1);
    times.turnOver();
    expect(times.distribution()).toMatch(/^\[<=0ms\]:3 \[0~10ms\]:0 .*\[10s~\]:1 $/);
  });
});
