import { Logger } from '@nestjs/common';
import { messageOf } from '@nestjs-rocketmq/foundation';
import {
  PropertyName,
  splitKeys,
  type OutgoingMessage,
  type StoredMessage,
} from '@nestjs-rocketmq/message';
import type { PortTransactionListener, PortVerdict } from '../client-port.js';
import type { MessageConverters } from '../converter/message-converters.js';
import { TransactionListenerMissingError } from '../nestjs.errors.js';
import type {
  TransactionContext,
  TransactionHandler,
  TransactionVerdict,
} from './transaction-handler.js';

/** A transaction listener as the explorer found it. */
export interface TransactionListenerHost {
  /** `Class`, for log lines. */
  readonly name: string;
  /** The topics it answers for; undefined: all without one of their own. */
  readonly topics: readonly string[] | undefined;
  /** The instance; made anew for a request-scoped class. */
  readonly instance: (context: TransactionContext) => Promise<TransactionHandler>;
}

/** What `sendInTransaction` hands to the listener, and where the listener's error comes back. */
export class LocalWork {
  error: unknown;

  constructor(
    readonly payload: unknown,
    readonly arg: unknown,
  ) {}
}

const portVerdicts: Readonly<Record<TransactionVerdict, PortVerdict>> = {
  commit: 'COMMIT',
  rollback: 'ROLLBACK',
  unknown: 'UNKNOWN',
};

/** Leads the local parts and the check-backs of one connection to the listener of their topic. */
export class TransactionDispatcher implements PortTransactionListener {
  private readonly logger = new Logger('RocketMQ:Transactions');
  private readonly byTopic = new Map<string, TransactionListenerHost>();
  private fallback: TransactionListenerHost | undefined;

  constructor(
    private readonly connection: string,
    private readonly converters: () => MessageConverters,
  ) {}

  get isEmpty(): boolean {
    return this.byTopic.size === 0 && this.fallback === undefined;
  }

  add(host: TransactionListenerHost): void {
    if (host.topics === undefined) this.fallback = host;
    else for (const topic of host.topics) this.byTopic.set(topic, host);
  }

  /** Throws `TransactionListenerMissingError`. */
  hostFor(topic: string): TransactionListenerHost {
    const host = this.byTopic.get(topic) ?? this.fallback;
    if (host !== undefined) return host;
    throw new TransactionListenerMissingError(
      `Nothing answers for transactional messages of topic '${topic}' on connection '${this.connection}': ` +
        `add a provider with @RocketMQTransactionListener({ topic: '${topic}' }) and the methods ` +
        'execute and check.',
      { details: { topic, connection: this.connection } },
    );
  }

  async execute(
    message: OutgoingMessage,
    arg: unknown,
    transactionId: string,
  ): Promise<PortVerdict> {
    const work = arg as LocalWork;
    const host = this.hostFor(message.topic);
    try {
      const context = executeContext(message, transactionId);
      const handler = await host.instance(context);
      return this.verdict(host, await handler.execute(work.payload, work.arg, context));
    } catch (error) {
      work.error = error;
      this.logger.error(
        `${host.name}.execute failed for ${transactionId} of topic ${message.topic}: ` +
          `${messageOf(error)}; the broker will ask ${host.name}.check.`,
        error instanceof Error ? error.stack : undefined,
      );
      return 'UNKNOWN';
    }
  }

  async check(message: StoredMessage): Promise<PortVerdict> {
    const context = checkContext(message);
    try {
      const host = this.hostFor(context.topic);
      const handler = await host.instance(context);
      const payload = this.converters().decode(message);
      return this.verdict(host, await handler.check(payload, context));
    } catch (error) {
      this.logger.error(
        `The check of ${context.transactionId} of topic ${context.topic} failed: ` +
          `${messageOf(error)}; the broker will ask again.`,
        error instanceof Error ? error.stack : undefined,
      );
      return 'UNKNOWN';
    }
  }

  private verdict(host: TransactionListenerHost, given: unknown): PortVerdict {
    const known = portVerdicts[given as TransactionVerdict] as PortVerdict | undefined;
    if (known !== undefined) return known;
    // A forgotten return must not deliver a message, and must not drop one either.
    this.logger.error(
      `${host.name} answered ${JSON.stringify(given)} instead of 'commit', 'rollback' or ` +
        `'unknown'; taken as 'unknown'.`,
    );
    return 'UNKNOWN';
  }
}

function executeContext(message: OutgoingMessage, transactionId: string): TransactionContext {
  const { keys } = message;
  return {
    topic: message.topic,
    tag: message.tags,
    keys: typeof keys === 'string' ? splitKeys(keys) : (keys ?? []),
    properties: message.properties ?? {},
    transactionId,
    checkTimes: 0,
  };
}

function checkContext(message: StoredMessage): TransactionContext {
  const { properties } = message;
  return {
    // A half message lies in the hidden topic; its own topic is kept as a property.
    topic: properties[PropertyName.REAL_TOPIC] ?? message.topic,
    tag: message.tags,
    keys: message.keys,
    properties,
    transactionId: properties[PropertyName.TRANSACTION_ID] ?? message.msgId,
    message,
    checkTimes: Number(properties[PropertyName.TRANSACTION_CHECK_TIMES] ?? 0),
  };
}
