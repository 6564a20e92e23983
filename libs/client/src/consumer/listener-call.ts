import type { MessageQueue, StoredMessage } from '@nestjs-rocketmq/message';
import type { AssignedQueue } from './assigned-queue.js';
import type {
  ConsumeContext,
  ConsumeVerdict,
  ConsumeVerdicts,
  MessageListener,
} from './consumer-options.js';
import type { Held } from './process-queue.js';

const retry: ConsumeVerdict = { kind: 'retry' };
const kinds: ReadonlySet<unknown> = new Set([
  'success',
  'retry',
  'dead-letter',
  'suspend',
  'commit',
  'rollback',
]);

/** Done, as far as the listener is concerned. */
export function isGood({ kind }: ConsumeVerdict): boolean {
  return kind === 'success' || kind === 'commit';
}

/** What a listener call came to. */
export interface CallOutcome {
  /** For all messages, or one for each. */
  readonly verdict: ConsumeVerdicts;
  /** Why the verdict is not the listener's own: it threw, answered nothing, or something else. */
  readonly fault?: 'threw' | 'no-answer' | 'wrong-answer';
  /** What was thrown, or a sentence about a verdict that is none. */
  readonly error?: unknown;
}

type OnEnd = (call: ListenerCall, outcome: CallOutcome) => void;

/** Who is told of calls. */
export interface CallWatcher {
  begins(call: ListenerCall, messages: readonly StoredMessage[]): void;
  ends(call: ListenerCall, messages: readonly StoredMessage[], outcome: CallOutcome): void;
}

/**
 * One call of the listener, and the context that the listener sees. The abort controller is made
 * only when somebody asks for the signal or the time is over.
 */
export class ListenerCall implements ConsumeContext {
  ackIndex = Number.MAX_SAFE_INTEGER;
  delayLevel = 0;
  autoCommit = true;
  /** Set when the consume time-out took the messages away from this call. */
  isTimedOut = false;
  /** Monotonic ms; undefined while it runs, and when nobody measures. */
  endedAt: number | undefined;
  private controller: AbortController | undefined;

  constructor(
    readonly assigned: AssignedQueue,
    readonly held: readonly Held[],
    /** Monotonic ms. */
    readonly startedAt: number,
  ) {}

  get queue(): MessageQueue {
    return this.assigned.queue;
  }

  get signal(): AbortSignal {
    return (this.controller ??= new AbortController()).signal;
  }

  abort(reason: Error): void {
    (this.controller ??= new AbortController()).abort(reason);
  }

  /** Calls the listener; never rejects. */
  run(listener: MessageListener, watcher?: CallWatcher): Promise<CallOutcome> {
    return new Promise((resolve) => {
      this.begin(listener, watcher, (_call, outcome) => resolve(outcome));
    });
  }

  /**
   * Calls the listener and tells how it ended: at once when it answered at once, so that nothing is
   * made to wait for each message.
   */
  begin(listener: MessageListener, watcher: CallWatcher | undefined, onEnd: OnEnd): void {
    const { held } = this;
    const [only] = held;
    const messages =
      held.length === 1 && only !== undefined ? [only.message] : held.map((one) => one.message);
    watcher?.begins(this, messages);
    let answer: ConsumeVerdicts | PromiseLike<ConsumeVerdicts>;
    try {
      answer = listener(messages, this);
    } catch (error) {
      return this.end(watcher, messages, threw(error), onEnd);
    }
    if (isPromise(answer)) this.endWith(answer, watcher, messages, onEnd);
    else this.end(watcher, messages, this.judge(answer), onEnd);
  }

  /** Apart from `begin`, so that a call that answers at once makes no functions. */
  private endWith(
    answer: PromiseLike<ConsumeVerdicts>,
    watcher: CallWatcher | undefined,
    messages: readonly StoredMessage[],
    onEnd: OnEnd,
  ): void {
    answer.then(
      (verdicts) => this.end(watcher, messages, this.judge(verdicts), onEnd),
      (error: unknown) => this.end(watcher, messages, threw(error), onEnd),
    );
  }

  private end(
    watcher: CallWatcher | undefined,
    messages: readonly StoredMessage[],
    outcome: CallOutcome,
    onEnd: OnEnd,
  ): void {
    watcher?.ends(this, messages, outcome);
    onEnd(this, outcome);
  }

  private judge(answer: ConsumeVerdicts | null | undefined): CallOutcome {
    if (this.isVerdict(answer)) return { verdict: answer };
    const error =
      "The listener must answer a verdict such as { kind: 'success' }, or one for each message.";
    const isNothing = answer === undefined || answer === null;
    return { verdict: retry, fault: isNothing ? 'no-answer' : 'wrong-answer', error };
  }

  private isVerdict(answer: ConsumeVerdicts | null | undefined): answer is ConsumeVerdicts {
    if (!Array.isArray(answer)) return kinds.has((answer as ConsumeVerdict | undefined)?.kind);
    return (
      answer.length === this.held.length &&
      answer.every((one: ConsumeVerdict | undefined) => kinds.has(one?.kind))
    );
  }
}

function threw(error: unknown): CallOutcome {
  return { verdict: retry, fault: 'threw', error };
}

function isPromise<T>(answer: T | PromiseLike<T>): answer is PromiseLike<T> {
  return typeof (answer as PromiseLike<T> | undefined)?.then === 'function';
}
