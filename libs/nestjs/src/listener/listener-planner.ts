import { HttpException } from '@nestjs/common';
import { sqlFilterProblem } from '@nestjs-rocketmq/client';
import { groupNameProblem, topicNameProblem } from '@nestjs-rocketmq/message';
import type { ConsumeOptions, RocketMQListenerOptions } from '../options/listener-options.js';
import { consumeOptions, listenerOptions } from '../options/option-tables.js';
import { checkNames, readTable, type Problems } from '../options/problems.js';
import type { ValueResolver } from '../options/value-resolver.js';
import { DEFAULT_CONNECTION } from '../rocketmq.constants.js';
import type { RocketMQConnections } from '../rocketmq.connections.js';
import type { Setting } from '../options/setting.js';
import type { FoundListener } from './rocketmq.explorer.js';
import { normalTags, type ListenerPlan, type Subscription } from './listener-plan.js';

const listenerNames = [...consumeOptions.names, ...listenerOptions.names];

/** Nest's validation pipes throw 400, or 422 when told so. */
function isValidationError(error: unknown): boolean {
  return error instanceof HttpException && [400, 422].includes(error.getStatus());
}

/** Turns a found listener into a plan; what is wrong goes to `problems`. */
export class ListenerPlanner {
  constructor(
    private readonly connections: RocketMQConnections,
    private readonly values: ValueResolver,
    private readonly problems: Problems,
  ) {}

  /** Undefined when it is too wrong to go on checking. */
  plan(found: FoundListener): ListenerPlan | undefined {
    const where = `${found.name} (@RocketMQListener)`;
    const { options } = found;
    checkNames(where, options, listenerNames, this.problems);
    this.checkHandler(where, found);
    const name = options.connection ?? DEFAULT_CONNECTION;
    const connection = this.connections.get(name);
    if (connection === undefined) {
      const sentence = this.connections.unknownName(where, name);
      this.problems.add('ROCKETMQ_CONNECTION_UNKNOWN', sentence);
    }
    const merged = merge(connection?.settings.consumer, options);
    const given = Object.fromEntries(
      consumeOptions.names.map((name) => {
        const setting = merged[name as keyof ConsumeOptions] as Setting<unknown>;
        return [name, this.values.resolve(where, name, setting)];
      }),
    );
    const values = readTable(where, consumeOptions, given, this.problems);
    // Topic and tags have shapes of their own; see below.
    const { id, payloadType } = options;
    const own = { topic: '', id, payloadType, nonRetryable: merged.nonRetryable };
    const { nonRetryable } = readTable(where, listenerOptions, own, this.problems);
    const subscriptions = this.subscriptions(where, options);
    const isGroupWritten = merged.group !== undefined;
    this.checkGroup(where, values.group as string | undefined, isGroupWritten);
    const plan = {
      ...(values as Omit<ListenerPlan, 'id' | 'found' | 'connection' | 'subscriptions'>),
      id: id ?? found.name,
      found,
      subscriptions,
      nonRetryable: (nonRetryable as ListenerPlan['nonRetryable'] | undefined) ?? isValidationError,
    };
    this.checkCombination(where, plan);
    if (plan.batch !== undefined && payloadType !== undefined) {
      this.problems.add(
        'ROCKETMQ_OPTION_INVALID',
        `${where}: 'payloadType' says nothing about the items of a batch; validate them with ` +
          `@MessagePayload(new ParseArrayPipe({ items: ${payloadType.name} }))`,
      );
    }
    const isUsable = connection !== undefined && plan.group !== undefined;
    return isUsable ? { ...plan, connection } : undefined;
  }

  private checkHandler(where: string, found: FoundListener): void {
    const prototype = found.host.classRef.prototype as Record<string, unknown>;
    if (typeof prototype[found.method] === 'function') return;
    this.problems.add(
      'ROCKETMQ_HANDLER_MISSING',
      `${where}: the class has no method '${found.method}'; add it, or put the decorator on a method`,
    );
  }

  private checkGroup(where: string, group: string | undefined, isWritten: boolean): void {
    if (group !== undefined) {
      const problem = groupNameProblem(group);
      if (problem !== undefined)
        this.problems.add('ROCKETMQ_OPTION_INVALID', `${where}: ${problem}`);
      return;
    }
    // A placeholder without a value has been reported already.
    if (isWritten) return;
    this.problems.add(
      'ROCKETMQ_GROUP_MISSING',
      `${where}: 'group' is missing; write for example group: 'payments', or give a default with ` +
        'consumer: { group } in the module options',
    );
  }

  private subscriptions(where: string, options: RocketMQListenerOptions): Subscription[] {
    const { topic, tags } = options as { topic?: RocketMQListenerOptions['topic']; tags?: unknown };
    const sql = this.sql(where, options);
    const isMap = typeof topic === 'object' && topic !== null && !Array.isArray(topic);
    if (isMap && tags !== undefined) {
      this.problems.add(
        'ROCKETMQ_OPTION_INVALID',
        `${where}: 'tags' cannot stand beside a map of topics; write the tags into the map`,
      );
    }
    const entries: [unknown, unknown][] = isMap
      ? Object.entries(topic)
      : (Array.isArray(topic) ? topic : [topic]).map((name: unknown) => [name, tags]);
    const found = new Map<string, string>();
    for (const [given, expression] of entries) {
      const name = this.values.resolve(where, 'topic', given as Setting<string>);
      if (name === undefined && given !== undefined && given !== null) continue;
      this.checkTopic(where, name);
      if (typeof name !== 'string') continue;
      const own = this.tags(where, expression);
      found.set(name, own);
    }
    return [...found]
      .map(([name, expression]) =>
        sql === undefined ? { topic: name, expression } : { topic: name, sql },
      )
      .toSorted((a, b) => (a.topic < b.topic ? -1 : 1));
  }

  private sql(
    where: string,
    { topic, tags, sql: given }: RocketMQListenerOptions,
  ): string | undefined {
    if (given === undefined) return undefined;
    const isMap = typeof topic === 'object' && !Array.isArray(topic);
    if (tags !== undefined || isMap) {
      this.problems.add(
        'ROCKETMQ_OPTION_INVALID',
        `${where}: 'sql' stands instead of tags; leave out the one or the other`,
      );
    }
    const expression = this.values.resolve(where, 'sql', given);
    // A placeholder without a value has been reported already.
    if (expression === undefined) return undefined;
    const problem = sqlFilterProblem(expression);
    if (problem === undefined) return expression;
    this.problems.add('ROCKETMQ_OPTION_INVALID', `${where}: 'sql': ${problem}`);
    return undefined;
  }

  private checkTopic(where: string, topic: unknown): void {
    if (typeof topic !== 'string' || topic.trim() === '') {
      this.problems.add(
        'ROCKETMQ_TOPIC_MISSING',
        `${where}: 'topic' is missing; write topic: 'orders', topic: ['orders', 'refunds'] or ` +
          `topic: { orders: 'placed || paid' }`,
      );
      return;
    }
    const problem = topicNameProblem(topic);
    if (problem !== undefined) this.problems.add('ROCKETMQ_OPTION_INVALID', `${where}: ${problem}`);
  }

  private tags(where: string, given: unknown): string {
    if (Array.isArray(given)) return normalTags(given as string[]);
    const expression = this.values.resolve(where, 'tags', given as Setting<string> | undefined);
    if (expression === undefined || typeof expression === 'string') return normalTags(expression);
    this.problems.add(
      'ROCKETMQ_OPTION_INVALID',
      `${where}: 'tags' must be a text such as 'placed || paid' or an array, but is ` +
        `${JSON.stringify(expression)}`,
    );
    return '*';
  }

  private checkCombination(where: string, plan: Omit<ListenerPlan, 'connection'>): void {
    if (plan.mode === 'orderly' && plan.model === 'broadcasting') {
      this.problems.add(
        'ROCKETMQ_ORDERLY_BROADCAST',
        `${where}: mode 'orderly' needs the model 'clustering', because only then a queue ` +
          'belongs to one consumer; drop one of the two',
      );
    }
    if (plan.batch !== undefined && plan.batch > plan.pullBatchSize) {
      this.problems.add(
        'ROCKETMQ_BATCH_OVER_PULL',
        `${where}: 'batch' (${plan.batch}) is larger than 'pullBatchSize' ` +
          `(${plan.pullBatchSize}), so no batch would ever be full; raise pullBatchSize`,
      );
    }
  }
}

/** The listener's own options win over the connection's; undefined ones do not count. */
function merge(defaults: ConsumeOptions | undefined, own: RocketMQListenerOptions): ConsumeOptions {
  const given = Object.entries(own).filter(([, value]) => value !== undefined);
  return { ...defaults, ...(Object.fromEntries(given) as ConsumeOptions) };
}
