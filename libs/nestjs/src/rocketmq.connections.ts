import { AsyncResource } from 'node:async_hooks';
import { Inject, Injectable, Logger } from '@nestjs/common';
import { DeadlineError, messageOf, withDeadline } from '@nestjs-rocketmq/foundation';
import type { ClientFactory, ClientPort } from './client-port.js';
import type { MessageConverters } from './converter/message-converters.js';
import { nestLogger, quietWhile } from './nest-logger.js';
import { RocketMQSendError, RocketMQSetupError } from './nestjs.errors.js';
import { ConnectionWatch } from './operations/connection-watch.js';
import { observedClient, type WatchedConsumer } from './operations/observed-client.js';
import type { Observer } from './operations/observer.js';
import { RocketMQEvents } from './operations/rocketmq-events.js';
import type { ConnectionSettings, ModuleSettings } from './options/module-settings.js';
import { readModuleOptions } from './options/module-settings.js';
import { readFormats } from './options/format-options.js';
import type { FeatureTemplate, RocketMQModuleOptions } from './options/module-options.js';
import { featureTemplateOptions } from './options/option-tables.js';
import { readProducer, type ProducerValues } from './options/producer-options.js';
import { DelayLevels } from './options/delay-levels.js';
import { checkNames, Problems } from './options/problems.js';
import { PullConsumers } from './pull/pull-consumers.js';
import { DEFAULT_CONNECTION } from './rocketmq.constants.js';
import { ROCKETMQ_CLIENT_FACTORY, ROCKETMQ_OPTIONS } from './rocketmq.tokens.js';
import { FormattedBackend } from './template/formatted-backend.js';
import type { OutgoingInterceptor } from './template/outgoing-interceptor.js';
import { ProducerBackend, producerDeadline } from './template/producer-backend.js';
import type { TemplateBackend } from './template/template-backend.js';
import { TransactionDispatcher } from './transaction/transaction-dispatcher.js';

/** Who looks on what all connections of an application do. */
interface LookingOn {
  readonly events: RocketMQEvents;
  readonly observers: Observer[];
  readonly outside: <T>(work: () => T) => T;
}

/** One cluster: its settings, its clients, and who answers for its transactions. */
export class RocketMQConnection {
  readonly transactions: TransactionDispatcher;
  readonly pulls: PullConsumers;
  /** Its consumers that were started and not closed. */
  readonly consumers = new Set<WatchedConsumer>();
  private opened: { readonly client: ClientPort; readonly watch: ConnectionWatch } | undefined;

  constructor(
    readonly settings: ConnectionSettings,
    private readonly module: ModuleSettings,
    private readonly factory: ClientFactory,
    private readonly looking: LookingOn,
  ) {
    this.transactions = new TransactionDispatcher(settings.name, settings.converters);
    this.pulls = new PullConsumers(settings, module.clock, () => this.client);
  }

  /** Made when first needed: nothing opens while the options may still be refused. */
  get client(): ClientPort {
    return this.open().client;
  }

  /** Why its servers cannot be used now; undefined while they can, as far as is known. */
  get problem(): string | undefined {
    return this.opened?.watch.problem;
  }

  /** Makes the client, which opens nothing yet; what it does not take goes to `problems`. */
  check(problems: Problems): void {
    try {
      this.open();
    } catch (error) {
      const where = `RocketMQModule connection '${this.settings.name}'`;
      problems.add('ROCKETMQ_OPTION_INVALID', `${where}: ${messageOf(error)}`);
    }
  }

  /** Waits for the servers as `startup` says; see `ConnectionWatch.begin`. */
  begin(): Promise<void> {
    return this.looking.outside(() => this.open().watch.begin());
  }

  async close(): Promise<void> {
    this.opened?.watch.close();
    await this.opened?.client.close();
  }

  private open(): NonNullable<RocketMQConnection['opened']> {
    this.opened ??= this.looking.outside(() => this.connect());
    return this.opened;
  }

  private connect(): NonNullable<RocketMQConnection['opened']> {
    const { settings, looking } = this;
    const { clock } = this.module;
    const { name, startup, nameServers } = settings;
    const servers = [...nameServers, settings.client.nameServerAddressUrl ?? ''].filter(Boolean);
    let watch: ConnectionWatch | undefined;
    // What the client has to say about servers that are known to be gone helps nobody.
    const logger = quietWhile(nestLogger('RocketMQ'), () => watch?.isExpected ?? false);
    const client = this.factory.connect(settings, clock, logger);
    watch = new ConnectionWatch({
      name,
      startup,
      client,
      clock,
      servers: servers.join(';'),
      events: looking.events,
      logger: nestLogger('RocketMQ'),
    });
    const { consumers } = this;
    const watching = { ...looking, connection: name, clock, consumers };
    return { client: observedClient(client, watching), watch };
  }

  /** Equal for two connections to one cluster. */
  get cluster(): string {
    return [...this.settings.nameServers].toSorted().join(';');
  }
}

const placeOf = (template: string | undefined): string =>
  `Template '${template}' (of forFeature, or of 'templates')`;

/** Every connection of the application, and the producers of its templates. */
@Injectable()
export class RocketMQConnections {
  /** What is wrong with the options; reported with everything else when the application starts. */
  readonly problems = new Problems();
  readonly settings: ModuleSettings;
  private readonly logger = new Logger('RocketMQ');
  private readonly byName = new Map<string, RocketMQConnection>();
  private readonly senders: ProducerBackend[] = [];
  private readonly looking: LookingOn;
  private outgoing: readonly OutgoingInterceptor[] | undefined;

  constructor(
    @Inject(ROCKETMQ_OPTIONS) options: RocketMQModuleOptions,
    @Inject(ROCKETMQ_CLIENT_FACTORY) factory: ClientFactory,
    @Inject(RocketMQEvents) events: RocketMQEvents,
  ) {
    this.settings = readModuleOptions(options, this.problems, factory.clock);
    // Loops and sockets live longer than the request or span in which they happen to be started.
    const start = new AsyncResource('RocketMQConnections');
    const outside = <T>(work: () => T): T => start.runInAsyncScope(work);
    this.looking = { events, observers: [], outside };
    for (const [name, settings] of this.settings.connections) {
      const connection = new RocketMQConnection(settings, this.settings, factory, this.looking);
      this.byName.set(name, connection);
    }
  }

  get all(): readonly RocketMQConnection[] {
    return [...this.byName.values()];
  }

  /** Lets somebody look on what is sent and consumed; before `start`. */
  observe(observer: Observer): void {
    this.looking.observers.push(observer);
  }

  /** Names and groups of the producers behind the templates. */
  producersOf(connection: string): string[] {
    const own = this.senders.filter((sender) => sender.connection === connection);
    return own.map((sender) => sender.group);
  }

  /** Throws `RocketMQSendError` before `useInterceptors`, when there are any. */
  get interceptors(): readonly OutgoingInterceptor[] {
    if (this.outgoing !== undefined) return this.outgoing;
    if (this.settings.interceptors.length === 0) return [];
    throw new RocketMQSendError(
      'Something was sent before the interceptors of RocketMQModule were there; send in ' +
        'onModuleInit or later, not in a constructor.',
    );
  }

  /** What stands around every send from now on. */
  useInterceptors(interceptors: readonly OutgoingInterceptor[]): void {
    this.outgoing = interceptors;
  }

  get names(): string[] {
    return [...this.byName.keys()];
  }

  get(name: string): RocketMQConnection | undefined {
    return this.byName.get(name);
  }

  /** Throws `RocketMQSetupError` when there is no such connection. */
  existing(host: RocketMQConnection | undefined, name: string): RocketMQConnection {
    if (this.problems.list.length > 0) throw new RocketMQSetupError(this.problems.list);
    if (host !== undefined) return host;
    throw new RocketMQSetupError([
      { code: 'ROCKETMQ_CONNECTION_UNKNOWN', sentence: this.unknownName('A template', name) },
    ]);
  }

  /** What to say about a connection name that the options do not have. */
  unknownName(who: string, name: string): string {
    return (
      `${who} wants the connection '${name}', but RocketMQModule knows ${this.names.join(', ')}; ` +
      `add connections: { '${name}': { nameServers } } to its options`
    );
  }

  /** The backend of a connection's templates; `template` is the name of the one that needs it. */
  sender(connection: string, template?: string): TemplateBackend {
    const shared = this.senders.find(
      (sender) => sender.isShared && sender.connection === connection,
    );
    if (shared !== undefined) return shared;
    const host = this.hostOf(connection, template);
    const where = placeOf(template);
    const values = host?.settings.producer ?? readProducer(where, undefined, this.problems);
    return this.newSender(connection, host, values, this.formatsOf(host), true);
  }

  /**
   * The backend of a template of `forFeature`: with `producer` it shares no producer with others, with
   * `converters` or `contentType` it has formats of its own.
   */
  featureSender(feature: FeatureTemplate): TemplateBackend {
    const { problems } = this;
    const { name, connection = DEFAULT_CONNECTION, producer } = feature;
    const where = placeOf(name);
    checkNames(where, feature, featureTemplateOptions.names, problems);
    const host = this.byName.get(connection);
    const inherited = this.formatsOf(host);
    const own = readFormats(where, feature, inherited, problems);
    if (producer === undefined) {
      const shared = this.sender(connection, name);
      if (own === inherited) return shared;
      host?.transactions.alsoReads(own);
      return new FormattedBackend(shared, own);
    }
    const given = { ...this.hostOf(connection, name)?.settings.producerGiven, ...producer };
    const values = readProducer(where, given, problems);
    return this.newSender(connection, host, values, own, false);
  }

  private newSender(
    connection: string,
    host: RocketMQConnection | undefined,
    values: ProducerValues,
    converters: MessageConverters,
    isShared: boolean,
  ): ProducerBackend {
    const sender = new ProducerBackend({
      connection,
      values,
      converters,
      isShared,
      delayLevels: host?.settings.delayLevels ?? new DelayLevels(),
      interceptors: () => this.interceptors,
      host: () => this.existing(host, connection),
    });
    this.senders.push(sender);
    return sender;
  }

  private formatsOf(host: RocketMQConnection | undefined): MessageConverters {
    return host?.settings.converters ?? this.settings.converters;
  }

  /** The connection of a template; one that is missing is reported. */
  private hostOf(connection: string, template?: string): RocketMQConnection | undefined {
    const host = this.byName.get(connection);
    if (template !== undefined && host === undefined) {
      const sentence = this.unknownName(placeOf(template), connection);
      this.problems.add('ROCKETMQ_CONNECTION_UNKNOWN', sentence);
    }
    return host;
  }

  /**
   * Waits for the servers of every connection as its `startup` says, then starts the producer of
   * every template whose connection exists. Whoever called closes when one fails.
   */
  async start(): Promise<void> {
    await Promise.all(this.all.map((connection) => connection.begin()));
    const usable = this.senders.filter((sender) => this.byName.has(sender.connection));
    await Promise.all(usable.map((sender) => sender.producer()));
  }

  /** Starts the pull consumers of the options. */
  async startPulling(): Promise<void> {
    await Promise.all(this.all.map(({ pulls }) => pulls.start()));
  }

  /** Ends the loops over pull consumers and leaves their groups. */
  async stopPulling(): Promise<void> {
    await Promise.all(this.all.map(({ pulls }) => pulls.close()));
  }

  /** Closes every producer and connection; ends within a deadline whatever the servers do. */
  async close(): Promise<void> {
    const closing = this.senders.map((sender) =>
      this.closeOne(`The producer of connection '${sender.connection}'`, sender),
    );
    await Promise.all(closing);
    const connections = [...this.byName.values()];
    await Promise.all(
      connections.map((one) => this.closeOne(`Connection '${one.settings.name}'`, one)),
    );
  }

  private async closeOne(what: string, one: { close(): Promise<void> }): Promise<void> {
    const deadline = producerDeadline + 1_000;
    const late = () => new DeadlineError(`it took more than ${deadline} ms`);
    try {
      await withDeadline(this.settings.clock, deadline, () => one.close(), late);
    } catch (error) {
      this.logger.warn(`${what} did not close cleanly: ${messageOf(error)}`);
    }
  }
}
