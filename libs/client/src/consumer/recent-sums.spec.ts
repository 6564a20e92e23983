import { RecentSums } from './recent-sums.js';
import { TopicMeasures } from './topic-measures.js';

describe('RecentSums', () => {
  it('covers the steps just gone and forgets what is older', () => {
    const sums = new RecentSums(10, 3, 1_000);
    sums.add(1_000, 5);
    sums.add(1_012, 7);
    expect(sums.look(1_012)).toEqual({ sum: 12, times: 2, seconds: 1 });
    expect(sums.look(1_029)).toMatchObject({ sum: 12, times: 2 });
    expect(sums.look(1_031)).toMatchObject({ sum: 7, times: 1 });
    expect(sums.look(9_000)).toMatchObject({ sum: 0, times: 0 });
  });

  it('counts the seconds since its begin, at most those that it covers', () => {
    const sums = new RecentSums(10_000, 7, 5_000);
    expect(sums.look(5_100).seconds).toBe(1);
    expect(sums.look(25_000).seconds).toBe(20);
    expect(sums.look(125_000).seconds).toBe(65);
  });

  it('does not mind a look that comes from before', () => {
    const sums = new RecentSums(10, 3, 0);
    sums.add(40, 1);
    sums.add(20, 1);
    expect(sums.look(40).sum).toBe(2);
  });
});

describe('TopicMeasures', () => {
  it('tells rates and mean times, and calls of the last hour when the minute had none', () => {
    const measures = new TopicMeasures(0);
    measures.pulls(1_000, 8, 32);
    measures.pulls(2_000, 4, 8);
    measures.calls(3_000, 10);
    measures.calls(4_000, 30);
    measures.settles(4_000, 3, 1);
    expect(measures.rates(10_000)).toEqual({
      pullRt: 6,
      pullTps: 4,
      consumeRt: 20,
      consumeOkTps: 0.3,
      consumeFailedTps: 0.1,
      consumeFailedInHour: 1,
    });
    expect(measures.rates(600_000)).toEqual({
      pullRt: 0,
      pullTps: 0,
      consumeRt: 20,
      consumeOkTps: 0,
      consumeFailedTps: 0,
      consumeFailedInHour: 1,
    });
  });
});
