import { Inject, Injectable, Logger } from '@nestjs/common';
import type { OnApplicationBootstrap, OnModuleDestroy } from '@nestjs/common';
import { InjectDataSource } from '@nestjs/typeorm';
import { RocketMQTemplate } from 'nestjs-rocketmq';
import { exhaustMap, interval } from 'rxjs';
import type { Subscription } from 'rxjs';
import { DataSource, IsNull, LessThanOrEqual } from 'typeorm';
import { databaseTime } from '../database/database-time.js';
import { SETTINGS } from '../settings.js';
import type { Settings } from '../settings.js';
import { OutboxEntry } from './order.entities.js';

/** How many orders one round takes. */
const ROUND = 100;

/**
 * Sends what changes of status owe. The change and its outbox row are one transaction, so nothing
 * is lost by a crash; the row is marked after the broker has the message, so a crash in between
 * sends it twice, which its consumers do not mind.
 */
@Injectable()
export class OrderOutbox implements OnApplicationBootstrap, OnModuleDestroy {
  private readonly logger = new Logger('OrderOutbox');
  private rounds: Subscription | undefined;
  private running: Promise<void> = Promise.resolve();

  constructor(
    @InjectDataSource() private readonly dataSource: DataSource,
    private readonly template: RocketMQTemplate,
    @Inject(SETTINGS) private readonly settings: Settings,
  ) {}

  onApplicationBootstrap(): void {
    this.rounds = interval(this.settings.outboxRetry)
      .pipe(exhaustMap(() => (this.running = this.round(this.settings.outboxRetry))))
      .subscribe();
  }

  async onModuleDestroy(): Promise<void> {
    this.rounds?.unsubscribe();
    await this.running;
  }

  /** Sends everything that one order owes, in its order; throws when the broker does not take it. */
  async flush(orderId: string): Promise<void> {
    const entries = await this.dataSource.manager.find(OutboxEntry, {
      where: { orderId, sentAt: IsNull() },
      order: { seq: 'ASC', eventId: 'ASC' },
    });
    for (const { eventId, destination, payload } of entries) {
      await this.template.sendOrderly(destination, JSON.parse(payload), orderId, {
        keys: [orderId, eventId],
      });
      const sentAt = await databaseTime(this.dataSource.manager);
      await this.dataSource.manager.update(OutboxEntry, { eventId }, { sentAt });
    }
  }

  /** The same for callers that are already done; what fails is sent by a later round. */
  async flushSoon(orderId: string): Promise<void> {
    try {
      await this.flush(orderId);
    } catch (error) {
      this.logger.warn(`Events of order ${orderId} are sent later: ${String(error)}`);
    }
  }

  /** Sends what has been owed for this long; what fails waits for the next round. */
  async round(ageMs: number): Promise<void> {
    try {
      for (const orderId of await this.owing(ageMs)) await this.flush(orderId);
    } catch (error) {
      this.logger.warn(`A round of the outbox failed and is repeated: ${String(error)}`);
    }
  }

  private async owing(ageMs: number): Promise<Set<string>> {
    const now = await databaseTime(this.dataSource.manager);
    const entries = await this.dataSource.manager.find(OutboxEntry, {
      where: {
        sentAt: IsNull(),
        createdAt: LessThanOrEqual(new Date(now.getTime() - ageMs)),
      },
      order: { createdAt: 'ASC' },
      take: ROUND,
    });
    return new Set(entries.map((entry) => entry.orderId));
  }
}
