import { Injectable } from '@nestjs/common';
import { InjectDataSource } from '@nestjs/typeorm';
import { DataSource, In } from 'typeorm';
import { Reservation, Sku } from './inventory.entities.js';

interface StockRow {
  readonly sku: string;
  readonly on_hand: number;
  readonly offered: number;
  readonly held: number;
  readonly sold: number;
}

/** Questions of the checker about inventory's own tables. */
@Injectable()
export class InventoryAudit {
  constructor(@InjectDataSource() private readonly dataSource: DataSource) {}

  /** Products whose pieces do not add up, read in one statement. */
  async unbalanced(): Promise<string[]> {
    const rows = await this.stock();
    return rows
      .filter((row) => row.on_hand < 0 || row.on_hand + row.held + row.sold !== row.offered)
      .map((row) => row.sku);
  }

  /** Products of which more were sold than were ever offered. */
  async oversold(): Promise<string[]> {
    const rows = await this.stock();
    return rows.filter((row) => row.sold + row.held > row.offered).map((row) => row.sku);
  }

  /** Those of these orders whose pieces are not all sold. */
  async notSold(orderIds: readonly string[]): Promise<string[]> {
    const sold = await this.ordersIn(orderIds, 'SOLD');
    const open = await this.ordersIn(orderIds, 'HELD');
    const released = await this.ordersIn(orderIds, 'RELEASED');
    return orderIds.filter((id) => !sold.has(id) || open.has(id) || released.has(id));
  }

  /** Those of these orders that still hold pieces. */
  async stillHeld(orderIds: readonly string[]): Promise<string[]> {
    return [...(await this.ordersIn(orderIds, 'HELD'))];
  }

  private async ordersIn(
    orderIds: readonly string[],
    state: Reservation['state'],
  ): Promise<Set<string>> {
    if (orderIds.length === 0) return new Set();
    const rows = await this.dataSource.manager.find(Reservation, {
      select: { orderId: true, sku: true },
      where: { orderId: In([...orderIds]), state },
    });
    return new Set(rows.map((row) => row.orderId));
  }

  private async stock(): Promise<StockRow[]> {
    const rows = await this.dataSource.manager
      .createQueryBuilder()
      .select('s.sku', 'sku')
      .addSelect('s.onHand', 'on_hand')
      .addSelect('s.initial + s.restocked', 'offered')
      .addSelect("COALESCE(SUM(CASE WHEN r.state = 'HELD' THEN r.quantity END), 0)", 'held')
      .addSelect("COALESCE(SUM(CASE WHEN r.state = 'SOLD' THEN r.quantity END), 0)", 'sold')
      .from(Sku, 's')
      .leftJoin(Reservation, 'r', 'r.sku = s.sku')
      .groupBy('s.sku, s.onHand, s.initial, s.restocked')
      .getRawMany<Record<keyof StockRow, string | number>>();
    return rows.map((row) => ({
      sku: String(row.sku),
      on_hand: Number(row.on_hand),
      offered: Number(row.offered),
      held: Number(row.held),
      sold: Number(row.sold),
    }));
  }
}
