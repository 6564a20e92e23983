import { storedMessage } from '../testing/fake-client.js';
import { isLastTry, tryLimit, type TriedBy } from './try-limit.js';

const usual: TriedBy = { mode: 'concurrent', model: 'clustering', maxReconsumeTimes: -1 };

describe('how often a message is tried', () => {
  it.each<[string, Partial<TriedBy>, number]>([
    ['sixteen times again', {}, 16],
    ['without end when orderly', { mode: 'orderly' }, Number.POSITIVE_INFINITY],
    ['as often as is said', { maxReconsumeTimes: 3 }, 3],
    ['once', { maxReconsumeTimes: 0 }, 0],
    ['as often as is said, orderly', { mode: 'orderly', maxReconsumeTimes: 3 }, 3],
    [
      'broadcast messages without end',
      { model: 'broadcasting', maxReconsumeTimes: 3 },
      Number.POSITIVE_INFINITY,
    ],
  ])('%s', (_, given, limit) => {
    expect(tryLimit({ ...usual, ...given })).toBe(limit);
  });

  it('ends with the try after that many', () => {
    const tried = [2, 3, 4].map((reconsumeTimes) => storedMessage({}, { reconsumeTimes }));
    expect(tried.map((message) => isLastTry(message, 3))).toEqual([false, true, true]);
  });
});
