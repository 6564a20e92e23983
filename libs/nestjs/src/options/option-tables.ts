import { clientOptionTable } from '@nestjs-rocketmq/client';
import { defineOptions, option, type OptionSet } from '@nestjs-rocketmq/foundation';
import { defaultDelayLevels } from './delay-levels.js';
import type { ConsumeFrom } from './listener-options.js';

const isObject = (value: unknown): boolean => typeof value === 'object' && value !== null;

/** Options of the client that the module reads or gives itself. */
type OwnName = 'nameServers' | 'requestTimeout' | 'clock' | 'network' | 'logger';
type PassedOnTable = Omit<typeof clientOptionTable, OwnName>;
const ownNames: readonly string[] = [
  'nameServers',
  'requestTimeout',
  'clock',
  'network',
  'logger',
] satisfies OwnName[];

/** Options of a connection that the client is given as they are. */
const passedOn = Object.fromEntries(
  Object.entries(clientOptionTable).filter(([name]) => !ownNames.includes(name)),
) as PassedOnTable;

export const passedOnNames = Object.keys(passedOn) as (keyof PassedOnTable)[];

/** `startup` of a connection. */
export const startupOptions = defineOptions('startup', {
  wait: option.boolean({
    meaning: 'Wait for the servers before anything can send; false: look in the background.',
    default: true,
  }),
  timeout: option.duration({ meaning: 'How long to wait.', default: 5_000, min: 1 }),
  failFast: option.boolean({
    meaning: 'True: no start without servers. False: one warning, and they are looked for.',
    default: false,
  }),
});

const ownTable = {
  nameServers: option.list({
    meaning:
      "host:port of the name servers, as an array or a text with ';' between them; needed unless " +
      'nameServerAddressUrl is given.',
  }),
  delayLevels: option.text({
    meaning: "The broker's messageDelayLevel when it was changed, for delays given as times.",
    default: defaultDelayLevels,
  }),
  requestTimeout: option.duration({
    meaning: 'Time for one request to a server.',
    default: 3_000,
    min: 1,
  }),
  startup: option.object<unknown>({
    meaning: "What happens at the start without servers: see the options of 'startup'.",
    is: isObject,
    must: 'must be an object',
  }),
};

/** One connection, the default one at the top level included. */
export const connectionOptions: OptionSet<typeof ownTable & PassedOnTable> = defineOptions(
  'connection',
  {
    ...ownTable,
    ...passedOn,
  },
);

function isFrom(value: unknown): boolean {
  if (value === 'last' || value === 'first') return true;
  const { timestamp } = (value ?? {}) as { timestamp?: unknown };
  return typeof timestamp === 'number' && Number.isFinite(timestamp);
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
  batch: option.integer({
    meaning: 'Given, the handler gets arrays of up to so many messages.',
    min: 1,
    max: 1_024,
  }),
  pullBatchSize: option.integer({
    meaning: 'How many messages one pull asks for.',
    default: 32,
    min: 1,
    max: 1_024,
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
    meaning: "Delay level of a failed message; 0: the broker's ladder by number of tries.",
    default: 0,
    min: 0,
  }),
  suspend: option.duration({
    meaning: 'How long an orderly queue rests after a failure.',
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
    meaning: 'False: the listener is not started.',
    default: true,
  }),
  from: option.object<ConsumeFrom>({
    meaning: 'Where a new group starts: the newest message, the oldest, or a moment.',
    default: 'last',
    is: isFrom,
    must: "must be 'last', 'first' or { timestamp: milliseconds }",
  }),
  onInvalid: option.choice(['dead-letter', 'retry', 'skip'], {
    meaning: 'What happens to messages that cannot be read or fail validation.',
    default: 'dead-letter',
  }),
});

const anything = (value: unknown): boolean => value !== undefined;
const isSwitch = (value: unknown): boolean => typeof value === 'boolean' || isObject(value);
const isFunction = (value: unknown): boolean => typeof value === 'function';

/** `@RocketMQListener` besides what `consumer` has; read by the planner. */
export const listenerOptions = defineOptions('@RocketMQListener', {
  topic: option.object<unknown>({
    meaning: "A topic, an array of topics, or a map of topic to tags: { orders: 'a || b' }.",
    required: true,
    is: anything,
    must: 'must be a text, an array or a map',
  }),
  tags: option.object<unknown>({
    meaning: "Tags wanted: 'placed || paid', an array, or '*' for all.",
    is: anything,
    must: 'must be a text or an array',
  }),
  sql: option.object<unknown>({
    meaning: "Instead of tags: an SQL92 filter over properties, such as 'amount > 5'.",
    is: anything,
    must: 'must be a text',
  }),
  connection: option.text({ meaning: 'Name of a connection in the module options.' }),
  id: option.text({ meaning: 'Name in logs and in the registry; Class.method by default.' }),
  payloadType: option.object<unknown>({
    meaning: 'Class of the payload for validation, where the compiler cannot tell.',
    is: isFunction,
    must: 'must be a class',
  }),
  nonRetryable: option.object<unknown>({
    meaning: 'Says which errors go the way of onInvalid; by default HTTP exceptions 400 and 422.',
    is: isFunction,
    must: 'must be a function of the error',
  }),
});

/** The top level of the module options besides what a connection has. */
export const moduleOptions = defineOptions('RocketMQModule.forRoot', {
  producer: option.object<unknown>({
    meaning: "The connection's producer: see the options of 'producer'.",
    is: isObject,
    must: 'must be an object',
  }),
  consumer: option.object<unknown>({
    meaning: "Defaults for the connection's listeners: see the options of 'consumer'.",
    is: isObject,
    must: 'must be an object',
  }),
  connections: option.object<unknown>({
    meaning: 'Further clusters by name, each with the options of a connection.',
    is: isObject,
    must: 'must be an object',
  }),
  converters: option.object<unknown>({
    meaning: 'Converters of your own for further content types.',
    is: Array.isArray,
    must: 'must be an array',
  }),
  contentType: option.text({
    meaning: 'Content type of objects that are sent.',
    default: 'application/json',
  }),
  interceptors: option.object<unknown>({
    meaning: 'Stand around every send, the first outermost: classes or instances.',
    is: Array.isArray,
    must: 'must be an array of classes or instances',
  }),
  metrics: option.object<unknown>({
    meaning: "Prometheus metrics: true, or the options of 'metrics'. Needs prom-client.",
    is: isSwitch,
    must: 'must be true, false or an object',
  }),
  telemetry: option.object<unknown>({
    meaning: "OpenTelemetry: true, or the options of 'telemetry'. Needs @opentelemetry/api.",
    is: isSwitch,
    must: 'must be true, false or an object',
  }),
  resolveValue: option.object<unknown>({
    meaning: "Looks up placeholders; by default the application's ConfigService.",
    is: isFunction,
    must: 'must be a function of the name',
  }),
  clock: option.object<unknown>({
    meaning: 'The clock of deadlines, for tests.',
    is: isObject,
    must: 'must be a clock',
  }),
});
