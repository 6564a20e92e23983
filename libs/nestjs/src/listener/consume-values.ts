import { option, Problem } from '@nestjs-rocketmq/foundation';
import type { AllocationStrategy } from '@nestjs-rocketmq/client';
import type { PassedOnConsumerOptions } from '../client-port.js';
import type { ConsumeOptions } from '../options/listener-options.js';
import { batchOptions, consumeOptions } from '../options/listener-tables.js';
import { checkNames, readTable, type Problems } from '../options/problems.js';
import type { Setting } from '../options/setting.js';
import type { ValueResolver } from '../options/value-resolver.js';
import type { FailureValue, GroupPlan } from './listener-plan.js';

/** Functions here are the user's own answers at run time, and are not asked at start. */
const code: readonly string[] = [
  'strategy',
  'nonRetryable',
  'onError',
  'onDeadLetter',
  'configure',
] satisfies (keyof ConsumeOptions)[];
const perFailure: readonly string[] = [
  'retryDelayLevel',
  'suspend',
] satisfies (keyof ConsumeOptions)[];

const passedOnNames = [
  'pullBatchBytes',
  'pullInterval',
  'pullThresholdForQueue',
  'pullThresholdSizeForQueue',
  'pullThresholdForTopic',
  'pullThresholdSizeForTopic',
  'consumeConcurrentlyMaxSpan',
] as const satisfies (keyof ConsumeOptions & keyof PassedOnConsumerOptions)[];

/** What is read from `ConsumeOptions` besides hooks. */
export interface ConsumeValues extends Omit<GroupPlan, 'group' | 'configure'> {
  readonly group: string | undefined;
  readonly retryDelayLevel: FailureValue;
  readonly suspend: FailureValue;
  readonly enabled: boolean;
  readonly onInvalid: 'dead-letter' | 'retry' | 'skip';
}

/** Turns the settings of a listener into values; what is wrong goes to `problems`. */
export class ConsumeValueReader {
  constructor(
    private readonly values: ValueResolver,
    private readonly problems: Problems,
  ) {}

  read(where: string, options: ConsumeOptions): ConsumeValues {
    const given: Record<string, unknown> = {};
    const functions: Record<string, FailureValue> = {};
    for (const name of consumeOptions.names) {
      const setting = options[name as keyof ConsumeOptions] as Setting<unknown>;
      if (code.includes(name)) given[name] = setting;
      else if (perFailure.includes(name) && typeof setting === 'function') {
        functions[name] = setting as FailureValue;
      } else given[name] = this.values.resolve(where, name, setting);
    }
    const read = readTable(where, consumeOptions, given, this.problems);
    const { batch, batchWait } = this.batch(where, given.batch);
    const passedOn: Record<string, unknown> = this.trace(where, given.trace);
    for (const name of passedOnNames) passedOn[name] = read[name];
    if (read.strategy !== undefined) passedOn.strategy = read.strategy as AllocationStrategy;
    return {
      ...(read as unknown as ConsumeValues),
      ...functions,
      from: moment(read.from),
      batch,
      batchWait,
      passedOn: passedOn as PassedOnConsumerOptions,
    };
  }

  private batch(where: string, given: unknown): Pick<GroupPlan, 'batch' | 'batchWait'> {
    if (given === undefined) return { batch: undefined, batchWait: 0 };
    const isLong = typeof given === 'object' && given !== null;
    const settings = isLong ? (given as Record<string, Setting<unknown>>) : { maxSize: given };
    const place = `${where} batch`;
    checkNames(place, settings, batchOptions.names, this.problems);
    const resolved = Object.fromEntries(
      batchOptions.names.map((name) => {
        const setting = (settings as Record<string, Setting<unknown>>)[name];
        return [name, this.values.resolve(place, name, setting)];
      }),
    );
    const read = readTable(place, batchOptions, resolved, this.problems);
    return { batch: read.maxSize ?? 1, batchWait: read.maxWait };
  }

  private trace(where: string, given: unknown): PassedOnConsumerOptions {
    if (given === undefined) return { enableTrace: false };
    if (typeof given === 'object' && given !== null) {
      checkNames(`${where} trace`, given, ['topic'], this.problems);
      const { topic } = given as { topic?: Setting<string> };
      const traceTopic = this.values.resolve(where, 'trace.topic', topic);
      if (typeof traceTopic === 'string') return { enableTrace: true, traceTopic };
      if (topic === undefined) this.wrongTrace(where, given);
      return { enableTrace: false };
    }
    const enableTrace = option.boolean({ meaning: '' }).read(given);
    if (!(enableTrace instanceof Problem)) return { enableTrace };
    this.wrongTrace(where, given);
    return { enableTrace: false };
  }

  private wrongTrace(where: string, given: unknown): void {
    this.problems.add(
      'ROCKETMQ_OPTION_INVALID',
      `${where}: 'trace' must be true, false or { topic }, but is ${JSON.stringify(given)}`,
    );
  }
}

function moment(from: unknown): GroupPlan['from'] {
  if (typeof from !== 'object' || from === null) return from as 'last' | 'first';
  const { timestamp } = from as { timestamp: number | Date };
  return { timestamp: Number(timestamp) };
}
