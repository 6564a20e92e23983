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
const kinds: ReadonlySet<unknown> = new Set(['success', 'retry', 'dead-letter', 'suspend']);

/** What a listener call came to. */
export interface CallOutcome {
  /** For all messages, or one for each. */
  readonly verdict: ConsumeVerdicts;
  /** What was thrown, or a sentence about a verdict that is none. */
  readonly error?: unknown;
}

/**
 * One call of the listener, and the context that the listener sees. The abort controller is made
 * only when somebody asks for the signal or the time is over.
 */
export class ListenerCall implements ConsumeContext {
  ackIndex = Number.MAX_SAFE_INTEGER;
  delayLevel = 0;
  /** Set when the consume time-out took the messages away from this call. */
  isTimedOut = false;
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
  async run(listener: MessageListener): Promise<CallOutcome> {
    const messages: StoredMessage[] = this.held.map((one) => one.message);
    try {
      const verdict: ConsumeVerdicts = await listener(messages, this);
      if (this.isVerdict(verdict)) return { verdict };
      return {
        verdict: retry,
        error:
          "The listener must answer a verdict such as { kind: 'success' }, or one for each message.",
      };
    } catch (error) {
      return { verdict: retry, error };
    }
  }

  private isVerdict(answer: unknown): boolean {
    if (!Array.isArray(answer)) return kinds.has((answer as ConsumeVerdict | undefined)?.kind);
    return (
      answer.length === this.held.length &&
      answer.every((one: ConsumeVerdict | undefined) => kinds.has(one?.kind))
    );
  }
}
