import { defineOptions, option } from '@nestjs-rocketmq/foundation';
import { convertersOption } from './format-options.js';
import type { ConsumeFrom } from './listener-options.js';

const isObject = (value: unknown): boolean => typeof value === 'object' && value !== null;
const isFunction = (value: unknown): boolean => typeof value === 'function';
const isGiven = (value: unknown): boolean => value !== undefined;

function isFrom(value: unknown): boolean {
  if (value === 'last' || value === 'first') return true;
  const { timestamp } = (value ?? {}) as { timestamp?: unknown };
  return Number.isFinite(timestamp instanceof Date ? timestamp.getTime() : timestamp);
}

/** A function that only code can give; never asked at start. */
const hook = (meaning: string, must: string) =>
  option.object<unknown>({ meaning, is: isFunction, must: `must be a function ${must}` });

/** Bounds of the client, so that a wrong value is told with everything else at start. */
const threshold = (meaning: string, fallback: number, min: number, max: number) =>
  option.integer({ meaning, default: fallback, min, max });

/** `batch` of a listener in its long form. */
export const batchOptions = defineOptions('batch', {
  maxSize: option.integer({
    meaning: 'The most messages of one call of the handler.',
    required: true,
    min: 1,
    max: 1_024,
  }),
  maxWait: option.duration({
    meaning: 'How long a call waits, from its first message on, for more of the same queue.',
    default: 0,
    min: 0,
  }),
});

const kindsOfEnhancers: readonly unknown[] = ['guards', 'interceptors', 'pipes', 'filters'];

function isEnhancerChoice(value: unknown): boolean {
  if (typeof value === 'boolean') return true;
  return Array.isArray(value) && value.every((kind) => kindsOfEnhancers.includes(kind));
}

function isSchema(value: unknown): boolean {
  const { '~standard': standard } = (value ?? {}) as { '~standard'?: { validate?: unknown } };
  return typeof standard?.validate === 'function';
}

/** The values of a listener or of `consumer`, once placeholders and functions are resolved. */
export const consumeOptions = defineOptions('consumer', {
  group: option.text({ meaning: 'The consumer group.' }),
  mode: option.choice(['concurrent', 'orderly'], {
    meaning: 'Many messages at once, or one of a queue at a time and in order.',
    default: 'concurrent',
  }),
  model: option.choice(['clustering', 'broadcasting'], {
    meaning: 'The group shares the messages, or each member gets all.',
    default: 'clustering',
  }),
  concurrency: option.integer({
    meaning: 'How many handlers of the listener run at once.',
    default: 20,
    min: 1,
    max: 1_000,
  }),
  batch: option.object<unknown>({
    meaning:
      'Given, the handler gets arrays of up to so many messages: 100, or { maxSize, maxWait }.',
    is: isGiven,
    must: 'must be a number or { maxSize, maxWait }',
  }),
  pullBatchSize: option.integer({
    meaning: 'How many messages one pull asks for.',
    default: 32,
    min: 1,
    max: 1_024,
  }),
  pullBatchBytes: threshold('How many bytes one pull asks for (5.x).', 262_144, 1, 2 ** 31 - 1),
  pullInterval: option.duration({
    meaning: 'Pause between two pulls that found messages.',
    default: 0,
    min: 0,
  }),
  pullThresholdForQueue: threshold('Messages held per queue; then pulls pause.', 1000, 1, 65_535),
  pullThresholdSizeForQueue: threshold('MiB held per queue; then pulls pause.', 100, 1, 1024),
  pullThresholdForTopic: threshold('Messages held per topic; -1 none.', -1, -1, 6_553_500),
  pullThresholdSizeForTopic: threshold('MiB held per topic; -1 none.', -1, -1, 102_400),
  consumeConcurrentlyMaxSpan: threshold(
    'Concurrent: distance of offsets in hand; then pulls pause.',
    2000,
    1,
    65_535,
  ),
  strategy: option.object<unknown>({
    meaning: 'How queues are shared out; the same for all members. Default: averagely.',
    is: isObject,
    must: 'must be an allocation strategy of @nestjs-rocketmq/client',
  }),
  trace: option.object<unknown>({
    meaning: 'True, or { topic }: what becomes of messages is told in the trace topic.',
    default: false,
    is: isGiven,
    must: 'must be true, false or { topic }',
  }),
  maxReconsumeTimes: option.integer({
    meaning:
      'How often a message may come again before it goes to the dead letters; -1: 16 times when ' +
      'concurrent, without end when orderly.',
    default: -1,
    min: -1,
  }),
  consumeTimeout: option.duration({
    meaning: 'How long a handler may take before its signal fires and the message comes back.',
    default: 15 * 60_000,
    min: 1,
  }),
  retryDelayLevel: option.integer({
    meaning:
      "Delay level of a failed message; 0: the broker's ladder by number of tries, -1: the dead " +
      'letters. Or a function of context and error.',
    default: 0,
    min: -1,
  }),
  suspend: option.duration({
    meaning: 'How long an orderly queue rests after a failure. Or a function of context and error.',
    default: 1_000,
    min: 10,
    max: 30_000,
  }),
  shutdownTimeout: option.duration({
    meaning: 'How long a stop waits for the handlers in hand.',
    default: 30_000,
    min: 0,
  }),
  offsetDirectory: option.text({
    meaning:
      'Folder where a broadcasting listener keeps how far it has read; one for each application ' +
      'on a machine. Default: ~/.nestjs-rocketmq/offsets.',
  }),
  enabled: option.boolean({
    meaning: 'False: the listener is checked, but never started.',
    default: true,
  }),
  autoStart: option.boolean({
    meaning: 'False: it waits for RocketMQListenerRegistry.start(id).',
    default: true,
  }),
  from: option.object<ConsumeFrom>({
    meaning: 'Where a new group starts: the newest message, the oldest, or a moment.',
    default: 'last',
    is: isFrom,
    must: "must be 'last', 'first' or { timestamp: milliseconds or Date }",
  }),
  globalEnhancers: option.object<boolean | readonly string[]>({
    meaning: "Which global enhancers messages meet: true, false, or kinds such as ['pipes'].",
    default: true,
    is: isEnhancerChoice,
    must: "must be true, false or a list of 'guards', 'interceptors', 'pipes' and 'filters'",
  }),
  onInvalid: option.choice(['dead-letter', 'retry', 'skip'], {
    meaning: 'What happens to messages that cannot be read or fail validation.',
    default: 'dead-letter',
  }),
  nonRetryable: hook(
    'Says which errors go the way of onInvalid; by default HTTP exceptions 400 and 422.',
    'of the error',
  ),
  onError: hook('Told of every error of a handler.', 'of error and context'),
  onDeadLetter: hook(
    'Told of every message that goes to the dead letters.',
    'of context, reason and error',
  ),
  configure: hook("The last word on the options of the client's consumer.", 'of the options'),
});

/** `@RocketMQListener` besides what `consumer` has; read by the planner. */
export const listenerOptions = defineOptions('@RocketMQListener', {
  topic: option.object<unknown>({
    meaning: "A topic, an array of topics, or a map of topic to tags: { orders: 'a || b' }.",
    required: true,
    is: isGiven,
    must: 'must be a text, an array or a map',
  }),
  tags: option.object<unknown>({
    meaning: "Tags wanted: 'placed || paid', an array, or '*' for all.",
    is: isGiven,
    must: 'must be a text or an array',
  }),
  sql: option.object<unknown>({
    meaning: "Instead of tags: an SQL92 filter over properties, such as 'amount > 5'.",
    is: isGiven,
    must: 'must be a text',
  }),
  connection: option.text({ meaning: 'Name of a connection in the module options.' }),
  id: option.text({ meaning: 'Name in logs and in the registry; Class.method by default.' }),
  schema: option.object<unknown>({
    meaning: 'A Standard Schema (zod 4, valibot, ...) that every payload must keep to.',
    is: isSchema,
    must: 'must be a Standard Schema, such as z.object({ ... }) of zod 4',
  }),
  converters: convertersOption(
    "Converters of this listener, asked before the connection's and the module's.",
  ),
  payloadType: option.object<unknown>({
    meaning: 'Class of the payload for validation, where the compiler cannot tell.',
    is: isFunction,
    must: 'must be a class',
  }),
});
