import type { Amounts, PricedLine } from './amounts.js';

/** An order that is to come into being; everything is decided but whether it can. */
export interface NewOrder extends Amounts {
  /** Chosen before anything is sent or written. */
  readonly orderId: string;
  readonly userId: string;
  readonly lines: readonly PricedLine[];
  readonly idempotencyKey: string;
  readonly requestHash: string;
}

/**
 * How an order comes to be, and stays consistent with what it takes from others while any process
 * may die at any moment. There is more than one right way; the rest of the application does not
 * know which one is used.
 */
export abstract class OrderFlow {
  /**
   * Places the order or leaves no trace of it.
   *
   * @throws OutOfStockError when a line cannot be met; KeyTakenError when another request with the
   *   same idempotency key came first; UnavailableError when the outcome is no or not known yet
   *   (repeating the request with the same key is safe).
   */
  abstract place(order: NewOrder): Promise<void>;
}
