import { clientOptionTable } from '@nestjs-rocketmq/client';
import { defineOptions, option, type OptionSet } from '@nestjs-rocketmq/foundation';
import { DEFAULT_CONNECTION } from '../rocketmq.constants.js';
import { defaultDelayLevels } from './delay-levels.js';
import { formatTable } from './format-options.js';

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
  ...formatTable,
};

/** One connection, the default one at the top level included. */
export const connectionOptions: OptionSet<typeof ownTable & PassedOnTable> = defineOptions(
  'connection',
  {
    ...ownTable,
    ...passedOn,
  },
);

const isSwitch = (value: unknown): boolean => typeof value === 'boolean' || isObject(value);
const isFunction = (value: unknown): boolean => typeof value === 'function';

/** The top level of the module options besides what a connection has. */
export const moduleOptions = defineOptions('RocketMQModule.forRoot', {
  producer: option.object<unknown>({
    meaning: "The connection's producer: see the options of 'producer'.",
    is: isObject,
    must: 'must be an object',
  }),
  pullConsumers: option.object<unknown>({
    meaning: "The connection's pull consumers by name: see the options of 'pullConsumers'.",
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
  isGlobal: option.boolean({
    meaning: 'Whether templates can be injected everywhere, or by forFeature only.',
    default: true,
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
  listeners: option.object<unknown>({
    meaning:
      'False: no listener is started. Or a map of listener ids to what is different of them: ' +
      "{ 'Payments.onOrder': { concurrency: 5 }, 'Mails.onOrder': false }.",
    is: (value) => value !== undefined,
    must: 'must be true, false or a map of ids',
  }),
  listenerOptions: option.object<unknown>({
    meaning: "Asked for each listener's options at start, with those of its decorator.",
    is: isFunction,
    must: 'must be a function of options and target',
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

/** One of `templates` of `forFeature`. */
export const featureTemplateOptions = defineOptions('RocketMQModule.forFeature templates', {
  name: option.text({ meaning: 'The name to inject it by.', required: true }),
  connection: option.text({ meaning: 'The connection it sends on.', default: DEFAULT_CONNECTION }),
  producer: option.object<unknown>({
    meaning: "A producer of its own, on top of the connection's: see the options of 'producer'.",
    is: isObject,
    must: 'must be an object',
  }),
  ...formatTable,
});
