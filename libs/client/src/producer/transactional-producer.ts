import {
  DeadlineError,
  defineOptions,
  messageOf,
  option,
  Semaphore,
  withDeadline,
} from '@nestjs-rocketmq/foundation';
import {
  parseOffsetMessageId,
  PropertyName,
  propertyText,
  SysFlag,
  type OutgoingMessage,
  type StoredMessage,
} from '@nestjs-rocketmq/message';
import { TransactionDecision } from '@nestjs-rocketmq/protocol';
import type { ProducerMember, TransactionCheck } from '../broker-requests.js';
import { anObject, type Duration } from '../client-options.js';
import {
  ClientConfigurationError,
  CloseDeadlineError,
  InvalidMessageError,
  NoRouteError,
} from '../client.errors.js';
import type { ProducerOptions } from './producer-options.js';
import { Producer } from './producer.js';
import type { SendOptions, SendResult } from './send-result.js';

/**
 * What becomes of a half message: `COMMIT` delivers it, `ROLLBACK` withdraws it, `UNKNOWN` lets the
 * broker ask again later.
 */
export type TransactionVerdict = 'COMMIT' | 'ROLLBACK' | 'UNKNOWN';

/** What the local transaction learns about its message. */
export interface TransactionContext {
  /** The message's unique key; the check brings it back as `message.msgId`. */
  readonly transactionId: string;
  readonly send: SendResult;
}

/** Decides about transactional messages. A thrown error counts as `UNKNOWN`. */
export interface TransactionListener<A = unknown> {
  /** Runs the local transaction; only called when the half message is safely stored. */
  execute(
    message: OutgoingMessage,
    arg: A,
    transaction: TransactionContext,
  ): Promise<TransactionVerdict>;
  /**
   * Answers a broker that does not know the outcome. Any producer of the group may be asked, so
   * answer from durable data, never from memory.
   */
  check(message: StoredMessage): Promise<TransactionVerdict>;
}

/** Only the local part, for a single message; checks go to the producer's listener. */
export type TransactionExecutor<A = unknown> = Pick<TransactionListener<A>, 'execute'>;

export interface TransactionalProducerOptions extends ProducerOptions {
  /** Answers checks, and executes when a send brings no own listener. */
  readonly listener?: TransactionListener;
  /** Checks answered at once [4]. Java: checkThreadPoolMaxSize. */
  readonly checkConcurrency?: number;
  /** Checks waiting at most; more are dropped, the broker asks again [2000]. Java: checkRequestHoldMax. */
  readonly maxWaitingChecks?: number;
  /** Time for one check; then the verdict is UNKNOWN [30s]. */
  readonly checkTimeout?: Duration;
}

export interface TransactionSendOptions<A = unknown> extends SendOptions {
  /** Executes this message's local transaction instead of the producer's listener. */
  readonly listener?: TransactionExecutor<A>;
}

export interface TransactionSendResult extends SendResult {
  readonly transactionId: string;
  readonly verdict: TransactionVerdict;
}

/** The options that a transactional producer has besides those of a producer. */
export const transactionOptionSet = defineOptions('transactional producer', {
  listener: anObject('Executes local transactions and answers checks.'),
  checkConcurrency: option.integer({
    meaning: 'Transaction checks answered at once.',
    default: 4,
    min: 1,
    max: 1000,
  }),
  maxWaitingChecks: option.integer({
    meaning: 'Transaction checks waiting at most; more are dropped, the broker asks again.',
    default: 2000,
    min: 1,
  }),
  checkTimeout: option.duration({
    meaning: 'Time for one transaction check; then the verdict is UNKNOWN.',
    default: 30_000,
    min: 1,
  }),
});

const decisionOf: Readonly<Record<TransactionVerdict, number>> = {
  COMMIT: TransactionDecision.commit,
  ROLLBACK: TransactionDecision.rollback,
  UNKNOWN: TransactionDecision.unknown,
};

function splitOptions(options: TransactionalProducerOptions): {
  readonly own: Record<string, unknown>;
  readonly common: ProducerOptions;
} {
  const own: Record<string, unknown> = {};
  const common: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(options)) {
    (name in transactionOptionSet.table ? own : common)[name] = value;
  }
  return { own, common: common as unknown as ProducerOptions };
}

/** Sends messages that appear only when a local transaction has succeeded. */
export class TransactionalProducer extends Producer {
  private readonly listener: TransactionListener | undefined;
  private readonly checks: Semaphore;
  private readonly maxWaitingChecks: number;
  private readonly checkTimeout: number;
  private readonly running = new Set<Promise<unknown>>();

  constructor(options: TransactionalProducerOptions) {
    const { own, common } = splitOptions(options);
    const settings = transactionOptionSet.load(own);
    super(common);
    this.listener = options.listener;
    this.checks = new Semaphore(settings.checkConcurrency);
    this.maxWaitingChecks = settings.maxWaitingChecks;
    this.checkTimeout = settings.checkTimeout;
  }

  /**
   * Sends the half message, runs the local transaction and tells the broker the verdict.
   *
   * When the half message is not safely stored (any status but `SEND_OK`) the local transaction
   * does not run and the verdict is `ROLLBACK`. An error of the listener is logged and means
   * `UNKNOWN`. Rejects as `send` does; then nothing ran either.
   */
  sendInTransaction<A = unknown>(
    message: OutgoingMessage,
    arg?: A,
    options: TransactionSendOptions<A> = {},
  ): Promise<TransactionSendResult> {
    const run = this.runTransaction(message, arg as A, options);
    this.track(run);
    return run;
  }

  private async runTransaction<A>(
    message: OutgoingMessage,
    arg: A,
    options: TransactionSendOptions<A>,
  ): Promise<TransactionSendResult> {
    const { listener = this.listener, ...sendOptions } = options;
    if (listener === undefined) {
      throw new ClientConfigurationError(
        `The producer of group '${this.group}' has no transaction listener; set the option ` +
          "'listener', or give one with the message.",
        { details: { group: this.group } },
      );
    }
    if ((message.delayLevel ?? 0) > 0) {
      throw new InvalidMessageError('A transactional message cannot have a delay level.', {
        details: { topic: message.topic, delayLevel: message.delayLevel },
      });
    }
    this.checkMessage(message);
    const marks =
      propertyText(PropertyName.TRANSACTION_PREPARED, 'true') +
      propertyText(PropertyName.PRODUCER_GROUP, this.group);
    const half = SysFlag.TRANSACTION_PREPARED;
    const result = await this.deliver(message, sendOptions, marks, half);
    const transactionId = result.transactionId ?? result.msgId;
    let verdict: TransactionVerdict = 'ROLLBACK';
    if (result.status === 'SEND_OK') {
      verdict = await this.guarded('The local transaction failed', result.msgId, () =>
        listener.execute(message, arg, { transactionId: result.msgId, send: result }),
      );
    }
    await this.decide(message.topic, result, verdict);
    return { ...result, transactionId, verdict };
  }

  /** After a crash brokers ask about what the last process left, before this one sends anything. */
  protected override async meetBrokers(): Promise<void> {
    if (this.listener !== undefined) await this.instance.meetAllBrokers();
  }

  protected override member(): ProducerMember {
    return this.memberOfChecks;
  }

  protected override async beforeLeaving(deadlineMs: number): Promise<void> {
    const all = async (): Promise<void> => void (await Promise.allSettled(this.running));
    try {
      const late = () => new CloseDeadlineError('Local transactions or checks were still running.');
      await withDeadline(this.clock, deadlineMs, all, late);
    } catch (error) {
      this.logger.warn('The producer closes before all transactions and checks ended.', { error });
    }
    this.checks.close();
  }

  private readonly memberOfChecks: ProducerMember = {
    group: this.group,
    checkTransaction: (check) => this.checkTransaction(check),
  };

  private checkTransaction(check: TransactionCheck): void {
    const { message } = check;
    if (this.listener === undefined || this.checks.waiting >= this.maxWaitingChecks) {
      this.logger.warn('A transaction check is not answered now; the broker will ask again.', {
        msgId: message.msgId,
        reason: this.listener === undefined ? 'no listener' : 'too many checks',
      });
      return;
    }
    this.track(this.answer(this.listener, check));
  }

  /** Closing waits for it; its failure is its caller's. */
  private track(work: Promise<unknown>): void {
    const forget = (): void => void this.running.delete(work);
    this.running.add(work);
    work.then(forget, forget);
  }

  private async answer(listener: TransactionListener, check: TransactionCheck): Promise<void> {
    const { message, asked, peer } = check;
    const { msgId } = message;
    let release: (() => void) | undefined;
    try {
      release = await this.checks.acquire();
      const late = () => new DeadlineError(`No verdict within ${this.checkTimeout} ms.`);
      const verdict = await this.guarded('A transaction check failed', msgId, () =>
        withDeadline(this.clock, this.checkTimeout, async () => listener.check(message), late),
      );
      this.instance.calls.answerCheck(peer, {
        topic: message.topic,
        producerGroup: this.group,
        tranStateTableOffset: asked.tranStateTableOffset,
        commitLogOffset: asked.commitLogOffset,
        commitOrRollback: decisionOf[verdict],
        fromTransactionCheck: true,
        msgId: asked.msgId ?? msgId,
        transactionId: asked.transactionId ?? msgId,
        ...(asked.brokerName === undefined ? undefined : { brokerName: asked.brokerName }),
      });
    } catch (error) {
      this.logger.warn('The verdict of a transaction check did not reach the broker.', {
        msgId,
        error: messageOf(error),
      });
    } finally {
      release?.();
    }
  }

  /** A failure to tell is no failure of the send: the broker asks. */
  private async decide(
    topic: string,
    result: SendResult,
    verdict: TransactionVerdict,
  ): Promise<void> {
    const { msgId, offsetMsgId, queue, queueOffset } = result;
    try {
      const address = this.instance.routes.masterAddress(queue.brokerName);
      if (address === undefined)
        throw new NoRouteError(`No address of ${queue.brokerName} is known.`);
      await this.instance.calls.endTransaction(address, {
        topic,
        producerGroup: this.group,
        tranStateTableOffset: queueOffset,
        commitLogOffset: parseOffsetMessageId(offsetMsgId).position,
        commitOrRollback: decisionOf[verdict],
        fromTransactionCheck: false,
        msgId,
        transactionId: result.transactionId ?? msgId,
        brokerName: queue.brokerName,
      });
    } catch (error) {
      this.logger.warn('A verdict did not reach the broker; it will ask.', {
        msgId,
        verdict,
        error: messageOf(error),
      });
    }
  }

  private async guarded(
    what: string,
    msgId: string,
    decide: () => Promise<TransactionVerdict>,
  ): Promise<TransactionVerdict> {
    try {
      const verdict: unknown = await decide();
      if (verdict === 'COMMIT' || verdict === 'ROLLBACK' || verdict === 'UNKNOWN') return verdict;
      this.logger.warn(`${what}: the listener must answer COMMIT, ROLLBACK or UNKNOWN.`, {
        msgId,
        verdict,
      });
    } catch (error) {
      this.logger.error(`${what}; the broker will ask again.`, { msgId, error });
    }
    return 'UNKNOWN';
  }
}
