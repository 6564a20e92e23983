import { topicNameProblem } from '@nestjs-rocketmq/message';
import type { FoundTransactionListener } from '../listener/rocketmq.explorer.js';
import { checkNames, type Problems } from '../options/problems.js';
import type { Setting } from '../options/setting.js';
import type { ValueResolver } from '../options/value-resolver.js';
import { DEFAULT_CONNECTION } from '../rocketmq.constants.js';
import type { RocketMQConnection, RocketMQConnections } from '../rocketmq.connections.js';
import type { TransactionListenerHost } from './transaction-dispatcher.js';
import type { TransactionHandler } from './transaction-handler.js';

const optionNames = ['topic', 'connection'];

/** A checked transaction listener and the connection it belongs to. */
export interface TransactionPlan {
  readonly connection: RocketMQConnection;
  readonly host: TransactionListenerHost;
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
    for (const topic of topics ?? [undefined]) this.own(where, name, topic);
    const instance = async (request: unknown): Promise<TransactionHandler> => {
      const host = await found.host.forMessage(request);
      return host.instance as TransactionHandler;
    };
    return { connection, host: { name: found.name, topics, instance } };
  }

  private checkMethods(where: string, found: FoundTransactionListener): void {
    const prototype = found.host.classRef.prototype as Record<string, unknown>;
    const javaNames = { execute: 'executeLocalTransaction', check: 'checkLocalTransaction' };
    for (const [method, javaName] of Object.entries(javaNames)) {
      if (typeof prototype[method] === 'function') continue;
      const remedy = typeof prototype[javaName] === 'function' ? `rename '${javaName}'` : 'add it';
      this.problems.add(
        'ROCKETMQ_HANDLER_MISSING',
        `${where}: the class has no method '${method}'; ${remedy} (see TransactionHandler)`,
      );
    }
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
