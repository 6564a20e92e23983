import type { ModuleMetadata, Type } from '@nestjs/common';
import type { ClientOptions } from '@nestjs-rocketmq/client';
import type { Clock } from '@nestjs-rocketmq/foundation';
import type { MetricsOptions, TelemetryOptions } from '../operations/operations-options.js';
import type { Duration } from './duration.js';
import type { FormatOptions } from './format-options.js';
import type { ConsumeOptions, ListenerOptionsHook, ListenersSetting } from './listener-options.js';
import type { PullConsumerOptions } from '../pull/pull-options.js';
import type { OutgoingInterceptorToken } from '../template/outgoing-interceptor.js';
import type { ProducerSettings } from './producer-options.js';

/** What the client is given as it is: see `ClientOptions` of `@nestjs-rocketmq/client`. */
export type PassedOnOptions = Omit<
  ClientOptions,
  'nameServers' | 'requestTimeout' | 'clock' | 'network' | 'logger'
>;

/** What happens when the application starts and the servers of a connection are not there. */
export interface StartupSettings {
  /**
   * Wait for them, up to `timeout`, before anything of the application can send. False: look for
   * them in the background. Default true.
   */
  readonly wait?: boolean;
  /** How long to wait. Default 5s. */
  readonly timeout?: Duration;
  /**
   * True: the application does not start without them (`RocketMQConnectionError`). False: one
   * warning, the application starts, and they are looked for in the background. Default false.
   */
  readonly failFast?: boolean;
}

/** One cluster as this application sees it. */
export interface ConnectionOptions extends PassedOnOptions, FormatOptions {
  /**
   * `host:port` of the name servers: an array, or a text with `;` between them. Needed unless
   * `nameServerAddressUrl` is given.
   */
  readonly nameServers?: string | readonly string[];
  readonly producer?: ProducerSettings;
  /**
   * Consumers that are asked for messages, by name, for `template.receive` and
   * `template.pullConsumer`.
   */
  readonly pullConsumers?: Readonly<Record<string, PullConsumerOptions>>;
  /** Defaults for the listeners of this connection. */
  readonly consumer?: ConsumeOptions;
  /** The broker's `messageDelayLevel` when it was changed, for delays given as times. */
  readonly delayLevels?: string;
  /** Time for one request to a server. Default 3s. */
  readonly requestTimeout?: Duration;
  /** What happens at the start when the servers are not there. */
  readonly startup?: StartupSettings;
}

/**
 * Options of `RocketMQModule.forRoot`. The top level describes the connection `default`; its `converters`
 * and `contentType` hold for every connection that has none of its own.
 */
export interface RocketMQModuleOptions extends Partial<ConnectionOptions> {
  /** Further clusters, by name; they share nothing with the default one. */
  readonly connections?: Readonly<Record<string, ConnectionOptions>>;
  /**
   * Whether templates can be injected everywhere. False: in the module that imports this one, and
   * in those that import `forFeature({ templates: ['default'] })`. Default true.
   */
  readonly isGlobal?: boolean;
  /**
   * Stand around every send, the first outermost: classes (providers of the application) or
   * instances.
   */
  readonly interceptors?: readonly OutgoingInterceptorToken[];
  /**
   * `false` (or a placeholder, or a function): this application starts no listener, but sends. Or what
   * is different of single listeners here, by id: `{ 'Payments.onOrder': { concurrency: 5 } }`.
   */
  readonly listeners?: ListenersSetting;
  /** Asked for each listener's options when the application starts. */
  readonly listenerOptions?: ListenerOptionsHook;
  /** Looks up placeholders. Default: the application's `ConfigService`. */
  readonly resolveValue?: (name: string) => unknown;
  /**
   * Prometheus metrics by prom-client (which you install): `true`, or options. Default: none.
   * Their names stand in the documentation.
   */
  readonly metrics?: boolean | MetricsOptions;
  /**
   * OpenTelemetry spans by `@opentelemetry/api` (which you install): `true`, or options.
   * Default: none.
   */
  readonly telemetry?: boolean | TelemetryOptions;
  /** The clock of deadlines; for tests. */
  readonly clock?: Clock;
}

/** Makes the options; the class form of `forRootAsync`. */
export interface RocketMQOptionsFactory {
  createRocketMQOptions(): RocketMQModuleOptions | Promise<RocketMQModuleOptions>;
}

/** Options of `RocketMQModule.forRootAsync`: one of the three `use...`. */
export interface RocketMQModuleAsyncOptions extends Pick<ModuleMetadata, 'imports'> {
  readonly inject?: readonly unknown[];
  readonly useFactory?: (
    ...args: never[]
  ) => RocketMQModuleOptions | Promise<RocketMQModuleOptions>;
  readonly useClass?: Type<RocketMQOptionsFactory>;
  readonly useExisting?: Type<RocketMQOptionsFactory>;
  /** Names of connections whose templates can be injected everywhere (the factory runs too late). */
  readonly templates?: readonly string[];
  /** As in `RocketMQModuleOptions`; here, because the factory runs too late. Default true. */
  readonly isGlobal?: boolean;
}

/** Options of `RocketMQModule.forFeature`. */
export interface RocketMQFeatureOptions {
  /** Templates for this module: connections by name, or a producer or formats of their own. */
  readonly templates: readonly (string | FeatureTemplate)[];
}

/** A template with settings of its own. Its formats are also those of what it receives. */
export interface FeatureTemplate extends FormatOptions {
  /** The name to inject it by. */
  readonly name: string;
  /** Default: the default connection. */
  readonly connection?: string;
  /** A producer of its own; what is not given here is as on the connection. */
  readonly producer?: ProducerSettings;
}
