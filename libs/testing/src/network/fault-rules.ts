import { parseDuration } from '@nestjs-rocketmq/foundation';
import { TestKitUsageError } from '../testing.errors.js';

/**
 * Where a fault strikes.
 * - `send`: a message on its way to the broker.
 * - `answer`: the broker's answer to a send; the message is stored.
 * - `delivery`: a message on its way to a handler.
 */
export type FaultPlace = 'send' | 'answer' | 'delivery';

/** What a fault strikes; everything that is left out does not matter. */
export interface FaultTarget {
  /** Default: `delivery` when there is a group, otherwise `send`. */
  readonly on?: FaultPlace;
  readonly topic?: string;
  /** The consumer group, for deliveries. */
  readonly group?: string;
  /** The fault strikes so often. Default: until it is healed. */
  readonly times?: number;
}

/** A fault that was switched on. */
export interface Fault extends Disposable {
  /** How often it has struck. */
  readonly hits: number;
  /** Switches it off. */
  heal(): void;
}

export type FaultKind = 'drop' | 'delay' | 'duplicate';

/** One thing on its way. */
export interface Passing {
  readonly on: FaultPlace;
  readonly topic: string | undefined;
  readonly group?: string;
}

export class FaultRule implements Fault {
  hits = 0;
  readonly on: FaultPlace;
  private isHealed = false;

  constructor(
    readonly kind: FaultKind,
    private readonly target: FaultTarget,
    /** Milliseconds, of a delay. */
    readonly by: number,
  ) {
    this.on = target.on ?? (target.group === undefined ? 'send' : 'delivery');
  }

  get isOver(): boolean {
    return this.isHealed || this.hits >= (this.target.times ?? Number.POSITIVE_INFINITY);
  }

  strikes({ on, topic, group }: Passing): boolean {
    const { target } = this;
    if (this.isOver || on !== this.on) return false;
    if (target.topic !== undefined && target.topic !== topic) return false;
    return target.group === undefined || target.group === group;
  }

  heal(): void {
    this.isHealed = true;
  }

  [Symbol.dispose](): void {
    this.heal();
  }
}

const targetNames = ['on', 'topic', 'group', 'times'];
const places: readonly string[] = ['send', 'answer', 'delivery'];

/** Throws `TestKitUsageError` for a target that strikes nothing. */
export function checkTarget(call: string, target: FaultTarget): void {
  const wrong = Object.keys(target).find((name) => !targetNames.includes(name));
  if (wrong !== undefined) {
    throw new TestKitUsageError(
      `${call}: '${wrong}' is unknown; known are ${targetNames.join(', ')}.`,
    );
  }
  if (target.on !== undefined && !places.includes(target.on)) {
    throw new TestKitUsageError(`${call}: 'on' must be one of ${places.join(', ')}.`);
  }
  if (target.group !== undefined && (target.on ?? 'delivery') !== 'delivery') {
    throw new TestKitUsageError(`${call}: only deliveries have a group; leave 'on' out.`);
  }
}

/** Milliseconds of a delay. Throws `TestKitUsageError`. */
export function durationOf(call: string, given: unknown): number {
  const ms = parseDuration(given);
  if (ms !== undefined && ms >= 0) return ms;
  throw new TestKitUsageError(
    `${call}: the time must be milliseconds or a text such as '10s' or '2h', not ${JSON.stringify(given)}.`,
  );
}
