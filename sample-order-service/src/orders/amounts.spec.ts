import { pointsFor } from '../points/points.service.js';
import { RequestError } from '../sample.errors.js';
import { amountsOf } from './amounts.js';

describe('what an order costs', () => {
  const line = (unitPrice: number, quantity = 1) => ({ sku: 's', quantity, unitPrice });

  it('is its lines and the shipping', () => {
    expect(amountsOf([line(1250, 2), line(990)])).toEqual({
      goodsAmount: 3490,
      shippingFee: 1000,
      payAmount: 4490,
    });
  });

  it.each([
    [9899, 1000],
    [9900, 0],
    [9901, 0],
  ])('for goods of %i cents has a shipping fee of %i', (goods, fee) => {
    expect(amountsOf([line(goods)]).shippingFee).toBe(fee);
  });

  it('is refused where the tables could not hold it', () => {
    expect(() => amountsOf([line(100_000, 1000), line(2_147_483_647)])).toThrow(RequestError);
  });
});

describe('the points of an order', () => {
  it.each([
    [0, 0],
    [99, 0],
    [100, 1],
    [4490, 44],
  ])('for %i cents are %i', (cents, points) => {
    expect(pointsFor(cents)).toBe(points);
  });
});
