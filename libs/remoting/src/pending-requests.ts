import type { CommandDefinition } from '@nestjs-rocketmq/protocol';
import { OpaqueTable } from './opaque-table.js';
import type { Answer } from './peer.js';
import { RequestTimeoutError } from './remoting.errors.js';
import { WheelEntry, type TimerWheel } from './timer-wheel.js';

type AnyAnswer = Answer<CommandDefinition>;

/** One caller who waits for an answer. */
export class Pending extends WheelEntry {
  resolve!: (answer: AnyAnswer) => void;
  reject!: (error: Error) => void;
  /** What the connection had brought when this was asked. */
  heardBefore = 0;
  private signal: AbortSignal | undefined;
  private onAbort: (() => void) | undefined;

  constructor(
    private readonly owner: PendingRequests,
    readonly opaque: number,
    readonly definition: CommandDefinition,
    readonly timeoutMs: number,
  ) {
    super();
  }

  /** Calls back when the signal is aborted before the answer. */
  watch(signal: AbortSignal, onAbort: () => void): void {
    this.signal = signal;
    this.onAbort = onAbort;
    signal.addEventListener('abort', onAbort, { once: true });
  }

  /** Nobody aborts it any more. */
  unwatch(): void {
    if (this.onAbort !== undefined) this.signal?.removeEventListener('abort', this.onAbort);
  }

  expire(): void {
    this.owner.expired(this);
  }
}

/** Who waits for which opaque number on one connection, and until when. Knows no socket. */
export class PendingRequests {
  private readonly waiting = new OpaqueTable<Pending>();
  /** Answers that nobody waited for (any more). */
  unmatched = 0;

  /** `peer` names the other side in errors. */
  constructor(
    private readonly wheel: TimerWheel,
    private readonly peer: string,
    /** Told when a request got no answer in its time. */
    private readonly onExpired: (pending: Pending) => void = () => undefined,
  ) {}

  get size(): number {
    return this.waiting.size;
  }

  /** The caller sets `resolve` and `reject` at once. */
  add(opaque: number, definition: CommandDefinition, timeoutMs: number): Pending {
    const pending = new Pending(this, opaque, definition, timeoutMs);
    this.waiting.set(pending);
    this.wheel.add(pending, timeoutMs);
    return pending;
  }

  /** Takes out whoever waits for `opaque`. Undefined and counted when nobody does. */
  take(opaque: number): Pending | undefined {
    const pending = this.waiting.get(opaque);
    if (pending === undefined) {
      this.unmatched += 1;
      return undefined;
    }
    this.drop(pending);
    return pending;
  }

  /** Looks without taking out. */
  find(opaque: number): Pending | undefined {
    return this.waiting.get(opaque);
  }

  /** Forgets a request without telling its caller. */
  drop(pending: Pending): void {
    if (this.waiting.get(pending.opaque) !== pending) return;
    this.waiting.delete(pending.opaque);
    this.wheel.remove(pending);
    pending.unwatch();
  }

  /** Fails everybody at once. */
  failAll(makeError: (pending: Pending) => Error): void {
    for (const pending of this.waiting.all()) {
      this.drop(pending);
      pending.reject(makeError(pending));
    }
  }

  expired(pending: Pending): void {
    this.drop(pending);
    const { definition, timeoutMs } = pending;
    pending.reject(
      new RequestTimeoutError(
        `No answer to ${definition.name} from ${this.peer} within ${timeoutMs} ms.`,
        { details: { address: this.peer, request: definition.name, timeoutMs }, retriable: true },
      ),
    );
    this.onExpired(pending);
  }
}
