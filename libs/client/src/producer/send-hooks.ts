import type { Logger } from '@nestjs-rocketmq/foundation';
import {
  transactionState,
  type MessageQueue,
  type OutgoingMessage,
  type StoredMessage,
} from '@nestjs-rocketmq/message';
import { SendForbiddenError } from '../client.errors.js';
import type { PublishQueue } from '../route-table.js';
import { isDelayed } from './delays.js';
import type { Draft } from './draft.js';
import type { SendResult } from './send-result.js';

/** One attempt to send, as hooks see it. The same object is given before and after. */
export interface SendContext {
  readonly group: string;
  /** The message, or those of a batch, as the caller gave them. */
  readonly messages: readonly OutgoingMessage[];
  readonly isBatch: boolean;
  /** `half`: the message of a transaction. `reply`: the answer to a request. */
  readonly type: 'normal' | 'delayed' | 'half' | 'reply';
  /** `one-way`: what the broker says is never known. */
  readonly mode: 'send' | 'one-way';
  /** The unique key; of a batch all keys joined by `,`. */
  readonly msgId: string;
  /** Bytes of the body as sent: perhaps compressed, of a batch the encoded messages. */
  readonly bodyLength: number;
  readonly queue: MessageQueue;
  /** `host:port` of the broker. */
  readonly address: string;
  /** 1 for the first attempt. */
  readonly attempt: number;
  /** When the attempt began, ms since 1970. */
  readonly startedAt: number;
}

/** How an attempt ended: with a result, with an error, or (one-way) with neither. */
export interface SendOutcome {
  readonly result?: SendResult;
  readonly error?: unknown;
  /** How long it took, in ms. */
  readonly elapsed: number;
}

/** A verdict about a transactional message that was told to a broker. */
export interface DecisionContext {
  readonly group: string;
  /** The message as sent, or as the asking broker has it. */
  readonly message: OutgoingMessage | StoredMessage;
  readonly msgId: string;
  readonly transactionId: string;
  readonly verdict: 'COMMIT' | 'ROLLBACK' | 'UNKNOWN';
  /** True when a broker had asked. */
  readonly isCheck: boolean;
  /** `host:port` of the broker. */
  readonly address: string;
}

/** A broker was asked to take a timer message back, and answered. */
export interface RecallContext {
  readonly group: string;
  readonly topic: string;
  /** The unique key of the message. */
  readonly msgId: string;
  /** False: it was too late, or the broker does not know the message. */
  readonly isRecalled: boolean;
}

/**
 * Looks on while messages are sent. All functions are called in the path of the send: keep them
 * short. What they throw is logged and changes nothing, except in `checkSend`.
 */
export interface SendHook {
  /** Before an attempt; a thrown error forbids the whole send (`SendForbiddenError`). */
  checkSend?(context: SendContext): void;
  beforeSend?(context: SendContext): void;
  afterSend?(context: SendContext, outcome: SendOutcome): void;
  /** After the verdict about a transactional message went to its broker. */
  afterDecision?(context: DecisionContext): void;
  /** After a broker answered a recall. */
  afterRecall?(context: RecallContext): void;
}

/** What hooks learn about an attempt to send this draft to this queue. */
export function contextOf(
  draft: Draft,
  queue: PublishQueue,
  rest: Pick<SendContext, 'group' | 'mode' | 'attempt' | 'startedAt'>,
): SendContext {
  const { topic, brokerName, queueId, address } = queue;
  const source = draft.source ?? [];
  const messages = isList(source) ? source : [source];
  const place = { topic, brokerName, queueId };
  const { isBatch, uniqueKey: msgId } = draft;
  return {
    ...rest,
    messages,
    isBatch,
    type: typeOf(draft, messages),
    msgId,
    bodyLength: draft.body.length,
    queue: place,
    address,
  };
}

function typeOf(draft: Draft, messages: readonly OutgoingMessage[]): SendContext['type'] {
  if (draft.isReply === true) return 'reply';
  if (transactionState(draft.sysFlag) === 'prepared') return 'half';
  return messages.some(isDelayed) ? 'delayed' : 'normal';
}

function isList(
  source: OutgoingMessage | readonly OutgoingMessage[],
): source is readonly OutgoingMessage[] {
  return Array.isArray(source);
}

/** The hooks of a producer, in the order in which they were added. */
export class SendHooks {
  private readonly hooks: SendHook[] = [];

  constructor(private readonly logger: Logger) {}

  /** True while nobody looks on: nothing is made for them then. */
  get isIdle(): boolean {
    return this.hooks.length === 0;
  }

  /** Answers how to take the hook out again. */
  add(hook: SendHook): () => void {
    this.hooks.push(hook);
    return () => {
      const at = this.hooks.indexOf(hook);
      if (at >= 0) this.hooks.splice(at, 1);
    };
  }

  /** Throws `SendForbiddenError` when a hook does not want the send. */
  check(context: SendContext): void {
    for (const hook of this.hooks) {
      try {
        hook.checkSend?.(context);
      } catch (cause) {
        const { topic } = context.queue;
        const why = cause instanceof Error ? cause.message : String(cause);
        throw new SendForbiddenError(`A hook forbids to send to topic '${topic}': ${why}`, {
          cause,
          details: { topic, msgId: context.msgId, group: context.group },
        });
      }
    }
  }

  before(context: SendContext): void {
    for (const hook of this.hooks) this.guarded('beforeSend', () => hook.beforeSend?.(context));
  }

  after(context: SendContext, outcome: SendOutcome): void {
    for (const hook of this.hooks) {
      this.guarded('afterSend', () => hook.afterSend?.(context, outcome));
    }
  }

  decided(context: DecisionContext): void {
    for (const hook of this.hooks) {
      this.guarded('afterDecision', () => hook.afterDecision?.(context));
    }
  }

  recalled(context: RecallContext): void {
    for (const hook of this.hooks) this.guarded('afterRecall', () => hook.afterRecall?.(context));
  }

  private guarded(name: string, call: () => void): void {
    try {
      call();
    } catch (error) {
      this.logger.warn(`A send hook threw in '${name}'; the send goes on.`, { error });
    }
  }
}
