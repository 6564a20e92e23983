import type { StoredMessage } from '@nestjs-rocketmq/message';
import type { ConsumeCall, ConsumeReturn } from './consume-hooks.js';
import type { ConsumerGroup } from './group-state.js';
import { isGood, type CallOutcome, type CallWatcher, type ListenerCall } from './listener-call.js';

/** Measures listener calls and shows them to the hooks. */
export class CallWatch implements CallWatcher {
  private readonly shown = new Map<ListenerCall, ConsumeCall>();

  constructor(
    private readonly group: ConsumerGroup,
    private readonly consumeTimeout: number,
  ) {}

  begins(call: ListenerCall, messages: readonly StoredMessage[]): void {
    const { hooks, group, clock } = this.group;
    if (!hooks.isWatched) return;
    const seen = { group, queue: call.queue, messages, startedAt: clock.now() };
    this.shown.set(call, seen);
    hooks.before(seen);
  }

  ends(call: ListenerCall, _: readonly StoredMessage[], outcome: CallOutcome): void {
    const { hooks, clock, measures } = this.group;
    const now = clock.monotonic();
    const elapsed = now - call.startedAt;
    call.endedAt = now;
    measures.of(call.queue.topic, now).calls(now, elapsed);
    const seen = this.shown.get(call);
    if (seen === undefined) return;
    this.shown.delete(call);
    const isSuccess = isGoodAnswer(call, outcome);
    const ended = this.endOf(outcome, elapsed, isSuccess);
    hooks.after(seen, { ended, isSuccess, elapsed, error: outcome.error });
  }

  private endOf({ fault }: CallOutcome, elapsed: number, isSuccess: boolean): ConsumeReturn {
    if (fault === 'threw') return 'threw';
    if (fault === 'no-answer') return 'no-answer';
    if (elapsed >= this.consumeTimeout) return 'timed-out';
    return isSuccess ? 'success' : 'failed';
  }
}

/** Whether all messages of a call are done, by its listener's answer. */
export function isGoodAnswer(call: ListenerCall, { verdict }: CallOutcome): boolean {
  const all = Array.isArray(verdict) ? verdict : [verdict];
  return all.every(isGood) && call.ackIndex >= call.held.length - 1;
}
