import { DeadlineError, type Timer } from '@nestjs-rocketmq/foundation';
import type { AssignedQueue } from './assigned-queue.js';
import { Breather } from './breather.js';
import type { ConsumeVerdict, ConsumeVerdicts } from './consumer-options.js';
import {
  count,
  finish,
  mostReconsumeTimes,
  showAttempts,
  type GroupState,
  type MessageDelivery,
} from './group-state.js';
import { isGood, ListenerCall } from './listener-call.js';
import type { Held } from './process-queue.js';
import { SendBack, toDeadLetters } from './send-back.js';

const shortestSuspend = 10;
const longestSuspend = 30_000;

/**
 * Hands each queue's messages to the listener in order, one call per queue at a time, up to
 * `concurrency` queues at once. What fails is tried again in place; its queue waits meanwhile.
 */
export class OrderlyDelivery implements MessageDelivery {
  private ready: AssignedQueue[] = [];
  private readonly calls = new Set<ListenerCall>();
  private readonly pauses = new Set<Timer>();
  /** Queues that wait for the rest of a batch; undefined: the wait is over. */
  private readonly gathering = new Map<AssignedQueue, Timer | undefined>();
  private readonly sendBack: SendBack;
  private readonly breather = new Breather(() => this.pump());
  private watch: Timer | undefined;
  private isStopped = false;
  private onDrained: (() => void) | undefined;

  constructor(private readonly state: GroupState) {
    this.sendBack = new SendBack(state);
  }

  start(): void {
    const { clock, settings } = this.state;
    const step = Math.min(Math.max(settings.consumeTimeout / 10, 10), 60_000);
    this.watch = clock.every(step, () => this.lookForTimeouts());
  }

  accept(assigned: AssignedQueue): void {
    if (assigned.isScheduled) {
      if (assigned.process.waiting >= this.state.settings.batch) this.gathered(assigned);
      return;
    }
    assigned.isScheduled = true;
    this.schedule(assigned);
  }

  drain(): Promise<void> {
    this.isStopped = true;
    this.ready = [];
    this.cancelTimers();
    if (this.calls.size === 0) return Promise.resolve();
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
    this.watch?.cancel();
    this.cancelTimers();
  }

  private cancelTimers(): void {
    for (const timer of [...this.pauses, ...this.gathering.values()]) timer?.cancel();
  }

  private schedule(assigned: AssignedQueue): void {
    if (this.isStopped || assigned.isLeaving) return;
    this.ready.push(assigned);
    this.pump();
  }

  private pump(): void {
    const { clock, settings } = this.state;
    while (this.calls.size < settings.concurrency && !this.isStopped) {
      if (this.ready.length > 0 && this.breather.isOver(clock.monotonic())) return;
      const assigned = this.ready.shift();
      if (assigned === undefined) return;
      this.begin(assigned);
    }
  }

  /** Whether the queue waits for the rest of a batch first; it is scheduled when that is over. */
  private gathers(assigned: AssignedQueue): boolean {
    const { settings, clock } = this.state;
    if (settings.batchWait === 0 || this.gathering.has(assigned)) {
      this.gathering.delete(assigned);
      return false;
    }
    const { waiting } = assigned.process;
    if (waiting === 0 || waiting >= settings.batch) return false;
    this.gathering.set(
      assigned,
      clock.after(settings.batchWait, () => this.gathered(assigned)),
    );
    return true;
  }

  /** The batch is full, or its time is over. */
  private gathered(assigned: AssignedQueue): void {
    const timer = this.gathering.get(assigned);
    if (timer === undefined) return;
    timer.cancel();
    this.gathering.set(assigned, undefined);
    this.schedule(assigned);
  }

  private begin(assigned: AssignedQueue): void {
    const { state } = this;
    if (assigned.isLeaving) {
      this.gathering.delete(assigned);
      return;
    }
    if (!this.holdsLock(assigned)) {
      // The lock is renewed by its own timer; until then nothing of this queue may run.
      void assigned.nextChange().then(() => this.schedule(assigned));
      return;
    }
    if (this.gathers(assigned)) return;
    const held = assigned.process.take(state.settings.batch);
    if (held.length === 0) {
      assigned.isScheduled = false;
      return;
    }
    for (const one of held) showAttempts(one);
    void this.work(new ListenerCall(assigned, held, state.clock.monotonic()));
  }

  private holdsLock(assigned: AssignedQueue): boolean {
    const { state } = this;
    return !state.isClustering || assigned.lockedUntil > state.clock.monotonic();
  }

  private async work(call: ListenerCall): Promise<void> {
    const { state } = this;
    const { assigned } = call;
    this.calls.add(call);
    state.statistics.running += 1;
    assigned.callBegins();
    let pause: number | undefined;
    try {
      const { verdict, error } = await call.run(state.listener, state.watch);
      if (error !== undefined) {
        state.logger.error('A listener failed; its queue waits and tries again.', {
          ...call.queue,
          msgId: call.held[0]?.message.msgId,
          error,
        });
      }
      pause = await this.settle(call, verdict);
    } catch (error) {
      state.logger.error('A finished listener call could not be settled.', { error });
      assigned.process.putBack();
      pause = state.settings.suspendCurrentQueueTime;
    } finally {
      this.calls.delete(call);
      state.statistics.running -= 1;
      assigned.callEnds();
      this.goOn(assigned, pause);
      this.pump();
      if (this.calls.size === 0) this.onDrained?.();
    }
  }

  private goOn(assigned: AssignedQueue, pause: number | undefined): void {
    if (this.isStopped || assigned.isLeaving) return;
    if (pause === undefined) return this.schedule(assigned);
    const timer = this.state.clock.after(pause, () => {
      this.pauses.delete(timer);
      this.schedule(assigned);
    });
    this.pauses.add(timer);
  }

  /** Answers how long the queue must pause, or undefined when it may go on at once. */
  private async settle(call: ListenerCall, verdict: ConsumeVerdicts): Promise<number | undefined> {
    const { state } = this;
    const { assigned, held } = call;
    const verdictOf = (at: number): ConsumeVerdict =>
      (Array.isArray(verdict) ? verdict[at] : verdict) as ConsumeVerdict;
    const good = held.filter((_, at) => isGood(verdictOf(at)));
    count(state, assigned, good.length, held.length - good.length);
    this.commit(call, good, verdictOf);
    if (good.length === held.length || assigned.isDropped) return undefined;
    let pause: number | undefined;
    let again: Held | undefined;
    for (const [at, one] of held.entries()) {
      const own = verdictOf(at);
      if (isGood(own) || (await this.isBuried(assigned, one, own))) continue;
      one.reconsumeTimes += 1;
      again ??= one;
      pause = Math.max(pause ?? 0, this.pauseAfter(own));
    }
    if (pause === undefined) return undefined;
    const isRolledBack = held.some((_, at) => verdictOf(at).kind === 'rollback');
    assigned.process.putBack(isRolledBack ? undefined : again);
    return Math.min(Math.max(pause, shortestSuspend), longestSuspend);
  }

  /** Without `autoCommit` what is good is only taken, until a commit finishes all of it. */
  private commit(
    { assigned, autoCommit, held }: ListenerCall,
    good: readonly Held[],
    verdictOf: (at: number) => ConsumeVerdict,
  ): void {
    if (autoCommit) return finish(this.state, assigned, good);
    if (!held.some((_, at) => verdictOf(at).kind === 'commit')) return;
    const failed = new Set(held.filter((_, at) => !isGood(verdictOf(at))));
    const all = assigned.process.takenNow().filter((one) => !failed.has(one));
    finish(this.state, assigned, all);
  }

  private async isBuried(
    assigned: AssignedQueue,
    one: Held,
    verdict: ConsumeVerdict,
  ): Promise<boolean> {
    const isTiredOf =
      verdict.kind === 'retry' && one.reconsumeTimes >= mostReconsumeTimes(this.state);
    return (verdict.kind === 'dead-letter' || isTiredOf) && (await this.bury(assigned, one));
  }

  private pauseAfter(verdict: ConsumeVerdict): number {
    const { suspendCurrentQueueTime } = this.state.settings;
    if (verdict.kind === 'suspend' || verdict.kind === 'rollback')
      return verdict.ms ?? suspendCurrentQueueTime;
    const wanted = verdict.kind === 'retry' ? verdict.suspendMs : undefined;
    return wanted ?? suspendCurrentQueueTime;
  }

  private async bury(assigned: AssignedQueue, one: Held): Promise<boolean> {
    const { state } = this;
    if (!state.isClustering) {
      state.logger.warn('A broadcast message failed too often and is dropped.', {
        msgId: one.message.msgId,
      });
    } else if (!(await this.sendBack.give(one, assigned.queue, toDeadLetters))) return false;
    finish(state, assigned, [one]);
    return true;
  }

  /** Order must be kept, so a slow call keeps its messages; its signal tells it to hurry. */
  private lookForTimeouts(): void {
    const { state } = this;
    const { consumeTimeout } = state.settings;
    const limit = state.clock.monotonic() - consumeTimeout;
    for (const call of this.calls) {
      if (call.isTimedOut || call.startedAt > limit) continue;
      call.isTimedOut = true;
      state.statistics.timedOut += 1;
      const sentence = `A listener call took longer than the consume time-out (${consumeTimeout} ms)`;
      state.logger.warn(`${sentence}; its queue waits for it.`, { ...call.queue });
      call.abort(new DeadlineError(`${sentence}.`));
    }
  }
}
