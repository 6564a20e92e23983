import type { Clock } from '@nestjs-rocketmq/foundation';

/** Java's table: from which latency on (ms) a broker is left alone, and for how long (ms). */
export const javaLatencyMax: readonly number[] = [50, 100, 550, 1_800, 3_000, 5_000, 15_000];
export const javaNotAvailableFor: readonly number[] = [0, 0, 2_000, 5_000, 6_000, 10_000, 30_000];

/** A failed attempt counts like one of this latency. */
const latencyOfFailure = 10_000;

interface Fault {
  /** Until then the broker is avoided. */
  until: number;
  isReachable: boolean;
  /** Not looked at again before. */
  checkedUntil: number;
}

/**
 * Which brokers were slow or failed lately, so that sends avoid them for a while (Java's latency
 * fault tolerance). The end of a time out is only ever moved further away.
 */
export class BrokerFaults {
  private readonly faults = new Map<string, Fault>();

  constructor(
    private readonly clock: Clock,
    private readonly latencyMax: readonly number[] = javaLatencyMax,
    private readonly notAvailableFor: readonly number[] = javaNotAvailableFor,
  ) {}

  /** An attempt ended well after `latency` ms. */
  answered(brokerName: string, latency: number): void {
    const away = this.awayFor(latency);
    const known = this.faults.get(brokerName);
    if (known === undefined && away === 0) return;
    this.note(brokerName, away, true);
  }

  /** An attempt failed. `isReachable`: false keeps it out until it answers somebody. */
  failed(brokerName: string, isReachable: boolean): void {
    this.note(brokerName, this.awayFor(latencyOfFailure), isReachable);
  }

  isAvailable(brokerName: string): boolean {
    const fault = this.faults.get(brokerName);
    return fault === undefined || this.clock.monotonic() >= fault.until;
  }

  isReachable(brokerName: string): boolean {
    return this.faults.get(brokerName)?.isReachable ?? true;
  }

  /** Brokers that have not been looked at for `interval` ms; they count as looked at now. */
  due(interval: number): string[] {
    const now = this.clock.monotonic();
    const names: string[] = [];
    for (const [name, fault] of this.faults) {
      if (now < fault.checkedUntil) continue;
      fault.checkedUntil = now + interval;
      names.push(name);
    }
    return names;
  }

  /** The broker answered somebody. */
  reached(brokerName: string): void {
    const fault = this.faults.get(brokerName);
    if (fault !== undefined) fault.isReachable = true;
  }

  forget(brokerName: string): void {
    this.faults.delete(brokerName);
  }

  private awayFor(latency: number): number {
    for (let i = this.latencyMax.length - 1; i >= 0; i -= 1) {
      if (latency >= (this.latencyMax[i] as number)) return this.notAvailableFor[i] ?? 0;
    }
    return 0;
  }

  private note(brokerName: string, away: number, isReachable: boolean): void {
    const until = away === 0 ? 0 : this.clock.monotonic() + away;
    const known = this.faults.get(brokerName);
    if (known === undefined) {
      this.faults.set(brokerName, { until, isReachable, checkedUntil: 0 });
      return;
    }
    known.until = Math.max(known.until, until);
    known.isReachable = isReachable;
  }
}
