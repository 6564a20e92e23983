import { RequestError } from '../sample.errors.js';

/** Orders from here on are sent free of charge, in cents. */
export const FREE_SHIPPING_FROM = 9900;
export const SHIPPING_FEE = 1000;

/** The largest amount that the tables hold. */
const LARGEST = 2_147_483_647;

export interface PricedLine {
  readonly sku: string;
  readonly quantity: number;
  readonly unitPrice: number;
}

/** What an order costs; whole cents. */
export interface Amounts {
  readonly goodsAmount: number;
  readonly shippingFee: number;
  readonly payAmount: number;
}

/** @throws RequestError when the sum is beyond what one order may cost. */
export function amountsOf(lines: readonly PricedLine[]): Amounts {
  const goodsAmount = lines.reduce((sum, line) => sum + line.quantity * line.unitPrice, 0);
  const shippingFee = goodsAmount >= FREE_SHIPPING_FROM ? 0 : SHIPPING_FEE;
  const payAmount = goodsAmount + shippingFee;
  if (payAmount > LARGEST) {
    throw new RequestError(`An order may cost at most ${LARGEST} cents; this one: ${payAmount}.`, {
      details: { payAmount },
    });
  }
  return { goodsAmount, shippingFee, payAmount };
}
