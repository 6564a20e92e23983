import type { ClientFactory } from '../client-port.js';
import type { Setting } from '../options/setting.js';
import type { RocketMQModuleOptions } from '../options/module-options.js';

/** What server and client of the transport have in common: the options of one connection. */
export interface RocketMQTransportOptions extends Omit<RocketMQModuleOptions, 'connections'> {
  /** Where the clients come from; for tests (`RocketMQTestKit.clients`). */
  readonly clients?: ClientFactory;
}

/** What happens to a message for which there is no handler. */
export type UnhandledPolicy = 'dead-letter' | 'retry' | 'skip';

/** Options of `RocketMQServer`: those of a connection, and how it consumes in `consumer`. */
export interface RocketMQServerOptions extends RocketMQTransportOptions {
  /** The consumer group of the service. */
  readonly group: Setting<string>;
  /**
   * Messages whose tag nobody asked for; members of one group with different handlers get them.
   * Default `dead-letter`, with one warning for each topic and tag.
   */
  readonly onUnhandled?: UnhandledPolicy;
  /**
   * The hybrid application. Given, it is initialised before the first message is handled, whatever the
   * order of `startAllMicroservices` and `listen`.
   */
  readonly app?: { init(): Promise<unknown> };
}

/** Names that are not options of `RocketMQModule.forRoot`. */
const ownNames = ['clients', 'group', 'onUnhandled', 'app'];

/** What is left for the connection. */
export function moduleOptionsOf(options: RocketMQTransportOptions): RocketMQModuleOptions {
  return Object.fromEntries(Object.entries(options).filter(([name]) => !ownNames.includes(name)));
}
