import { setTimeout as pause } from 'node:timers/promises';
import type { SeededRandom } from '@nestjs-rocketmq/foundation/testing';

const SKUS = ['tea-green', 'tea-black', 'teapot', 'phone'] as const;

/** What a buyer meant to do with an order. */
export type Intent = 'pay' | 'pay-unheard' | 'cancel' | 'leave' | 'pay-late';

/** One order as its buyer remembers it: what was asked, and what was promised in answer. */
export interface JournalEntry {
  readonly key: string;
  readonly userId: string;
  readonly items: readonly { readonly sku: string; readonly quantity: number }[];
  readonly intent: Intent;
  /** The order of the answer 201; undefined when the service refused it for certain. */
  orderId?: string;
  amount?: number;
  /** The gateway has the money. */
  isCaptured: boolean;
  /** The service has said that the order is cancelled. */
  isCancelled: boolean;
}

export interface Reply {
  readonly status: number;
  readonly body: Record<string, unknown>;
}

/** Every buyer orders this often, however slow the machine is. */
const LEAST_ORDERS = 3;

const INTENTS: readonly Intent[] = [
  'pay',
  'pay',
  'pay',
  'pay',
  'pay-unheard',
  'cancel',
  'leave',
  'pay-late',
];

/** Dealt round the buyers, so that the first order of each already shows every intent. */
const intentOf = (buyer: number, order: number): Intent =>
  INTENTS[(buyer + order) % INTENTS.length] as Intent;

/**
 * Buyers who order, pay, cancel and go away, and who repeat a request until they know its outcome,
 * as a sensible client does. Their journal is what the books are compared with at the end.
 */
export class Buyers {
  readonly journal: JournalEntry[] = [];
  private isOpen = true;
  private isAbandoned = false;
  private readonly running: Promise<void>[] = [];

  constructor(
    private readonly url: string,
    private readonly random: SeededRandom,
  ) {}

  start(count: number): void {
    for (let number = 1; number <= count; number += 1) this.running.push(this.buy(number));
  }

  /** No new orders past each buyer's least; resolves when every buyer knows the outcome of the last one. */
  async finish(): Promise<void> {
    this.isOpen = false;
    await Promise.all(this.running);
  }

  /** For the end of a test that failed: no more requests. */
  async abandon(): Promise<void> {
    this.isOpen = false;
    this.isAbandoned = true;
    await Promise.allSettled(this.running);
  }

  async get(path: string): Promise<Reply> {
    return this.ask(() => fetch(`${this.url}${path}`, { signal: AbortSignal.timeout(10_000) }));
  }

  private async buy(buyer: number): Promise<void> {
    for (let number = 1; this.isOpen || number <= LEAST_ORDERS; number += 1) {
      if (this.isAbandoned) return;
      const entry = this.plan(buyer, number);
      await this.place(entry);
      if (entry.orderId !== undefined) await this.follow(entry, entry.orderId);
      await pause(50 + this.random.below(150));
    }
  }

  private plan(buyer: number, number: number): JournalEntry {
    const userId = `u${buyer}`;
    const first = this.random.pick(SKUS);
    const second = this.random.pick(SKUS.filter((sku) => sku !== first));
    const items = [first, second]
      .slice(0, 1 + this.random.below(2))
      .map((sku) => ({ sku, quantity: 1 + this.random.below(2) }));
    const key = `${userId}-${number}`;
    const intent = intentOf(buyer, number);
    return { key, userId, items, intent, isCaptured: false, isCancelled: false };
  }

  private async place(entry: JournalEntry): Promise<void> {
    const { userId, items } = entry;
    const reply = await this.untilCertain('/api/orders', { userId, items }, entry.key);
    if (reply.status === 409) return; // out of stock
    if (reply.status !== 201) throw new Error(`placing ${entry.key}: ${JSON.stringify(reply)}`);
    entry.orderId = String(reply.body['orderId']);
    entry.amount = Number(reply.body['payAmount']);
    this.journal.push(entry);
  }

  private async follow(entry: JournalEntry, orderId: string): Promise<void> {
    if (entry.intent === 'leave') return;
    if (entry.intent === 'cancel') {
      const reply = await this.untilCertain(`/api/orders/${orderId}/cancel`, {});
      entry.isCancelled = reply.status === 200;
      return;
    }
    const bill = await this.untilCertain(`/api/orders/${orderId}/pay`, {});
    if (bill.status !== 200) return; // its time was over before the buyer got through
    const payId = String(bill.body['payId']);
    if (entry.intent === 'pay-late') {
      await this.untilCertain(`/api/orders/${orderId}/cancel`, {});
    }
    const outcome = entry.intent === 'pay-unheard' ? 'never' : this.random.pick(['ok', 'twice']);
    const paid = await this.untilCertain(`/gateway/pay/${payId}?outcome=${outcome}`, {});
    entry.isCaptured = paid.status === 200;
  }

  /** Repeats a request until the answer is neither missing nor 5xx. */
  private async untilCertain(path: string, body: unknown, key?: string): Promise<Reply> {
    while (!this.isAbandoned) {
      const reply = await this.ask(() =>
        fetch(`${this.url}${path}`, {
          method: 'POST',
          headers: {
            'content-type': 'application/json',
            ...(key === undefined ? {} : { 'idempotency-key': key }),
          },
          body: JSON.stringify(body),
          signal: AbortSignal.timeout(15_000),
        }),
      );
      if (reply.status > 0 && reply.status < 500) return reply;
      await pause(50 + this.random.below(100));
    }
    throw new Error('abandoned');
  }

  private async ask(request: () => Promise<Response>): Promise<Reply> {
    try {
      const response = await request();
      return { status: response.status, body: (await response.json()) as Reply['body'] };
    } catch {
      return { status: 0, body: {} };
    }
  }
}
