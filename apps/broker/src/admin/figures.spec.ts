import { ManualClock } from '@nestjs-rocketmq/foundation/testing';
import { Figures, Meter } from './figures.js';

describe('Meter', () => {
  it('knows its speed over windows of different length', () => {
    const meter = new Meter(0);
    for (let second = 10; second <= 60; second += 10) {
      meter.total += second <= 30 ? 100 : 200;
      meter.sample(second * 1000);
    }
    expect(meter.rate(10_000, 60_000)).toBe(20);
    expect(meter.rate(60_000, 60_000)).toBe(15);
    expect(meter.rates(60_000)).toBe('20.000000 15.000000 15.000000');
  });

  it('stands at zero before any time has passed', () => {
    expect(new Meter(5).rate(10_000, 5)).toBe(0);
  });
});

describe('Figures', () => {
  it('remembers what was stored at midnight', async () => {
    const clock = new ManualClock(new Date(2026, 0, 1, 23, 59, 55).getTime());
    const figures = new Figures(clock);
    figures.stored(5, 500);
    await clock.advance(10_000);
    figures.sample([]);
    figures.stored(2, 200);
    expect(figures.mornings.put).toEqual([0, 5]);
    expect([figures.puts.total, figures.putBytes]).toEqual([7, 700]);
  });

  it('measures how fast a topic is filled and a group consumes', async () => {
    const clock = new ManualClock(0);
    const figures = new Figures(clock);
    const topic = { name: 'orders', putMessages: 0 };
    figures.sample([topic]);
    figures.found('g', 'orders', 30);
    await clock.advance(10_000);
    topic.putMessages = 50;
    figures.sample([topic]);
    figures.found('g', 'orders', 70);
    expect(figures.putRate(topic)).toBe(5);
    expect(figures.consumeRate('g', 'orders')).toBe(10);
    expect(figures.consumeRate('g', 'refunds')).toBe(0);
  });
});
