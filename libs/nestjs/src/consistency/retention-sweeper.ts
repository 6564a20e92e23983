import { Inject, Injectable, Logger } from '@nestjs/common';
import { messageOf, type Clock, type Timer } from '@nestjs-rocketmq/foundation';
import { RocketMQConnections } from '../rocketmq.connections.js';
import type { ConsistencySettings } from './consistency.options.js';
import { CONSISTENCY_SETTINGS } from './consistency.tokens.js';

/** Statements of one sweep; what is left over waits for the next. */
const MOST_STATEMENTS = 100;

/** Keeps the tables of the toolkit from growing for ever. */
@Injectable()
export class RetentionSweeper {
  private readonly logger = new Logger('RocketMQConsistency');
  private readonly clock: Clock;
  private timer: Timer | undefined;
  private running: Promise<void> = Promise.resolve();
  private isBusy = false;

  constructor(
    @Inject(CONSISTENCY_SETTINGS) private readonly settings: ConsistencySettings,
    @Inject(RocketMQConnections) connections: RocketMQConnections,
  ) {
    this.clock = connections.settings.clock;
  }

  start(): void {
    this.timer ??= this.clock.every(this.settings.retention.interval, () => {
      if (!this.isBusy) this.running = this.sweepQuietly();
    });
  }

  /** No further sweep; resolves when the one in hand has ended its statement. */
  async stop(): Promise<void> {
    this.timer?.cancel();
    this.timer = undefined;
    await this.running;
  }

  /** Removes what is too old, in bounded statements; how many rows. */
  async sweep(): Promise<number> {
    const { idempotency: idempotencyMs, fence: fenceMs, limit } = this.settings.retention;
    let removed = 0;
    for (let statement = 0; statement < MOST_STATEMENTS; statement += 1) {
      const count = await this.settings.storage.removeOld({ idempotencyMs, fenceMs, limit });
      removed += count;
      if (count < limit) break;
    }
    return removed;
  }

  private async sweepQuietly(): Promise<void> {
    this.isBusy = true;
    try {
      await this.sweep();
    } catch (error) {
      this.logger.warn(`Old rows could not be removed, the next sweep will: ${messageOf(error)}`);
    } finally {
      this.isBusy = false;
    }
  }
}
