import { Injectable } from '@nestjs/common';
import { InjectDataSource } from '@nestjs/typeorm';
import { DataSource, In } from 'typeorm';
import type { EntityManager } from 'typeorm';
import { databaseTime } from '../database/database-time.js';
import { NotFoundError, OutOfStockError } from '../sample.errors.js';
import { Reservation, Sku } from './inventory.entities.js';
import type { ReservationState } from './inventory.entities.js';

/** A line of an order as the inventory sees it. */
export interface StockLine {
  readonly sku: string;
  readonly quantity: number;
}

/** What is on the shelf and what is taken from it: the only writer of inventory's tables. */
@Injectable()
export class InventoryService {
  constructor(@InjectDataSource() private readonly dataSource: DataSource) {}

  products(): Promise<Sku[]> {
    return this.dataSource.manager.find(Sku, { order: { sku: 'ASC' } });
  }

  /**
   * The price of each of these, in cents.
   *
   * @throws NotFoundError naming what is not sold here.
   */
  async prices(skus: readonly string[]): Promise<Map<string, number>> {
    const found = await this.dataSource.manager.findBy(Sku, { sku: In([...skus]) });
    const prices = new Map(found.map((row) => [row.sku, row.price]));
    const missing = skus.filter((sku) => !prices.has(sku));
    if (missing.length > 0) {
      throw new NotFoundError(`There is no product ${missing.join(', ')}; see /api/products.`, {
        details: { missing },
      });
    }
    return prices;
  }

  /**
   * Takes the pieces of an order from the shelf, inside the caller's transaction. The condition is
   * part of the update, so two buyers cannot both get the last piece.
   *
   * @throws OutOfStockError when one line cannot be met; the caller must then roll back.
   */
  async hold(manager: EntityManager, orderId: string, lines: readonly StockLine[]): Promise<void> {
    const updatedAt = await databaseTime(manager);
    // always in the same order, so that two orders of the same things never wait for each other
    for (const { sku, quantity } of [...lines].sort((a, b) => (a.sku < b.sku ? -1 : 1))) {
      const taken = await manager
        .createQueryBuilder()
        .update(Sku)
        .set({ onHand: () => 'on_hand - :quantity' })
        .where('sku = :sku AND on_hand >= :quantity', { sku, quantity })
        .execute();
      if (taken.affected !== 1) {
        throw new OutOfStockError(`There are not ${quantity} pieces of ${sku} left.`, {
          details: { sku, quantity },
        });
      }
      await manager.insert(Reservation, { orderId, sku, quantity, state: 'HELD', updatedAt });
    }
  }

  /** Held pieces become sold, inside the caller's transaction. */
  async sell(manager: EntityManager, orderId: string): Promise<void> {
    await manager.update(
      Reservation,
      { orderId, state: 'HELD' },
      { state: 'SOLD', updatedAt: await databaseTime(manager) },
    );
  }

  /** Held pieces go back to the shelf, inside the caller's transaction. */
  async release(manager: EntityManager, orderId: string): Promise<void> {
    const held = await manager.find(Reservation, {
      where: { orderId, state: 'HELD' },
      order: { sku: 'ASC' },
    });
    const updatedAt = await databaseTime(manager);
    for (const { sku, quantity } of held) {
      const released = await manager.update(
        Reservation,
        { orderId, sku, state: 'HELD' },
        { state: 'RELEASED', updatedAt },
      );
      if (released.affected === 1) await manager.increment(Sku, { sku }, 'onHand', quantity);
    }
  }

  /** What became of the pieces of an order; undefined when none were taken. */
  async stateOf(orderId: string): Promise<ReservationState | undefined> {
    const row = await this.dataSource.manager.findOneBy(Reservation, { orderId });
    return row?.state;
  }
}
