import { DeadlineError, withDeadline, type Clock, type Timer } from '@nestjs-rocketmq/foundation';
import type { ClientInstance } from '../client-instance.js';
import { BrokerRefusedError } from '../client.errors.js';
import type { BrokerFaults } from './broker-faults.js';

const roundEvery = 3_000;

/** Looks in the background whether brokers that failed answer again (Java's detector). */
export class FaultDetector {
  private readonly clock: Clock;
  private timer: Timer | undefined;

  constructor(
    private readonly instance: ClientInstance,
    private readonly faults: BrokerFaults,
    private readonly settings: { readonly interval: number; readonly timeout: number },
    /** A topic to ask about. */
    private readonly topic: string,
  ) {
    this.clock = instance.clock;
  }

  start(): void {
    this.timer ??= this.clock.every(roundEvery, () => void this.round());
  }

  close(): void {
    this.timer?.cancel();
    this.timer = undefined;
  }

  /** Never rejects. */
  private async round(): Promise<void> {
    await Promise.all(this.faults.due(this.settings.interval).map((name) => this.look(name)));
  }

  private async look(brokerName: string): Promise<void> {
    const address = this.instance.routes.masterAddress(brokerName);
    if (address === undefined) return this.faults.forget(brokerName);
    const { timeout } = this.settings;
    const queue = { topic: this.topic, brokerName, queueId: 0 };
    try {
      const late = () => new DeadlineError(`${address} did not answer within ${timeout} ms.`);
      const ask = () => this.instance.calls.maxOffset(address, queue);
      await withDeadline(this.clock, timeout, ask, late);
      this.faults.reached(brokerName);
    } catch (error) {
      // Whoever refuses is there.
      if (error instanceof BrokerRefusedError) this.faults.reached(brokerName);
    }
  }
}
