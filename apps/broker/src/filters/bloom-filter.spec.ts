import { BloomFilter } from './bloom-filter.js';

describe('BloomFilter', () => {
  it.each([
    ['group#topic', [79, 21, 21]],
    ['a-consumer-group-of-orders#orders', [105, 58, 11]],
    ['订单#t', [106, 3, 99]],
    ['0123456789abcdef', [11, 47, 60]],
    ['x', [8, 54, 26]],
  ])('has the bits for %s that the official broker has', (text, bitPos) => {
    expect(new BloomFilter(20, 32).dataOf(text)).toEqual({ bitNum: 112, bitPos });
  });
});
