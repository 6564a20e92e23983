import { sqlFilterProblem } from '@nestjs-rocketmq/client';
import { defineOptions, option } from '@nestjs-rocketmq/foundation';
import { groupNameProblem, topicNameProblem } from '@nestjs-rocketmq/message';
import type { Duration } from '../options/duration.js';
import { checkNames, readTable, type Problems } from '../options/problems.js';
import {
  readTrace,
  traceOption,
  type TraceSettings,
  type TraceValues,
} from '../options/trace-option.js';

/** A consumer that is asked for messages, instead of handing them to a listener. */
export interface PullConsumerOptions {
  /** The consumer group. */
  readonly group: string;
  /** A topic, several, or a map of topic to tags: `{ orders: 'placed || paid' }`. */
  readonly topic: string | readonly string[] | Readonly<Record<string, string>>;
  /** Tags wanted: `'placed || paid'`, or `'*'` (default). Not beside a map of topics, or `sql`. */
  readonly tags?: string;
  /** An SQL92 filter over properties, instead of tags. */
  readonly sql?: string;
  /** `clustering` (default): the group shares the messages; `broadcasting`: each member gets all. */
  readonly model?: 'clustering' | 'broadcasting';
  /** Where a new group starts. Default `last`. */
  readonly from?: 'last' | 'first' | { readonly timestamp: number };
  /** How many messages one pull asks for, and `receive` gives at most. Default 10. */
  readonly pullBatchSize?: number;
  /** How long `receive` waits for messages. Default 5s. */
  readonly pollTimeout?: Duration;
  /** How long a stop waits for the message in hand of a loop. Default 30s. */
  readonly shutdownTimeout?: Duration;
  /** Folder where a broadcasting consumer keeps how far it has read. */
  readonly offsetDirectory?: string;
  /**
   * True: what becomes of messages is told in the trace topic of the cluster, or in that of
   * `{ topic }`. Default false.
   */
  readonly trace?: boolean | TraceSettings;
  /** False: it is not started with the application, only when it is first used. Default true. */
  readonly autoStart?: boolean;
}

const isFrom = (value: unknown): boolean => {
  if (value === 'last' || value === 'first') return true;
  return Number.isFinite((value as { timestamp?: unknown } | undefined)?.timestamp);
};
const isTopic = (value: unknown): boolean =>
  typeof value === 'string' || (typeof value === 'object' && value !== null);

/** One of `pullConsumers` of a connection. */
export const pullConsumerOptions = defineOptions('pullConsumers', {
  group: option.text({ meaning: 'The consumer group.', required: true }),
  topic: option.object<PullConsumerOptions['topic']>({
    meaning: "A topic, an array of topics, or a map of topic to tags: { orders: 'a || b' }.",
    required: true,
    is: isTopic,
    must: 'must be a text, an array or a map',
  }),
  tags: option.text({ meaning: "Tags wanted: 'placed || paid', or '*' for all." }),
  sql: option.text({ meaning: "Instead of tags: an SQL92 filter over properties, 'amount > 5'." }),
  model: option.choice(['clustering', 'broadcasting'], {
    meaning: 'The group shares the messages, or each member gets all.',
    default: 'clustering',
  }),
  from: option.object<'last' | 'first' | { readonly timestamp: number }>({
    meaning: 'Where a new group starts: the newest message, the oldest, or a moment.',
    default: 'last',
    is: isFrom,
    must: "must be 'last', 'first' or { timestamp: milliseconds }",
  }),
  pullBatchSize: option.integer({
    meaning: 'How many messages one pull asks for, and receive gives at most.',
    default: 10,
    min: 1,
    max: 1_024,
  }),
  pollTimeout: option.duration({
    meaning: 'How long receive waits for messages.',
    default: 5_000,
    min: 0,
  }),
  shutdownTimeout: option.duration({
    meaning: 'How long a stop waits for the message in hand of a loop.',
    default: 30_000,
    min: 0,
  }),
  offsetDirectory: option.text({
    meaning: 'Folder where a broadcasting consumer keeps how far it has read.',
  }),
  trace: traceOption,
  autoStart: option.boolean({
    meaning: 'False: started when it is first used, not with the application.',
    default: true,
  }),
});

/** A pull consumer with everything decided; times in milliseconds. */
export interface PullSettings extends TraceValues {
  readonly group: string;
  readonly subscriptions: readonly {
    readonly topic: string;
    readonly expression?: string;
    readonly sql?: string;
  }[];
  readonly model: 'clustering' | 'broadcasting';
  readonly from: 'last' | 'first' | { readonly timestamp: number };
  readonly pullBatchSize: number;
  readonly pollTimeout: number;
  readonly shutdownTimeout: number;
  readonly offsetDirectory: string | undefined;
  readonly autoStart: boolean;
}

/** Reads one pull consumer; what is wrong goes to `problems`. */
export function readPullConsumer(
  where: string,
  given: PullConsumerOptions,
  problems: Problems,
): PullSettings {
  checkNames(where, given, pullConsumerOptions.names, problems);
  const { topic, tags, sql, ...values } = readTable(
    where,
    pullConsumerOptions,
    { ...given },
    problems,
  );
  const invalid = (sentence: string): void =>
    problems.add('ROCKETMQ_OPTION_INVALID', `${where}: ${sentence}`);
  const named = values.group === undefined ? undefined : groupNameProblem(values.group);
  if (named !== undefined) invalid(named);
  const isMap = typeof topic === 'object' && !Array.isArray(topic);
  if ((isMap && tags !== undefined) || (sql !== undefined && (isMap || tags !== undefined))) {
    invalid("'tags', 'sql' and a map of topics exclude each other; leave all but one out");
  }
  const filter = sql === undefined ? undefined : sqlFilterProblem(sql);
  if (filter !== undefined) invalid(`'sql': ${filter}`);
  const entries: [string, string | undefined][] = isMap
    ? Object.entries(topic as Readonly<Record<string, string>>)
    : ([topic ?? []].flat() as string[]).map((name) => [name, tags]);
  for (const [name] of entries) {
    const problem = typeof name === 'string' ? topicNameProblem(name) : 'A topic must be a text.';
    if (problem !== undefined) invalid(problem);
  }
  const subscriptions = entries.map(([name, expression = '*']) =>
    sql === undefined ? { topic: name, expression } : { topic: name, sql },
  );
  const trace = readTrace(where, values.trace, problems);
  return { ...values, ...trace, subscriptions } as PullSettings;
}
