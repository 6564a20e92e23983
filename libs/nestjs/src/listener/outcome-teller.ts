import type { LoggerService } from '@nestjs/common';
import { messageOf } from '@nestjs-rocketmq/foundation';
import type { StoredMessage } from '@nestjs-rocketmq/message';
import type { RocketMQContext } from '../rocketmq.context.js';
import type { ListenerPlan } from './listener-plan.js';
import { stackOf, type Outcome } from './outcome.js';

/** What became of the messages of one listener since the application started. */
export interface ListenerCounters {
  /** Messages that are done. */
  succeeded: number;
  /** Messages that come again. */
  retried: number;
  /** Messages that went to the dead letters. */
  deadLettered: number;
  /** Messages given up without dead letters: broadcast ones that failed, invalid ones under `skip`. */
  dropped: number;
  /** Messages whose handler ended after `consumeTimeout`, when they had been given back already. */
  late: number;
}

type Log = Pick<LoggerService, 'warn' | 'error'>;
type Fate = 'success' | 'retry' | 'dead-letter' | 'skip' | 'drop';

const fates: Readonly<Record<Fate, string>> = {
  success: '',
  retry: 'will be delivered again',
  'dead-letter': 'goes to the dead letters',
  skip: 'is skipped',
  drop: 'is dropped, because broadcast messages are not delivered again',
};
const counted = {
  success: 'succeeded',
  retry: 'retried',
  'dead-letter': 'deadLettered',
  skip: 'dropped',
  drop: 'dropped',
} as const satisfies Record<Fate, keyof ListenerCounters>;

/** Tells log, counters and hooks what becomes of messages. A failing hook changes nothing. */
export class OutcomeTeller {
  readonly counters: ListenerCounters = {
    succeeded: 0,
    retried: 0,
    deadLettered: 0,
    dropped: 0,
    late: 0,
  };

  constructor(
    private readonly plan: ListenerPlan,
    private readonly logger: Log,
  ) {}

  get hasHooks(): boolean {
    return this.plan.onError.length + this.plan.onDeadLetter.length > 0;
  }

  /** One line for messages that end alike. */
  tell(messages: readonly StoredMessage[], outcomes: readonly Outcome[]): void {
    const alike = new Map<string, { outcome: Outcome; fate: Fate; messages: StoredMessage[] }>();
    messages.forEach((message, at) => {
      const outcome = outcomes[at] as Outcome;
      const fate = this.fateOf(outcome);
      this.counters[counted[fate]] += 1;
      const key = `${fate} ${outcome.reason}`;
      const group = alike.get(key);
      if (group === undefined) alike.set(key, { outcome, fate, messages: [message] });
      else group.messages.push(message);
    });
    for (const { outcome, fate, messages: all } of alike.values()) this.log(all, outcome, fate);
  }

  /** The handler ended, but its messages had been given back: what it says counts no more. */
  late(messages: readonly StoredMessage[], outcomes: readonly Outcome[]): void {
    this.counters.late += messages.length;
    const failed = outcomes.find(({ level }) => level !== 'quiet');
    const how = failed === undefined ? 'ended' : `failed (${failed.reason})`;
    this.logger.warn(
      `${this.nameOf(messages)}: the handler ${how} after its consumeTimeout of ` +
        `${this.plan.consumeTimeout} ms, when the message had been given back already.`,
    );
  }

  /** Tells the hooks, one after another: each error once, and each dead letter. Never rejects. */
  async callHooks(
    messages: readonly StoredMessage[],
    outcomes: readonly Outcome[],
    context: RocketMQContext,
    contextOf: (message: StoredMessage) => RocketMQContext,
  ): Promise<void> {
    const errors = new Set(outcomes.map(({ error }) => error));
    for (const error of errors) {
      if (error === undefined) continue;
      for (const hook of this.plan.onError) await this.guard('onError', () => hook(error, context));
    }
    for (const [at, message] of messages.entries()) {
      const outcome = outcomes[at] as Outcome;
      if (this.fateOf(outcome) !== 'dead-letter') continue;
      await this.buried(contextOf(message), outcome.reason, outcome.error);
    }
  }

  /** The time of a last try is over, and the client gives its messages to the dead letters. */
  async timedOut(
    messages: readonly StoredMessage[],
    contextOf: (message: StoredMessage) => RocketMQContext,
  ): Promise<void> {
    const reason = `the handler took longer than ${this.plan.consumeTimeout} ms, at the last try`;
    const fate = this.plan.model === 'broadcasting' ? 'drop' : 'dead-letter';
    this.counters[counted[fate]] += messages.length;
    this.logger.error(`${this.nameOf(messages)}: ${reason}; it ${fates[fate]}.`);
    if (fate === 'drop') return;
    for (const message of messages) await this.buried(contextOf(message), reason, undefined);
  }

  private fateOf({ verdict, level }: Outcome): Fate {
    if (verdict.kind === 'success') return level === 'quiet' ? 'success' : 'skip';
    return this.plan.model === 'broadcasting' ? 'drop' : verdict.kind;
  }

  private log(messages: readonly StoredMessage[], outcome: Outcome, fate: Fate): void {
    const isDropped = fate === 'drop';
    if (outcome.level === 'quiet' && !isDropped) return;
    const sentence = `${this.nameOf(messages)}: ${outcome.reason}; it ${fates[fate]}.`;
    if (!isDropped && outcome.level === 'warn') this.logger.warn(sentence);
    else this.logger.error(sentence, stackOf(outcome.error));
  }

  private nameOf(messages: readonly StoredMessage[]): string {
    const first = messages[0] as StoredMessage;
    const { topic, queueId, queueOffset, reconsumeTimes } = first;
    const place = `topic ${topic}, queue ${queueId}, offset ${queueOffset}`;
    const name = `Message ${first.msgId} (${place}, try ${reconsumeTimes + 1})`;
    return messages.length === 1 ? name : `${name} and ${messages.length - 1} more of its batch`;
  }

  private async buried(context: RocketMQContext, reason: string, error: unknown): Promise<void> {
    for (const hook of this.plan.onDeadLetter) {
      await this.guard('onDeadLetter', () => hook(context, reason, error));
    }
  }

  private async guard(name: string, hook: () => unknown): Promise<void> {
    try {
      await hook();
    } catch (error) {
      const sentence = `'${name}' of ${this.plan.name} failed: ${messageOf(error)}`;
      this.logger.error(`${sentence}; the outcome stays as it is.`, stackOf(error));
    }
  }
}
