import { topicNameProblem } from '@nestjs-rocketmq/message';
import type { FoundTransactionListener } from '../listener/rocketmq.explorer.js';
import { checkNames, type Problems } from '../options/problems.js';
import type { Setting } from '../options/setting.js';
import type { ValueResolver } from '../options/value-resolver.js';
import { DEFAULT_CONNECTION } from '../rocketmq.constants.js';
import type { RocketMQConnection, RocketMQConnections } from '../rocketmq.connections.js';
import type { TransactionListenerHost } from './transaction-dispatcher.js';
import type { TransactionHandler } from './transaction-handler.js';

const optionNames = ['topic', 'name', 'connection'];

/** A checked transaction listener and the connection it belongs to. */
export interface TransactionPlan {
  readonly connection: RocketMQConnection;
  readonly host: TransactionListenerHost;
}

/** Reports topics that are to be sent to in transactions although nobody answers for them. */
export function checkPromised(
  connections: RocketMQConnections,
  plans: readonly TransactionPlan[],
  problems: Problems,
): void {
  for (const name of connections.names) {
    const connection = connections.get(name);
    const hosts = plans.filter((plan) => plan.connection === connection).map(({ host }) => host);
    const all = hosts.some(
      ({ topics, calledAs }) => topics === undefined && calledAs === undefined,
    );
    for (const topic of connection?.settings.producer.transactionTopics ?? []) {
      if (all || hosts.some(({ topics }) => topics?.includes(topic) === true)) continue;
      problems.add(
        'ROCKETMQ_TRANSACTION_LISTENER_MISSING',
        `producer: { transactionTopics } of connection '${name}' has '${topic}', but nothing ` +
          `answers for it; add a provider with @RocketMQTransactionListener({ topic: '${topic}' })`,
      );
    }
  }
}

/** Checks the transaction listeners of an application, each and all together. */
export class TransactionPlanner {
  private readonly owners = new Map<string, string>();

  constructor(
    private readonly connections: RocketMQConnections,
    private readonly values: ValueResolver,
    private readonly problems: Problems,
  ) {}

  /** Undefined when it is too wrong to be used. */
  plan(found: FoundTransactionListener): TransactionPlan | undefined {
    const where = `${found.name} (@RocketMQTransactionListener)`;
    checkNames(where, found.options, optionNames, this.problems);
    this.checkMethods(where, found);
    const name = found.options.connection ?? DEFAULT_CONNECTION;
    const connection = this.connections.get(name);
    if (connection === undefined) {
      const sentence = this.connections.unknownName(where, name);
      this.problems.add('ROCKETMQ_CONNECTION_UNKNOWN', sentence);
      return undefined;
    }
    this.checkProducerGroup(where, connection);
    const topics = this.topics(where, found);
    const calledAs = this.calledAs(where, name, found);
    const owned = topics ?? (calledAs === undefined ? [undefined] : []);
    for (const topic of owned) this.own(where, name, topic);
    const instance = async (request: unknown): Promise<TransactionHandler> => {
      const host = await found.host.forMessage(request);
      return host.instance as TransactionHandler;
    };
    const prototype = found.host.classRef.prototype as Record<string, unknown>;
    const canExecute = typeof prototype['execute'] === 'function';
    return { connection, host: { name: found.name, calledAs, topics, canExecute, instance } };
  }

  /** A listener without `execute` serves `template.transaction`; without `check` it serves nothing. */
  private checkMethods(where: string, found: FoundTransactionListener): void {
    const prototype = found.host.classRef.prototype as Record<string, unknown>;
    const has = (name: string): boolean => typeof prototype[name] === 'function';
    const javaNames = { execute: 'executeLocalTransaction', check: 'checkLocalTransaction' };
    for (const [method, javaName] of Object.entries(javaNames)) {
      if (has(method) || (method === 'execute' && !has(javaName))) continue;
      const remedy = has(javaName) ? `rename '${javaName}'` : 'add it';
      this.problems.add(
        'ROCKETMQ_HANDLER_MISSING',
        `${where}: the class has no method '${method}'; ${remedy} (see TransactionHandler)`,
      );
    }
  }

  private calledAs(
    where: string,
    connection: string,
    found: FoundTransactionListener,
  ): string | undefined {
    const { name } = found.options;
    if (name === undefined) return undefined;
    if (typeof name !== 'string' || name === '') {
      this.problems.add('ROCKETMQ_OPTION_INVALID', `${where}: 'name' must be a text`);
      return undefined;
    }
    const key = `${connection}|name ${name}`;
    const other = this.owners.get(key);
    if (other === undefined) this.owners.set(key, where);
    else {
      this.problems.add(
        'ROCKETMQ_TRANSACTION_LISTENER_TWICE',
        `${other} and ${where} both have the name '${name}' on connection '${connection}'; give ` +
          'them different names',
      );
    }
    return name;
  }

  /** The broker asks any producer of the group, so the default group of all applications is none. */
  private checkProducerGroup(where: string, connection: RocketMQConnection): void {
    if (connection.settings.hasProducerGroup) return;
    this.problems.add(
      'ROCKETMQ_GROUP_MISSING',
      `${where}: transactions need a producer group of the application's own, because the broker ` +
        `asks any member of the group about them; write producer: { group: 'orders' } in the ` +
        `options of connection '${connection.settings.name}'`,
    );
  }

  private topics(where: string, found: FoundTransactionListener): string[] | undefined {
    const { topic } = found.options;
    if (topic === undefined) return undefined;
    const given = (Array.isArray(topic) ? topic : [topic]) as Setting<string>[];
    const topics: string[] = [];
    for (const setting of given) {
      const name = this.values.resolve(where, 'topic', setting);
      if (name === undefined) continue;
      const problem = typeof name === 'string' ? topicNameProblem(name) : 'A topic must be a text.';
      if (problem === undefined) topics.push(name);
      else this.problems.add('ROCKETMQ_OPTION_INVALID', `${where}: ${problem}`);
    }
    return topics;
  }

  private own(where: string, connection: string, topic: string | undefined): void {
    const key = `${connection}|${topic ?? ''}`;
    const other = this.owners.get(key);
    if (other === undefined) {
      this.owners.set(key, where);
      return;
    }
    const what = topic === undefined ? 'every topic (no topic is given)' : `topic '${topic}'`;
    this.problems.add(
      'ROCKETMQ_TRANSACTION_LISTENER_TWICE',
      `${other} and ${where} both answer for ${what} on connection '${connection}'; only one can ` +
        'know what became of a transaction, so give them different topics',
    );
  }
}
