import type { Clock } from '@nestjs-rocketmq/foundation';
import { decodeFrame, isResponse } from '@nestjs-rocketmq/protocol';
import type { Duration } from 'nestjs-rocketmq';
import {
  FaultRule,
  checkTarget,
  durationOf,
  type Fault,
  type FaultKind,
  type FaultTarget,
  type Passing,
} from './fault-rules.js';
import type { MemoryWire } from './memory-wire.js';

/** Codes of sends: plain, short, batch. */
const sendCodes = new Set([10, 310, 320]);

/** A broker that can be taken away. */
interface Reachable {
  disconnect(): void;
  reconnect(): void;
}

/**
 * The switches of what may go wrong. Faults of sends and answers happen on the wire, so the client
 * behaves as it does in earnest: it waits, tries again, and fails at last.
 *
 * @example
 * ```ts
 * mq.faults.drop({ topic: 'orders', times: 1 });            // the first try of a send is lost
 * mq.faults.drop({ on: 'answer', topic: 'orders' });        // stored, but the sender never knows
 * mq.faults.duplicate({ group: 'payments' });               // every message is delivered twice
 * mq.faults.delay('1m', { group: 'payments' });             // and a minute late
 * mq.faults.brokerDown();
 * mq.faults.heal();
 * ```
 */
export class TestFaults {
  private rules: FaultRule[] = [];
  /** Sends whose answers a rule waits for, by connection. */
  private readonly asked = new WeakMap<MemoryWire, Map<number, string>>();

  /** @internal */
  constructor(
    private readonly clock: Clock,
    private readonly brokers: () => readonly Reachable[],
    /** Told when requests may stay without an answer, and when not any more. */
    private readonly troubled: (isTroubled: boolean) => void,
  ) {}

  /**
   * What is struck gets lost. A lost send or answer lets the producer wait and try again; a lost
   * delivery comes again as after a crash of the consumer, one step up the ladder of retries.
   */
  drop(target: FaultTarget = {}): Fault {
    return this.add('drop', target, 0);
  }

  /** What is struck arrives later, by `by` of virtual time. */
  delay(by: Duration, target: FaultTarget = {}): Fault {
    return this.add('delay', target, durationOf('faults.delay', by));
  }

  /** What is struck arrives twice: a send is stored twice, a handler called twice. */
  duplicate(target: FaultTarget = {}): Fault {
    return this.add('duplicate', target, 0);
  }

  /** Nobody reaches the broker any more, and every connection to it is lost; what it has it keeps. */
  brokerDown(): void {
    this.troubled(true);
    for (const broker of this.brokers()) broker.disconnect();
  }

  /** The broker can be reached again; clients find it as they do in earnest, within seconds. */
  brokerUp(): void {
    for (const broker of this.brokers()) broker.reconnect();
  }

  /** Switches every fault off, and the broker on. */
  heal(): void {
    for (const rule of this.rules) rule.heal();
    this.rules = [];
    this.brokerUp();
    this.troubled(false);
  }

  /** @internal The rule that strikes, if one does; its hit is counted. */
  striking(passing: Passing): FaultRule | undefined {
    if (this.rules.length === 0) return undefined;
    const rule = this.rules.find((one) => one.strikes(passing));
    if (rule !== undefined) rule.hits += 1;
    this.rules = this.rules.filter((one) => !one.isOver);
    return rule;
  }

  /** @internal Stands between the ends of every connection. */
  readonly gate = (
    frame: Uint8Array,
    from: MemoryWire,
    pass: (frame: Uint8Array) => void,
  ): void => {
    const passing = this.rules.length === 0 ? undefined : this.passing(frame, from);
    const rule = passing === undefined ? undefined : this.striking(passing);
    if (rule?.kind === 'drop') return;
    if (rule?.kind === 'delay') return void this.clock.after(rule.by, () => pass(frame));
    pass(frame);
    if (rule?.kind === 'duplicate') pass(frame.slice());
  };

  private add(kind: FaultKind, target: FaultTarget, by: number): Fault {
    checkTarget(`faults.${kind}`, target);
    const rule = new FaultRule(kind, target, by);
    this.rules.push(rule);
    this.troubled(true);
    return rule;
  }

  private passing(bytes: Uint8Array, from: MemoryWire): Passing | undefined {
    const { code, flag, opaque, extFields } = decodeFrame(bytes);
    const client = from.isServer ? from.other : from;
    if (!isResponse(flag)) {
      if (from.isServer || !sendCodes.has(code)) return undefined;
      const topic = extFields['b'] ?? extFields['topic'] ?? '';
      this.remember(client, opaque, topic);
      return { on: 'send', topic };
    }
    const topic = this.asked.get(client)?.get(opaque);
    if (topic === undefined) return undefined;
    this.asked.get(client)?.delete(opaque);
    return { on: 'answer', topic };
  }

  private remember(client: MemoryWire, opaque: number, topic: string): void {
    const asked = this.asked.get(client) ?? new Map<number, string>();
    this.asked.set(client, asked.set(opaque, topic));
  }
}
