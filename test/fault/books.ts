import { setTimeout as pause } from 'node:timers/promises';
import type { Buyers, JournalEntry } from './buyers.js';

const SETTLE_WITHIN_MS = 300_000;
const POLL_MS = 500;

interface OrderBody {
  readonly status: string;
  readonly refundStatus: string;
  readonly stock: string | null;
  readonly points: number | null;
  readonly payAmount: number;
  readonly payment: { readonly state: string } | null;
}

/** What is wrong with one order, compared with what its buyer was promised; empty when nothing. */
function differences(entry: JournalEntry, order: OrderBody): string[] {
  const wrong: string[] = [];
  const must = (isRight: boolean, what: string): void => {
    if (!isRight)
      wrong.push(`${entry.orderId} (${entry.intent}): ${what} ${JSON.stringify(order)}`);
  };
  const { status, stock, points, payment, refundStatus } = order;
  must(order.payAmount === entry.amount, 'the amount is another one than was promised');
  must(status === 'PAID' || status === 'CANCELLED', 'is not finished');
  if (entry.isCancelled) must(status === 'CANCELLED', 'was reported as cancelled');
  if (!entry.isCaptured && entry.intent !== 'pay' && entry.intent !== 'pay-unheard') {
    must(status === 'CANCELLED', 'nobody paid');
  }
  if (status === 'PAID') {
    must(stock === 'SOLD', 'its pieces are not sold');
    must(points === Math.floor(order.payAmount / 100), 'its points are wrong');
    must(payment?.state === 'PAID', 'its payment is not PAID');
  } else {
    must(stock === 'RELEASED', 'its pieces were not given back');
    must(points === null, 'it has points');
    const isMoneyBack = payment?.state === 'REFUNDED' && refundStatus === 'DONE';
    must(entry.isCaptured ? isMoneyBack : payment?.state !== 'PAID', 'the money is not back');
  }
  return wrong;
}

async function disagreements(buyers: Buyers): Promise<string[]> {
  const check = await buyers.get('/api/check?mode=full');
  if (check.status !== 200) return [`check: ${check.status} ${JSON.stringify(check.body)}`];
  const wrong: string[] = [];
  const left = new Map<string, number>();
  const points = new Map<string, number>();
  for (const entry of buyers.journal) {
    const order = (await buyers.get(`/api/orders/${entry.orderId}`)).body as unknown as OrderBody;
    wrong.push(...differences(entry, order));
    if (order.status !== 'PAID') continue;
    for (const { sku, quantity } of entry.items) left.set(sku, (left.get(sku) ?? 0) + quantity);
    points.set(entry.userId, (points.get(entry.userId) ?? 0) + (order.points ?? 0));
  }
  wrong.push(...(await compareSums(buyers, left, points)));
  return wrong;
}

/** Stock and points over all, so that an order that nobody remembers would show, too. */
async function compareSums(
  buyers: Buyers,
  sold: ReadonlyMap<string, number>,
  points: ReadonlyMap<string, number>,
): Promise<string[]> {
  const wrong: string[] = [];
  const first: Record<string, number> = {
    'tea-green': 1000,
    'tea-black': 1000,
    teapot: 200,
    phone: 999,
  };
  const products = (await buyers.get('/api/products')).body as unknown as {
    sku: string;
    onHand: number;
  }[];
  for (const { sku, onHand } of products) {
    const expected = (first[sku] ?? 0) - (sold.get(sku) ?? 0);
    if (onHand !== expected) wrong.push(`${sku}: ${onHand} on hand instead of ${expected}`);
  }
  for (const userId of new Set(buyers.journal.map((entry) => entry.userId))) {
    const { body } = await buyers.get(`/api/users/${userId}/points`);
    const expected = points.get(userId) ?? 0;
    if (body['points'] !== expected) {
      wrong.push(`${userId}: ${String(body['points'])} points instead of ${expected}`);
    }
  }
  return wrong;
}

/** Waits until books and journal agree; answers what still differs when the time is over. */
export async function settleBooks(buyers: Buyers): Promise<string[]> {
  const giveUpAt = performance.now() + SETTLE_WITHIN_MS;
  let wrong = await disagreements(buyers);
  while (wrong.length > 0 && performance.now() < giveUpAt) {
    await pause(POLL_MS);
    wrong = await disagreements(buyers);
  }
  return wrong;
}
