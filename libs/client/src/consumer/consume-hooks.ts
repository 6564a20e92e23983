import type { Logger } from '@nestjs-rocketmq/foundation';
import type { MessageQueue, StoredMessage } from '@nestjs-rocketmq/message';

/**
 * One listener call, or one hand-out of a lite pull consumer. `before` and `after` of a hook get the
 * same object. Java: ConsumeMessageContext.
 */
export interface ConsumeCall {
  readonly group: string;
  readonly queue: MessageQueue;
  /** As the listener sees them. */
  readonly messages: readonly StoredMessage[];
  /** ms since 1970. */
  readonly startedAt: number;
}

/**
 * How a call ended. Java's ConsumeReturnType in its order: SUCCESS, TIME_OUT (it took
 * `consumeTimeout` or longer, whatever it answered), EXCEPTION, RETURNNULL, FAILED.
 */
export type ConsumeReturn = 'success' | 'timed-out' | 'threw' | 'no-answer' | 'failed';

export interface ConsumeOutcome {
  readonly ended: ConsumeReturn;
  /** The listener answered that everything is done, in time or not. */
  readonly isSuccess: boolean;
  /** How long it took, ms. */
  readonly elapsed: number;
  /** What was thrown, or a sentence about an answer that is none. */
  readonly error?: unknown;
}

/** Looks at consumption. What a hook throws is logged and changes nothing. Java: ConsumeMessageHook. */
export interface ConsumeHook {
  /** For logs. */
  readonly name?: string;
  before?(call: ConsumeCall): void;
  after?(call: ConsumeCall, outcome: ConsumeOutcome): void;
}

/** What a pull brought of one queue, tags compared already; never empty. */
export interface PulledMessages {
  readonly group: string;
  readonly queue: MessageQueue;
  readonly messages: readonly StoredMessage[];
}

/**
 * Takes messages out before they are counted as pulled; they are finished by that. What it throws
 * is logged, and nothing is taken out. Java: FilterMessageHook.
 */
export interface FilterHook {
  /** For logs. */
  readonly name?: string;
  /** Answers those of `messages` that the consumer is to have. */
  keep(pulled: PulledMessages): readonly StoredMessage[];
}

/** The hooks of one consumer. Costs nothing while there are none. */
export class ConsumeHooks {
  private readonly watching: ConsumeHook[];
  private readonly filtering: FilterHook[];

  constructor(
    private readonly logger: Logger,
    given: {
      readonly consumeHooks?: readonly ConsumeHook[] | undefined;
      readonly filterHooks?: readonly FilterHook[] | undefined;
    } = {},
  ) {
    this.watching = [...(given.consumeHooks ?? [])];
    this.filtering = [...(given.filterHooks ?? [])];
  }

  add(hook: ConsumeHook): void {
    this.watching.push(hook);
  }

  addFilter(hook: FilterHook): void {
    this.filtering.push(hook);
  }

  /** False: nobody looks, so that no `ConsumeCall` is needed. */
  get isWatched(): boolean {
    return this.watching.length > 0;
  }

  before(call: ConsumeCall): void {
    for (const hook of this.watching) this.guard(hook, () => hook.before?.(call));
  }

  after(call: ConsumeCall, outcome: ConsumeOutcome): void {
    for (const hook of this.watching) this.guard(hook, () => hook.after?.(call, outcome));
  }

  /** What of a pull is left when every filter hook has looked at it. */
  filter(group: string, queue: MessageQueue, messages: StoredMessage[]): StoredMessage[] {
    let left = messages;
    for (const hook of this.filtering) {
      if (left.length === 0) break;
      const pulled = { group, queue, messages: left };
      this.guard(hook, () => {
        const kept = new Set(hook.keep(pulled));
        left = left.filter((one) => kept.has(one));
      });
    }
    return left;
  }

  private guard(hook: ConsumeHook | FilterHook, work: () => void): void {
    try {
      work();
    } catch (error) {
      this.logger.error('A hook failed; consumption goes on without it.', {
        hook: hook.name,
        error,
      });
    }
  }
}
