import { Inject, Injectable } from '@nestjs/common';
import { DeadlineError, withDeadline } from '@nestjs-rocketmq/foundation';
import { RocketMQConnections } from '../rocketmq.connections.js';

/** How far the relays of an outbox are behind. */
export interface OutboxLag {
  /** Messages that wait to be sent, those under way included. */
  readonly waiting: number;
  /** Messages that are not tried any more until `retry` or `discard`. */
  readonly poisoned: number;
  /** Age of the oldest waiting message in milliseconds; undefined when none waits. */
  readonly oldestAgeMs: number | undefined;
}

/** Leads health and metrics to the outbox of the application, if it has one. */
@Injectable()
export class OutboxProbe {
  private ask: (() => Promise<OutboxLag>) | undefined;
  private asking: Promise<OutboxLag> | undefined;

  constructor(@Inject(RocketMQConnections) private readonly connections: RocketMQConnections) {}

  get isThere(): boolean {
    return this.ask !== undefined;
  }

  /** Called by the outbox when it is made, before anything starts. */
  register(ask: () => Promise<OutboxLag>): void {
    this.ask = ask;
  }

  /**
   * Asks its database; those who ask at the same time get one answer. Rejects when it fails, or takes
   * longer than `timeout` ms.
   */
  async lag(timeout: number): Promise<OutboxLag> {
    const { ask } = this;
    if (ask === undefined) throw new TypeError('there is no outbox');
    const late = () => new DeadlineError(`its database did not answer within ${timeout} ms`);
    const one = (): Promise<OutboxLag> => {
      this.asking ??= ask().finally(() => (this.asking = undefined));
      return this.asking;
    };
    return withDeadline(this.connections.settings.clock, timeout, one, late);
  }
}
