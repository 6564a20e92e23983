import { Logger } from '@nestjs/common';
import { messageOf } from '@nestjs-rocketmq/foundation';
import {
  PropertyName,
  splitKeys,
  type OutgoingMessage,
  type StoredMessage,
} from '@nestjs-rocketmq/message';
import type { PortTransactionListener, PortVerdict } from '../client-port.js';
import { CONTENT_TYPE_PROPERTY, type MessageConverters } from '../converter/message-converters.js';
import { TransactionListenerMissingError } from '../nestjs.errors.js';
import type {
  LocalTransaction,
  TransactionContext,
  TransactionHandler,
  TransactionVerdict,
} from './transaction-handler.js';

/** The property that names the listener of a message; brings check-backs to it as well. */
export const TRANSACTION_LISTENER_PROPERTY = 'transactionListener';

/** A transaction listener as the explorer found it. */
export interface TransactionListenerHost {
  /** `Class`, for log lines. */
  readonly name: string;
  /** The name that sends may ask for. */
  readonly calledAs?: string | undefined;
  /** The topics it answers for; undefined: all without one of their own, or none when it has a name. */
  readonly topics: readonly string[] | undefined;
  /** It has the method `execute`, not only `check`. */
  readonly canExecute: boolean;
  /** The instance; made anew for a request-scoped class. */
  readonly instance: (context: TransactionContext) => Promise<TransactionHandler>;
}

/** What a send hands to the listener, and where its outcome comes back. */
export class LocalWork {
  /** It ran: the half message was safely stored. */
  wasExecuted = false;
  /** What it threw. */
  failure: { readonly error: unknown } | undefined;

  constructor(
    readonly payload: unknown,
    readonly arg: unknown,
    /** Instead of the listener's `execute`. */
    readonly inline?: LocalTransaction,
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
  private readonly byName = new Map<string, TransactionListenerHost>();
  private readonly further: MessageConverters[] = [];
  private fallback: TransactionListenerHost | undefined;

  constructor(
    private readonly connection: string,
    private readonly converters: MessageConverters,
  ) {}

  /** For templates with formats of their own: asked about what the connection cannot read. */
  alsoReads(converters: MessageConverters): void {
    this.further.push(converters);
  }

  /** The same listeners, for a producer group whose messages are written by `converters`. */
  reading(converters: MessageConverters): PortTransactionListener {
    return {
      execute: (message, arg, transactionId) => this.execute(message, arg, transactionId),
      check: (message) => this.check(message, converters),
    };
  }

  get isEmpty(): boolean {
    return this.byTopic.size === 0 && this.byName.size === 0 && this.fallback === undefined;
  }

  add(host: TransactionListenerHost): void {
    const { topics, calledAs } = host;
    if (calledAs !== undefined) this.byName.set(calledAs, host);
    else if (topics === undefined) this.fallback = host;
    for (const topic of topics ?? []) this.byTopic.set(topic, host);
  }

  /** The listener of that name, else of the topic. Throws `TransactionListenerMissingError`. */
  hostFor(topic: string, name?: string): TransactionListenerHost {
    const host =
      name === undefined ? (this.byTopic.get(topic) ?? this.fallback) : this.byName.get(name);
    if (host !== undefined) return host;
    const which = name === undefined ? `topic: '${topic}'` : `name: '${name}'`;
    const whose =
      name === undefined
        ? `for transactional messages of topic '${topic}'`
        : `to the name '${name}' (names are ${[...this.byName.keys()].join(', ') || 'none'})`;
    throw new TransactionListenerMissingError(
      `Nothing answers ${whose} on connection '${this.connection}': add a provider with ` +
        `@RocketMQTransactionListener({ ${which} }) and the method check, for sendInTransaction ` +
        'also execute.',
      { details: { topic, name, connection: this.connection } },
    );
  }

  /** The same, for a send whose local part is the listener's. */
  executorFor(topic: string, name?: string): TransactionListenerHost {
    const host = this.hostFor(topic, name);
    if (host.canExecute) return host;
    throw new TransactionListenerMissingError(
      `${host.name} answers for topic '${topic}', but has no method 'execute': add it, or send ` +
        'with template.transaction(destination, payload, async tx => ...).',
      { details: { topic, name, connection: this.connection } },
    );
  }

  async execute(
    message: OutgoingMessage,
    arg: unknown,
    transactionId: string,
  ): Promise<PortVerdict> {
    const work = arg as LocalWork;
    const context = executeContext(message, transactionId);
    work.wasExecuted = true;
    let who = 'The local transaction';
    try {
      if (work.inline !== undefined) return inlineVerdict(await work.inline(context));
      const host = this.executorFor(
        message.topic,
        context.properties[TRANSACTION_LISTENER_PROPERTY],
      );
      who = `${host.name}.execute`;
      const handler = await host.instance(context);
      return this.verdict(host, await handler.execute(work.payload, work.arg, context));
    } catch (error) {
      work.failure = { error };
      // The caller of an inline transaction gets the error itself.
      if (work.inline !== undefined) return 'UNKNOWN';
      this.logger.error(
        `${who} failed for ${transactionId} of topic ${message.topic}: ${messageOf(error)}; the ` +
          'broker will ask check.',
        error instanceof Error ? error.stack : undefined,
      );
      return 'UNKNOWN';
    }
  }

  async check(message: StoredMessage, converters = this.readerOf(message)): Promise<PortVerdict> {
    const context = checkContext(message);
    try {
      const name = context.properties[TRANSACTION_LISTENER_PROPERTY];
      const host = this.hostFor(context.topic, name);
      const handler = await host.instance(context);
      const payload = converters.decode(message);
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

  private readerOf(message: StoredMessage): MessageConverters {
    const { converters, further } = this;
    const contentType = message.property(CONTENT_TYPE_PROPERTY);
    if (contentType === undefined || converters.knows(contentType)) return converters;
    return further.find((one) => one.knows(contentType)) ?? converters;
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

function inlineVerdict(given: unknown): PortVerdict {
  if (given === 'rollback') return 'ROLLBACK';
  return given === 'unknown' ? 'UNKNOWN' : 'COMMIT';
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
