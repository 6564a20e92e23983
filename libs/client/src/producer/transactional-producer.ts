import { DeadlineError, messageOf, Semaphore, withDeadline } from '@nestjs-rocketmq/foundation';
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
import {
  ClientConfigurationError,
  CloseDeadlineError,
  InvalidMessageError,
  NoRouteError,
} from '../client.errors.js';
import { isDelayed } from './delays.js';
import { checkSendTopic } from './draft.js';
import { Producer } from './producer.js';
import type { DecisionContext } from './send-hooks.js';
import type { SendResult } from './send-result.js';
import {
  splitOptions,
  transactionOptionSet,
  type TransactionListener,
  type TransactionSendOptions,
  type TransactionSendResult,
  type TransactionVerdict,
  type TransactionalProducerOptions,
} from './transaction-options.js';

const decisionOf: Readonly<Record<TransactionVerdict, number>> = {
  COMMIT: TransactionDecision.commit,
  ROLLBACK: TransactionDecision.rollback,
  UNKNOWN: TransactionDecision.unknown,
};

/** Sends messages that appear only when a local transaction has succeeded. */
export class TransactionalProducer extends Producer {
  private readonly listener: TransactionListener | undefined;
  private readonly listeners: ReadonlyMap<string, TransactionListener>;
  private readonly checks: Semaphore;
  private readonly maxWaitingChecks: number;
  private readonly checkTimeout: number;
  private readonly running = new Set<Promise<unknown>>();
  private isLeaving = false;

  constructor(options: TransactionalProducerOptions) {
    const { own, common } = splitOptions(options);
    const settings = transactionOptionSet.load(own);
    super(common);
    this.listener = options.listener;
    this.listeners = new Map(Object.entries(options.listeners ?? {}));
    for (const [topic, listener] of this.listeners) {
      checkSendTopic(topic);
      checkListener(listener, `of topic '${topic}'`);
    }
    if (this.listener !== undefined) checkListener(this.listener, "'listener'");
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
    const { listener = this.listenerOf(message.topic), ...sendOptions } = options;
    if (listener === undefined) {
      throw new ClientConfigurationError(
        `The producer of group '${this.group}' has no transaction listener for topic ` +
          `'${message.topic}'; set the option 'listener' or 'listeners', or give one with the ` +
          'message.',
        { details: { group: this.group, topic: message.topic } },
      );
    }
    if (isDelayed(message)) {
      throw new InvalidMessageError('A transactional message cannot be delivered later.', {
        details: { topic: message.topic },
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
    await this.decide(message, result, verdict);
    return { ...result, transactionId, verdict };
  }

  /** After a crash brokers ask about what the last process left, before this one sends anything. */
  protected override async meetBrokers(): Promise<void> {
    const hasListener = this.listener !== undefined || this.listeners.size > 0;
    if (hasListener) await this.instance.meetAllBrokers();
  }

  protected override member(): ProducerMember {
    return this.memberOfChecks;
  }

  protected override async beforeLeaving(deadlineMs: number): Promise<void> {
    this.isLeaving = true;
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

  private listenerOf(topic: string): TransactionListener | undefined {
    return this.listeners.get(topic) ?? this.listener;
  }

  private checkTransaction(check: TransactionCheck): void {
    const { message } = check;
    const topic = message.property(PropertyName.REAL_TOPIC) ?? message.topic;
    const listener = this.listenerOf(topic);
    const isFull = this.checks.waiting >= this.maxWaitingChecks;
    if (listener !== undefined && !isFull && !this.isLeaving) {
      this.track(this.answer(listener, check, topic));
      return;
    }
    const reason = this.isLeaving ? 'closing' : isFull ? 'too many checks' : 'no listener';
    this.logger.warn('A transaction check is not answered now; the broker will ask again.', {
      msgId: message.msgId,
      topic,
      reason,
    });
  }

  /** Closing waits for it; its failure is its caller's. */
  private track(work: Promise<unknown>): void {
    const forget = (): void => void this.running.delete(work);
    this.running.add(work);
    work.then(forget, forget);
  }

  private async answer(
    listener: TransactionListener,
    check: TransactionCheck,
    topic: string,
  ): Promise<void> {
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
        topic,
        producerGroup: this.group,
        tranStateTableOffset: asked.tranStateTableOffset,
        commitLogOffset: asked.commitLogOffset,
        commitOrRollback: decisionOf[verdict],
        fromTransactionCheck: true,
        msgId: asked.msgId ?? msgId,
        transactionId: asked.transactionId ?? msgId,
        ...(asked.brokerName === undefined ? undefined : { brokerName: asked.brokerName }),
      });
      const transactionId = asked.transactionId ?? msgId;
      this.tellHooks(message, {
        msgId,
        transactionId,
        verdict,
        isCheck: true,
        address: peer.remoteAddress,
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
    message: OutgoingMessage,
    result: SendResult,
    verdict: TransactionVerdict,
  ): Promise<void> {
    const { msgId, offsetMsgId, queue, queueOffset } = result;
    const transactionId = result.transactionId ?? msgId;
    try {
      const address = this.instance.routes.masterAddress(queue.brokerName);
      if (address === undefined)
        throw new NoRouteError(`No address of ${queue.brokerName} is known.`);
      await this.instance.calls.endTransaction(address, {
        topic: message.topic,
        producerGroup: this.group,
        tranStateTableOffset: queueOffset,
        commitLogOffset: parseOffsetMessageId(offsetMsgId).position,
        commitOrRollback: decisionOf[verdict],
        fromTransactionCheck: false,
        msgId,
        transactionId,
        brokerName: queue.brokerName,
      });
      this.tellHooks(message, { msgId, transactionId, verdict, isCheck: false, address });
    } catch (error) {
      this.logger.warn('A verdict did not reach the broker; it will ask.', {
        msgId,
        verdict,
        error: messageOf(error),
      });
    }
  }

  private tellHooks(
    message: OutgoingMessage | StoredMessage,
    told: Omit<DecisionContext, 'group' | 'message'>,
  ): void {
    if (!this.hooks.isIdle) this.hooks.decided({ group: this.group, message, ...told });
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

function checkListener(listener: TransactionListener, which: string): void {
  const { execute, check } = listener;
  if (typeof execute === 'function' && typeof check === 'function') return;
  throw new ClientConfigurationError(
    `The transaction listener ${which} needs the functions 'execute' and 'check'.`,
  );
}
