import { expect, test } from 'vitest';
import { placeAndPay } from './scenario.js';

test('the testing kit works under Vitest', async () => {
  const { seconds, sent } = await placeAndPay();
  expect(seconds).toEqual([0, 10, 40]);
  expect(sent).toEqual([{ id: 1 }]);
});
