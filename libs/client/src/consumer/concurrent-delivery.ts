import { DeadlineError, type Timer } from '@nestjs-rocketmq/foundation';
import type { AssignedQueue } from './assigned-queue.js';
import { Breather } from './breather.js';
import { Chunks, type Chunk } from './chunks.js';
import type { ConsumeVerdict, ConsumeVerdicts } from './consumer-options.js';
import {
  count,
  finish,
  showAttempts,
  type GroupState,
  type MessageDelivery,
} from './group-state.js';
import { type CallOutcome, isGood, ListenerCall } from './listener-call.js';
import type { Held } from './process-queue.js';
import { SendBack, toDeadLetters } from './send-back.js';

/** A message that no broker took back is tried again here after this time. */
const localRetryDelay = 5_000;
const timedOutLevel = 3;

/** What came of one queue at once (or became full), and how much of it was handed out. */
interface Arrival extends Chunk {
  next: number;
}

/**
 * Hands messages to the listener, up to `concurrency` calls at once, in the order they came but
 * without waiting for each other. What fails goes back to the broker.
 */
export class ConcurrentDelivery implements MessageDelivery {
  private line: Arrival[] = [];
  private first = 0;
  private readonly calls = new Set<ListenerCall>();
  private readonly retries = new Set<Timer>();
  private readonly sendBack: SendBack;
  private readonly chunks: Chunks;
  private readonly breather = new Breather(() => this.pump());
  private watch: Timer | undefined;
  private isStopped = false;
  private isPumping = false;
  private settling = 0;
  private onDrained: (() => void) | undefined;

  constructor(private readonly state: GroupState) {
    this.sendBack = new SendBack(state);
    const { clock, settings } = state;
    const ready = (chunk: Chunk): void => void this.line.push({ ...chunk, next: 0 });
    this.chunks = new Chunks(clock, settings, ready, () => this.pump());
  }

  start(): void {
    const { clock, settings } = this.state;
    // Late by a tenth at most: one look at all calls instead of a timer for each.
    const step = Math.min(Math.max(settings.consumeTimeout / 10, 10), 60_000);
    this.watch = clock.every(step, () => this.lookForTimeouts());
  }

  accept(assigned: AssignedQueue, fresh: readonly Held[]): void {
    if (this.isStopped || fresh.length === 0) return;
    if (this.state.settings.batch > 1) this.chunks.add(assigned, fresh);
    else this.line.push({ assigned, held: fresh, next: 0 });
    this.pump();
  }

  drain(): Promise<void> {
    this.isStopped = true;
    this.chunks.close();
    this.line = [];
    this.first = 0;
    for (const timer of this.retries) timer.cancel();
    if (this.settling === 0) return Promise.resolve();
    return new Promise((resolve) => (this.onDrained = resolve));
  }

  get running(): Iterable<ListenerCall> {
    return this.calls;
  }

  abandon(): void {
    for (const call of this.calls) {
      call.abort(new DeadlineError('The consumer closes and does not wait any longer.'));
    }
  }

  close(): void {
    this.isStopped = true;
    this.chunks.close();
    this.watch?.cancel();
    for (const timer of this.retries) timer.cancel();
  }

  private pump(): void {
    // Listeners that answer at once come back here from within.
    if (this.isPumping) return;
    this.isPumping = true;
    const { clock, settings } = this.state;
    let now: number | undefined;
    while (this.calls.size < settings.concurrency && !this.isStopped) {
      const arrival = this.line[this.first];
      if (arrival === undefined) break;
      if (arrival.assigned.isLeaving || arrival.next >= arrival.held.length) {
        this.first += 1;
        continue;
      }
      // Where a call ends at once, the next one begins at that moment: one look at the clock.
      now ??= clock.monotonic();
      if (this.breather.isOver(now)) break;
      now = this.work(arrival, now);
    }
    this.isPumping = false;
    this.cut();
  }

  /** What was handed out is kept no longer than needed: whole answers of brokers hang on it. */
  private cut(): void {
    if (this.first === this.line.length) this.line.length = 0;
    else if (this.first > 16 && this.first * 2 > this.line.length) this.line.splice(0, this.first);
    else return;
    this.first = 0;
  }

  /** Answers when the call ended, if it did at once. */
  private work(arrival: Arrival, now: number): number | undefined {
    const { state } = this;
    const { assigned } = arrival;
    const call = new ListenerCall(assigned, this.nextOf(arrival), now);
    this.calls.add(call);
    this.settling += 1;
    state.statistics.running += 1;
    assigned.callBegins();
    call.begin(state.listener, state.watch, this.onEnd);
    return call.endedAt;
  }

  /** Single messages, or all of a chunk. */
  private nextOf(arrival: Arrival): readonly Held[] {
    const { batch } = this.state.settings;
    const { held, next } = arrival;
    arrival.next += batch;
    const only = held[next];
    return batch === 1 && only !== undefined ? [only] : held;
  }

  private readonly onEnd = (call: ListenerCall, outcome: CallOutcome): void => {
    let settling: Promise<void> | undefined;
    try {
      settling = this.ended(call, outcome);
    } catch (error) {
      this.notSettled(error);
    }
    if (settling === undefined) return this.end(call);
    void settling.catch((error: unknown) => this.notSettled(error)).finally(() => this.end(call));
  };

  /** Answers a promise where something has to be waited for before the call is over. */
  private ended(call: ListenerCall, { verdict, error }: CallOutcome): Promise<void> | undefined {
    if (error !== undefined) this.report(call, error);
    if (call.isTimedOut) return undefined;
    this.leave(call);
    if (!this.isAllGood(call, verdict)) return this.settle(call, verdict);
    const now = call.endedAt ?? this.state.clock.monotonic();
    count(this.state, call.assigned, call.held.length, 0, now);
    finish(this.state, call.assigned, call.held, now);
    return undefined;
  }

  private notSettled(error: unknown): void {
    this.state.logger.error('A finished listener call could not be settled.', { error });
  }

  /** What happens nearly always, and needs nobody to wait. */
  private isAllGood({ ackIndex, held }: ListenerCall, verdict: ConsumeVerdicts): boolean {
    return !isEach(verdict) && isGood(verdict) && ackIndex >= held.length - 1;
  }

  private end(call: ListenerCall): void {
    this.leave(call);
    this.settling -= 1;
    call.assigned.callEnds();
    if (this.settling === 0) this.onDrained?.();
  }

  /** Makes room for the next call; once per call. */
  private leave(call: ListenerCall): void {
    if (!this.calls.delete(call)) return;
    this.state.statistics.running -= 1;
    this.pump();
  }

  private async settle(call: ListenerCall, verdict: ConsumeVerdicts): Promise<void> {
    const { held } = call;
    if (isEach(verdict)) return this.settleEach(call, verdict);
    const good = isGood(verdict) ? call.ackIndex + 1 : 0;
    const done = good >= held.length ? held : held.slice(0, Math.max(good, 0));
    const failed = held.slice(done.length);
    await this.conclude(call, done, failed, () => levelOf(call, verdict));
  }

  private async settleEach(call: ListenerCall, each: readonly ConsumeVerdict[]): Promise<void> {
    const verdicts = new Map(call.held.map((one, at) => [one, each[at] as ConsumeVerdict]));
    const isDone = (one: Held): boolean => isGood(verdicts.get(one) as ConsumeVerdict);
    const done = call.held.filter(isDone);
    const failed = call.held.filter((one) => !isDone(one));
    await this.conclude(call, done, failed, (one) =>
      levelOf(call, verdicts.get(one) as ConsumeVerdict),
    );
  }

  private async conclude(
    call: ListenerCall,
    done: readonly Held[],
    failed: readonly Held[],
    level: (one: Held) => number,
  ): Promise<void> {
    const { state } = this;
    const { assigned } = call;
    count(state, assigned, done.length, failed.length);
    finish(state, assigned, done);
    if (failed.length === 0) return;
    // The next owner of the queue gets these messages again in any case.
    if (assigned.isDropped) return;
    await this.giveBack(assigned, failed, level);
  }

  private async giveBack(
    assigned: AssignedQueue,
    failed: readonly Held[],
    level: (one: Held) => number,
  ): Promise<void> {
    const { state } = this;
    if (!state.isClustering) {
      for (const { message } of failed) {
        state.logger.warn('A broadcast message failed and is dropped; there are no retries.', {
          msgId: message.msgId,
          topic: message.topic,
        });
      }
      return finish(state, assigned, failed);
    }
    await Promise.all(
      failed.map(async (one) => {
        if (await this.sendBack.give(one, assigned.queue, level(one))) {
          finish(state, assigned, [one]);
        } else this.retryHere(assigned, one);
      }),
    );
  }

  /** No broker took it: keep it in hand, so that the offset waits, and try again here. */
  private retryHere(assigned: AssignedQueue, one: Held): void {
    if (this.isStopped) return;
    one.reconsumeTimes += 1;
    const timer = this.state.clock.after(localRetryDelay, () => {
      this.retries.delete(timer);
      showAttempts(one);
      this.line.push({ assigned, held: [one], next: 0 });
      this.pump();
    });
    this.retries.add(timer);
  }

  /**
   * A call over its time loses its messages: they go back to the broker, its signal is aborted, and
   * its place is given to others even if it never ends.
   */
  private lookForTimeouts(): void {
    const { state } = this;
    const { consumeTimeout } = state.settings;
    const limit = state.clock.monotonic() - consumeTimeout;
    for (const call of this.calls) {
      if (call.startedAt > limit) continue;
      call.isTimedOut = true;
      state.statistics.timedOut += 1;
      const { assigned, held } = call;
      const sentence = `A listener call took longer than the consume time-out (${consumeTimeout} ms)`;
      state.logger.warn(`${sentence}; its messages are given back.`, {
        ...assigned.queue,
        msgId: held[0]?.message.msgId,
      });
      call.abort(new DeadlineError(`${sentence}.`));
      this.leave(call);
      count(state, assigned, 0, held.length);
      if (!assigned.isDropped) void this.giveBack(assigned, held, () => timedOutLevel);
    }
  }

  private report(call: ListenerCall, error: unknown): void {
    this.state.logger.error('A listener failed; its messages will be retried.', {
      ...call.queue,
      msgId: call.held[0]?.message.msgId,
      error,
    });
  }
}

function levelOf(call: ListenerCall, verdict: ConsumeVerdict): number {
  if (verdict.kind === 'dead-letter') return toDeadLetters;
  if (verdict.kind === 'retry' && verdict.delayLevel !== undefined) return verdict.delayLevel;
  return call.delayLevel;
}

/** Whether the listener told for each message what becomes of it. */
function isEach(verdict: ConsumeVerdicts): verdict is readonly ConsumeVerdict[] {
  return Array.isArray(verdict);
}
