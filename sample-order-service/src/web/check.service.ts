import { Inject, Injectable } from '@nestjs/common';
import { InventoryAudit } from '../inventory/inventory.audit.js';
import { OrdersAudit } from '../orders/orders.audit.js';
import { PaymentsAudit } from '../payments/payments.audit.js';
import { PointsAudit } from '../points/points.audit.js';
import { SETTINGS } from '../settings.js';
import type { Settings } from '../settings.js';

export const CHECK_MODES = ['safety', 'full'] as const;
export type CheckMode = (typeof CHECK_MODES)[number];

/** One rule and the ids that break it. */
export interface CheckRow {
  readonly id: string;
  readonly kind: 'safety' | 'liveness';
  readonly rule: string;
  readonly offending: readonly string[];
}

type Rule = Omit<CheckRow, 'offending'> & { readonly find: () => Promise<readonly string[]> };

/**
 * Recomputes from the tables what must hold. Safety holds at every instant; liveness counts only
 * what is unfinished for longer than the bound. Each module answers about its own tables; where two
 * are compared, the effect is read before its cause, and what looks wrong is read once more, since
 * no snapshot spans them.
 */
@Injectable()
export class CheckService {
  constructor(
    private readonly orders: OrdersAudit,
    private readonly inventory: InventoryAudit,
    private readonly payments: PaymentsAudit,
    private readonly points: PointsAudit,
    @Inject(SETTINGS) private readonly settings: Settings,
  ) {}

  async run(mode: CheckMode): Promise<CheckRow[]> {
    const rules = mode === 'full' ? [...this.safety(), ...this.liveness()] : this.safety();
    const rows: CheckRow[] = [];
    for (const { find, ...row } of rules) {
      const seen = await find();
      const again = seen.length === 0 ? [] : await find();
      rows.push({ ...row, offending: seen.filter((id) => again.includes(id)) });
    }
    return rows;
  }

  private safety(): Rule[] {
    const kind = 'safety';
    return [
      {
        id: 'S1',
        kind,
        rule: 'For each product: on hand + held + sold = first stock + restocked, on hand >= 0.',
        find: () => this.inventory.unbalanced(),
      },
      {
        id: 'S2',
        kind,
        rule: 'No more is sold or held than was ever offered.',
        find: () => this.inventory.oversold(),
      },
      {
        id: 'S5',
        kind,
        rule: 'No order was ever both PAID and CANCELLED.',
        find: () => this.orders.paidAndCancelled(),
      },
      {
        id: 'S7',
        kind,
        rule: 'Every effect happened at most once: points of an order, refund of a payment.',
        find: async () => [
          ...(await this.points.doubled()),
          ...(await this.payments.refundedTwice()),
        ],
      },
    ];
  }

  private liveness(): Rule[] {
    const kind = 'liveness';
    const bound = this.settings.livenessBound;
    return [
      {
        id: 'L2',
        kind,
        rule: 'No order waits for its payment after its time.',
        find: () => this.orders.unclosed(bound),
      },
      {
        id: 'L3',
        kind,
        rule: 'Every PAID order has its pieces sold, its points booked and its event sent.',
        find: () => this.unfinishedPaid(bound),
      },
      {
        id: 'L4',
        kind,
        rule: 'No CANCELLED order holds pieces.',
        find: async () => this.inventory.stillHeld(await this.orders.settled('CANCELLED', bound)),
      },
      {
        id: 'L5',
        kind,
        rule: 'Captured money belongs to the PAID order it was for, or was given back.',
        find: () => this.orphanedMoney(bound),
      },
    ];
  }

  private async unfinishedPaid(bound: number): Promise<string[]> {
    const paid = await this.orders.settled('PAID', bound);
    return [
      ...(await this.inventory.notSold(paid)),
      ...(await this.points.without(paid)),
      ...(await this.orders.unsent(bound)),
    ];
  }

  private async orphanedMoney(bound: number): Promise<string[]> {
    const captured = await this.payments.captured(bound);
    const paidBy = await this.orders.paidAmong(captured.map(({ orderId }) => orderId));
    return captured
      .filter(({ orderId, payId }) => paidBy.get(orderId) !== payId)
      .map(({ payId }) => payId);
  }
}
