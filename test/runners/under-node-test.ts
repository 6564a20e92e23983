import assert from 'node:assert/strict';
import test from 'node:test';
import { placeAndPay } from './scenario.js';

test('the testing kit works under node:test', async () => {
  const { seconds, sent } = await placeAndPay();
  assert.deepEqual(seconds, [0, 10, 40]);
  assert.deepEqual(sent, [{ id: 1 }]);
});
