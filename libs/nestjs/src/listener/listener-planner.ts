import { HttpException } from '@nestjs/common';
import { messageOf, nearestName } from '@nestjs-rocketmq/foundation';
import { groupNameProblem } from '@nestjs-rocketmq/message';
import type { MessageConverter } from '../converter/message-converter.js';
import type { MessageConverters } from '../converter/message-converters.js';
import type { SetupProblemCode } from '../nestjs.errors.js';
import type {
  ConsumeOptions,
  DeadLetterHook,
  ListenerErrorHook,
  ListenerOverrides,
  RocketMQListenerOptions,
} from '../options/listener-options.js';
import { consumeOptions, listenerOptions } from '../options/listener-tables.js';
import type { ModuleSettings } from '../options/module-settings.js';
import { checkNames, readTable, type Problems } from '../options/problems.js';
import type { Setting } from '../options/setting.js';
import type { ValueResolver } from '../options/value-resolver.js';
import { DEFAULT_CONNECTION } from '../rocketmq.constants.js';
import { replyOptions } from '../reply/reply-planner.js';
import type { RocketMQConnection, RocketMQConnections } from '../rocketmq.connections.js';
import { ConsumeValueReader } from './consume-values.js';
import type { ListenerPlan } from './listener-plan.js';
import { checkPayload } from './payload-checks.js';
import { decoratorOf, type FoundListener } from './rocketmq.explorer.js';
import { SubscriptionReader } from './subscription-reader.js';

const listenerNames = [...consumeOptions.names, ...listenerOptions.names];
// The reply options themselves were taken out by the decorator; here they are for nearest names.
const replyNames = [...listenerNames, ...replyOptions.names];

/** Nest's validation pipes throw 400, or 422 when told so. */
function isValidationError(error: unknown): boolean {
  return error instanceof HttpException && [400, 422].includes(error.getStatus());
}

/** What is to become a listener: found in the application, or added at run time. */
export interface ListenerSource {
  readonly name: string;
  /** Starts the sentences about it. */
  readonly where: string;
  readonly options: RocketMQListenerOptions;
  readonly found: FoundListener | undefined;
}

/** A listener that a decorator made. */
export function sourceOf(found: FoundListener): ListenerSource {
  const { name, options } = found;
  return { name, where: `${name} (${decoratorOf(found)})`, options, found };
}

/** Turns listeners into plans; what is wrong goes to `problems`. */
export class ListenerPlanner {
  private readonly subscriptions: SubscriptionReader;
  private readonly consume: ConsumeValueReader;
  private readonly ids = new Set<string>();

  constructor(
    private readonly connections: RocketMQConnections,
    private readonly values: ValueResolver,
    private readonly problems: Problems,
  ) {
    this.subscriptions = new SubscriptionReader(values, problems);
    this.consume = new ConsumeValueReader(values, problems);
  }

  private get settings(): ModuleSettings {
    return this.connections.settings;
  }

  /** Undefined when it is too wrong to go on checking. */
  plan(source: ListenerSource): ListenerPlan | undefined {
    const { where, name } = source;
    const options = this.optionsOf(source);
    const isReply = source.found?.reply !== undefined;
    checkNames(where, options, isReply ? replyNames : listenerNames, this.problems);
    this.checkHandler(where, source.found);
    const connection = this.connection(where, options.connection);
    const defaults = connection?.settings.consumer;
    const merged = { ...defaults, ...definedOnly(options) } as RocketMQListenerOptions;
    const values = this.consume.read(where, merged);
    // Topic and tags have shapes of their own; the connection was looked up above.
    const { id, payloadType, schema } = options;
    const own = { topic: '', id, payloadType, schema, converters: options.converters };
    const { converters } = readTable(where, listenerOptions, own, this.problems);
    this.checkGroup(where, values.group, merged.group !== undefined);
    const found = source.found === undefined ? undefined : { ...source.found, options: merged };
    const plan = {
      ...values,
      id: options.id ?? name,
      name,
      found,
      converters: this.convertersWith(connection, converters),
      subscriptions: this.subscriptions.read(where, options),
      nonRetryable: merged.nonRetryable ?? isValidationError,
      configure: merged.configure,
      onError: hooks<ListenerErrorHook>(options.onError, defaults?.onError),
      onDeadLetter: hooks<DeadLetterHook>(options.onDeadLetter, defaults?.onDeadLetter),
      enabled: values.enabled && this.isOn(),
    };
    this.checkCombination(where, plan);
    if (found !== undefined) checkPayload(where, found, plan.batch !== undefined, this.problems);
    const { group } = plan;
    if (connection === undefined || group === undefined) return undefined;
    return { ...plan, group, connection };
  }

  /** After all listeners of the application: overrides of listeners that are none. */
  finish(): void {
    const { listeners } = this.settings;
    if (typeof listeners !== 'object') return;
    for (const id of Object.keys(listeners)) {
      if (this.ids.has(id)) continue;
      const near = nearestName(id, this.ids);
      const known = [...this.ids].join(', ') || 'none';
      const hint = near === undefined ? `known are ${known}` : `did you mean '${near}'?`;
      this.add(
        'ROCKETMQ_LISTENER_UNKNOWN',
        `RocketMQModule listeners: no listener has the id '${id}'; ${hint}`,
      );
    }
  }

  /** The decorator's options, changed by the hook and then by the overrides of the module options. */
  private optionsOf({ where, name, options, found }: ListenerSource): RocketMQListenerOptions {
    const { listenerOptions: hook, listeners } = this.settings;
    const id = options.id ?? name;
    this.ids.add(id);
    let all = options;
    try {
      const target = { id, className: found?.host.classRef.name, method: found?.method };
      all = hook?.(options, target) ?? options;
    } catch (error) {
      this.invalid(`${where}: 'listenerOptions' of RocketMQModule failed: ${messageOf(error)}`);
    }
    if (typeof listeners !== 'object') return all;
    const override = Object.hasOwn(listeners, id) ? listeners[id] : undefined;
    if (override === undefined) return all;
    if (typeof override === 'boolean') return { ...all, enabled: override };
    if (typeof override !== 'object' || override === null) {
      this.invalid(`RocketMQModule listeners: '${id}' must be true, false or listener options`);
      return all;
    }
    return overridden(all, override);
  }

  /** Those of the connection, and before them the listener's own, which were checked. */
  private convertersWith(
    connection: RocketMQConnection | undefined,
    own: readonly MessageConverter[] | undefined,
  ): MessageConverters {
    const { converters } = connection?.settings ?? this.settings;
    return own === undefined ? converters : converters.with(own);
  }

  /** The switch for all listeners. */
  private isOn(): boolean {
    const { listeners } = this.settings;
    if (typeof listeners === 'object') return true;
    const where = 'RocketMQModule';
    const value = this.values.resolve(where, 'listeners', listeners as Setting<unknown>);
    if (value === undefined || value === true || value === 'true') return true;
    if (value === false || value === 'false') return false;
    this.invalid(`${where}: 'listeners' must be true, false or a map of ids`);
    return true;
  }

  private connection(
    where: string,
    given: Setting<string> | undefined,
  ): RocketMQConnection | undefined {
    const name = this.values.resolve(where, 'connection', given ?? DEFAULT_CONNECTION);
    // A placeholder without a value has been reported already.
    if (name === undefined) return undefined;
    const connection = this.connections.get(String(name));
    if (connection === undefined) {
      const sentence = this.connections.unknownName(where, String(name));
      this.add('ROCKETMQ_CONNECTION_UNKNOWN', sentence);
    }
    return connection;
  }

  private checkHandler(where: string, found: FoundListener | undefined): void {
    if (found === undefined) return;
    const prototype = found.host.classRef.prototype as Record<string, unknown>;
    if (typeof prototype[found.method] === 'function') return;
    this.add(
      'ROCKETMQ_HANDLER_MISSING',
      `${where}: the class has no method '${found.method}'; add it, or put the decorator on a method`,
    );
  }

  private checkGroup(where: string, group: string | undefined, isWritten: boolean): void {
    if (group !== undefined) {
      const problem = groupNameProblem(group);
      if (problem !== undefined) this.invalid(`${where}: ${problem}`);
      return;
    }
    // A placeholder without a value has been reported already.
    if (isWritten) return;
    this.add(
      'ROCKETMQ_GROUP_MISSING',
      `${where}: 'group' is missing; write for example group: 'payments', or give a default with ` +
        'consumer: { group } in the module options',
    );
  }

  private checkCombination(
    where: string,
    plan: Pick<ListenerPlan, 'mode' | 'model' | 'batch' | 'pullBatchSize'>,
  ): void {
    if (plan.mode === 'orderly' && plan.model === 'broadcasting') {
      this.add(
        'ROCKETMQ_ORDERLY_BROADCAST',
        `${where}: mode 'orderly' needs the model 'clustering', because only then a queue ` +
          'belongs to one consumer; drop one of the two',
      );
    }
    if (plan.batch !== undefined && plan.batch > plan.pullBatchSize) {
      this.add(
        'ROCKETMQ_BATCH_OVER_PULL',
        `${where}: 'batch' (${plan.batch}) is larger than 'pullBatchSize' ` +
          `(${plan.pullBatchSize}), so no pull would ever fill one; raise pullBatchSize`,
      );
    }
  }

  private add(code: SetupProblemCode, sentence: string): void {
    this.problems.add(code, sentence);
  }

  private invalid(sentence: string): void {
    this.add('ROCKETMQ_OPTION_INVALID', sentence);
  }
}

/** What is undefined does not count. */
function definedOnly<T extends ConsumeOptions | ListenerOverrides>(options: T): Partial<T> {
  const given = Object.entries(options).filter(([, value]) => value !== undefined);
  return Object.fromEntries(given) as Partial<T>;
}

/** The options with an override laid over them; its `sql` takes the place of tags, and the reverse. */
function overridden(
  options: RocketMQListenerOptions,
  override: ListenerOverrides,
): RocketMQListenerOptions {
  const given = definedOnly(override);
  const rival = given.sql === undefined ? 'sql' : 'tags';
  const isReplaced = (given.sql === undefined) !== (given.tags === undefined);
  const kept = Object.entries(options).filter(([name]) => !isReplaced || name !== rival);
  return { ...(Object.fromEntries(kept) as unknown as RocketMQListenerOptions), ...given };
}

function hooks<T>(...given: readonly unknown[]): T[] {
  return given.filter((hook): hook is T => typeof hook === 'function');
}
