import { Counter } from './counter.js';

describe('Counter', () => {
  it('knows sum, speed and size of an addition within the last minute', () => {
    const counter = new Counter();
    counter.add(30);
    counter.sampleMinute(10_000);
    counter.add(10);
    counter.add(20);
    counter.sampleMinute(20_000);
    expect(counter.inMinute()).toEqual({ sum: 60, tps: 3, avgpt: 20 });
  });

  it('forgets what lies longer back than a minute', () => {
    const counter = new Counter();
    counter.add(1000);
    for (let second = 10; second <= 100; second += 10) {
      counter.sampleMinute(second * 1000);
      counter.add(5);
    }
    expect(counter.inMinute()).toEqual({ sum: 30, tps: 0.5, avgpt: 5 });
  });

  it('has windows of an hour and a day of their own', () => {
    const counter = new Counter();
    counter.add(600);
    counter.sampleHour(600_000);
    expect(counter.inHour()).toEqual({ sum: 600, tps: 1, avgpt: 600 });
    counter.sampleDay(3_600_000);
    expect(counter.inDay().sum).toBe(600);
    expect(counter.inMinute()).toEqual({ sum: 0, tps: 0, avgpt: 0 });
  });

  it('knows since when it stands still, and can begin anew', () => {
    const counter = new Counter();
    counter.add(1);
    for (let second = 10; second <= 60; second += 10) counter.sampleMinute(second * 1000);
    expect(counter.idleSince).toBe(10_000);
    counter.reset();
    expect(counter.isUsed).toBe(false);
    expect(counter.inMinute().sum).toBe(0);
  });
});
