import { Logger } from '@nestjs/common';
import {
  DeadlineError,
  messageOf,
  nearestName,
  withDeadline,
  type Clock,
} from '@nestjs-rocketmq/foundation';
import type { ClientPort } from '../client-port.js';
import type { MessageConverters } from '../converter/message-converters.js';
import { RocketMQReceiveError } from '../nestjs.errors.js';
import type { ConnectionSettings } from '../options/module-settings.js';
import { Problems } from '../options/problems.js';
import { RocketMQPullConsumer } from './pull-consumer.js';
import { readPullConsumer, type PullConsumerOptions, type PullSettings } from './pull-options.js';

/** The client gets this much longer than it was given before a stop goes on without it. */
const graceOfStop = 2_000;

interface Kept {
  readonly consumer: RocketMQPullConsumer;
  readonly settings: PullSettings;
  /** The same consumer for templates with formats of their own. */
  readonly views: Map<MessageConverters, RocketMQPullConsumer>;
}

/** The pull consumers of one connection: those of its options, and those made by a call. */
export class PullConsumers {
  private readonly logger = new Logger('RocketMQ:Pull');
  private readonly kept = new Map<string, Kept>();
  private listenerOf: (group: string) => string | undefined = () => undefined;

  constructor(
    private readonly settings: ConnectionSettings,
    private readonly clock: Clock,
    private readonly client: () => ClientPort,
  ) {
    for (const [name, own] of settings.pullConsumers) this.keep(name, own);
  }

  /**
   * By name, or by the options of one that is made now; payloads are read by `converters` of the one
   * who asks. Throws `RocketMQReceiveError`.
   */
  get<T>(
    from: string | PullConsumerOptions,
    converters: MessageConverters,
  ): RocketMQPullConsumer<T> {
    const { consumer, views } = typeof from === 'string' ? this.byName(from) : this.made(from);
    if (converters === this.settings.converters) return consumer as RocketMQPullConsumer<T>;
    const view = views.get(converters) ?? consumer.reading(converters);
    views.set(converters, view);
    return view as RocketMQPullConsumer<T>;
  }

  /** Names and groups: those of the options, and those made by calls. */
  get all(): { readonly name: string; readonly group: string }[] {
    return [...this.kept].map(([name, { settings }]) => ({ name, group: settings.group }));
  }

  /** `listenerOf` names the listener that consumes in a group: a pull consumer cannot have that. */
  heed(listenerOf: (group: string) => string | undefined): void {
    this.listenerOf = listenerOf;
  }

  /** Starts those of the options. */
  async start(): Promise<void> {
    const all = [...this.kept.values()].filter(({ settings }) => settings.autoStart);
    await Promise.all(all.map(({ consumer }) => consumer.start()));
  }

  async close(): Promise<void> {
    await Promise.all([...this.kept.values()].map((one) => this.closeOne(one)));
  }

  private async closeOne({ consumer, settings }: Kept): Promise<void> {
    const deadline = 2 * settings.shutdownTimeout + graceOfStop;
    const late = () => new DeadlineError(`it took more than ${deadline} ms`);
    try {
      await withDeadline(this.clock, deadline, () => consumer.close(), late);
    } catch (error) {
      this.logger.warn(
        `The pull consumer '${consumer.name}' did not close cleanly: ${messageOf(error)}`,
      );
    }
  }

  private byName(name: string): Kept {
    const kept = this.kept.get(name);
    if (kept !== undefined) return kept;
    const known = [...this.kept.keys()];
    const near = nearestName(name, known);
    const hint =
      near === undefined ? `known are ${known.join(', ') || 'none'}` : `perhaps '${near}'`;
    throw new RocketMQReceiveError(
      `Connection '${this.settings.name}' has no pull consumer '${name}' (${hint}); add ` +
        `pullConsumers: { '${name}': { group, topic } } to its options, or give the options instead ` +
        'of a name.',
      { details: { name, connection: this.settings.name } },
    );
  }

  private made(given: PullConsumerOptions): Kept {
    const problems = new Problems();
    const where = 'A pull consumer made by a call';
    const settings = readPullConsumer(where, given, problems);
    if (problems.list.length > 0) {
      const sentences = problems.list.map(({ sentence }) => sentence);
      throw new RocketMQReceiveError(`${sentences.join('; ')}.`, { details: { problems } });
    }
    const { group } = settings;
    const kept = [...this.kept.values()].find((one) => one.settings.group === group);
    if (kept === undefined) {
      this.checkListeners(group);
      return this.keep(group, settings);
    }
    if (JSON.stringify(kept.settings) === JSON.stringify(settings)) return kept;
    throw new RocketMQReceiveError(
      `The group '${group}' already has a pull consumer with other options ('${kept.consumer.name}'); ` +
        'a group has one subscription, so use that one or another group.',
      { details: { group } },
    );
  }

  private checkListeners(group: string): void {
    const listener = this.listenerOf(group);
    if (listener === undefined) return;
    throw new RocketMQReceiveError(
      `The group '${group}' is that of the listener ${listener}: each message would reach only one of ` +
        'them, at random. Give the pull consumer a group of its own.',
      { details: { group, listener, connection: this.settings.name } },
    );
  }

  private keep(name: string, settings: PullSettings): Kept {
    const { clock } = this;
    const { converters } = this.settings;
    const open = () => {
      const client = this.client();
      if (client.pullConsumer !== undefined) return client.pullConsumer(settings);
      throw new RocketMQReceiveError('The client of this connection has no pull consumers.');
    };
    const connection = this.settings.name;
    const backend = { name, connection, settings, converters, clock, open };
    const consumer = new RocketMQPullConsumer(backend);
    const kept = { consumer, settings, views: new Map() };
    this.kept.set(name, kept);
    return kept;
  }
}
