import type { DataVersion } from '@nestjs-rocketmq/protocol';
import { isObject } from './table-file.js';

/**
 * How often a table has changed, and when last: Apache's `DataVersion`. Name servers compare it to
 * see whether the topics of a broker changed.
 */
export class TableVersion {
  private counter = 0;
  private stateVersion = 0;
  private timestamp: number;

  constructor(now: number) {
    this.timestamp = now;
  }

  /** One more change. */
  next(now: number): void {
    this.counter += 1;
    this.timestamp = now;
  }

  /** Takes over what a file says; leaves the version alone when it says nothing of use. */
  restore(value: unknown): void {
    if (!isObject(value)) return;
    this.counter = Number(value['counter'] ?? 0);
    this.stateVersion = Number(value['stateVersion'] ?? 0);
    this.timestamp = Number(value['timestamp'] ?? this.timestamp);
  }

  toJSON(): DataVersion {
    const { counter, stateVersion, timestamp } = this;
    return { counter, stateVersion, timestamp };
  }
}
