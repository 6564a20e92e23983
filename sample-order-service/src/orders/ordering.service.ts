import { createHash, randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { InventoryService } from '../inventory/inventory.service.js';
import type { Payment } from '../payments/payment.entities.js';
import { PaymentsService } from '../payments/payments.service.js';
import { IdempotencyError, KeyTakenError, StateError } from '../sample.errors.js';
import { amountsOf } from './amounts.js';
import type { Idempotency, Order } from './order.entities.js';
import { OrderClosing } from './order-closing.js';
import { OrderFlow } from './order-flow.js';
import { OrderOutbox } from './order-outbox.js';
import { OrdersService } from './orders.service.js';

/** What a buyer wants. */
export interface OrderRequest {
  readonly userId: string;
  readonly items: readonly { readonly sku: string; readonly quantity: number }[];
}

/** What a buyer can do: place, pay, cancel. */
@Injectable()
export class OrderingService {
  constructor(
    private readonly orders: OrdersService,
    private readonly flow: OrderFlow,
    private readonly closing: OrderClosing,
    private readonly outbox: OrderOutbox,
    private readonly inventory: InventoryService,
    private readonly payments: PaymentsService,
  ) {}

  /**
   * Places an order; the same request with the same key answers with the same order.
   *
   * @throws IdempotencyError when the key came before with another request; OutOfStockError;
   *   NotFoundError for an unknown product; UnavailableError.
   */
  async place(request: OrderRequest, idempotencyKey: string): Promise<Order> {
    const { userId } = request;
    const requestHash = hashOf(request);
    const earlier = await this.orders.byKey(userId, idempotencyKey);
    if (earlier !== undefined) return this.answerAgain(earlier, requestHash);
    const wanted = merge(request.items);
    const prices = await this.inventory.prices(wanted.map((line) => line.sku));
    const lines = wanted.map((line) => ({ ...line, unitPrice: prices.get(line.sku) ?? 0 }));
    const orderId = `O-${randomUUID()}`;
    try {
      const amounts = amountsOf(lines);
      await this.flow.place({ orderId, userId, lines, idempotencyKey, requestHash, ...amounts });
    } catch (error) {
      if (!(error instanceof KeyTakenError)) throw error;
      const winner = await this.orders.byKey(userId, idempotencyKey);
      if (winner === undefined) throw error;
      return this.answerAgain(winner, requestHash);
    }
    return this.orders.byId(orderId);
  }

  /** The payment of an order that may still be paid. Throws StateError otherwise. */
  async pay(orderId: string): Promise<Payment> {
    const order = await this.orders.byId(orderId);
    if (order.status !== 'AWAITING_PAYMENT') throw refusal(order, 'paid');
    const payment = await this.payments.open(orderId, order.payAmount);
    if (payment.state !== 'CREATED') throw refusal(order, 'paid');
    return payment;
  }

  /** Cancels an order that waits for its payment. Throws StateError when it is too late. */
  async cancel(orderId: string): Promise<Order> {
    const order = await this.orders.byId(orderId);
    const isCancelled = await this.closing.close(order, 'cancelled by the buyer');
    const after = await this.orders.byId(orderId);
    if (!isCancelled) throw refusal(after, 'cancelled');
    await this.outbox.flushSoon(orderId);
    return after;
  }

  private answerAgain(earlier: Idempotency, requestHash: string): Promise<Order> {
    if (earlier.requestHash !== requestHash) {
      throw new IdempotencyError(
        `The Idempotency-Key ${earlier.key} belongs to another request; use a new one.`,
        { details: { key: earlier.key, orderId: earlier.orderId } },
      );
    }
    return this.orders.byId(earlier.orderId);
  }
}

function refusal(order: Order, what: string): StateError {
  const { orderId, status } = order;
  return new StateError(`Order ${orderId} is ${status} or about to be; it cannot be ${what}.`, {
    details: { orderId, status },
  });
}

/** One line for each product, however often it was named. */
function merge(items: OrderRequest['items']): { sku: string; quantity: number }[] {
  const quantities = new Map<string, number>();
  for (const { sku, quantity } of items) {
    quantities.set(sku, (quantities.get(sku) ?? 0) + quantity);
  }
  return [...quantities].map(([sku, quantity]) => ({ sku, quantity }));
}

function hashOf(request: OrderRequest): string {
  const items = merge(request.items).sort((a, b) => (a.sku < b.sku ? -1 : 1));
  return createHash('sha256').update(JSON.stringify(items)).digest('hex');
}
