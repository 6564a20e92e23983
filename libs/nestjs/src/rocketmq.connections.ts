import { AsyncResource } from 'node:async_hooks';
import { Inject, Injectable, Logger } from '@nestjs/common';
import { DeadlineError, messageOf, withDeadline } from '@nestjs-rocketmq/foundation';
import type { ClientFactory, ClientPort, ProducerPort } from './client-port.js';
import { nestLogger, quietWhile } from './nest-logger.js';
import { RocketMQClosedError, RocketMQSendError, RocketMQSetupError } from './nestjs.errors.js';
import { ConnectionWatch } from './operations/connection-watch.js';
import { observedClient, type WatchedConsumer } from './operations/observed-client.js';
import type { Observer } from './operations/observer.js';
import { RocketMQEvents } from './operations/rocketmq-events.js';
import type { ConnectionSettings, ModuleSettings } from './options/module-settings.js';
import { readModuleOptions } from './options/module-settings.js';
import type { RocketMQModuleOptions } from './options/module-options.js';
import {
  readProducer,
  type HashQueueSelector,
  type ProducerSettings,
  type ProducerValues,
} from './options/producer-options.js';
import { DelayLevels } from './options/delay-levels.js';
import { Problems } from './options/problems.js';
import { PullConsumers } from './pull/pull-consumers.js';
import { ROCKETMQ_CLIENT_FACTORY, ROCKETMQ_OPTIONS } from './rocketmq.tokens.js';
import type { OutgoingInterceptor } from './template/outgoing-interceptor.js';
import type { TemplateBackend } from './template/template-backend.js';
import { TransactionDispatcher } from './transaction/transaction-dispatcher.js';

/** How long a producer may take to finish what is under way when the application closes. */
const producerDeadline = 5_000;

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
    this.transactions = new TransactionDispatcher(settings.name, () => module.converters);
    this.pulls = new PullConsumers(settings, module, () => this.client);
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

/** The producer behind one template; started when first needed, at the latest in `onModuleInit`. */
class Sender implements TemplateBackend {
  private starting: Promise<ProducerPort> | undefined;
  private started: ProducerPort | undefined;
  private isClosed = false;

  constructor(
    readonly connection: string,
    private readonly host: RocketMQConnection | undefined,
    private readonly values: ProducerValues,
    private readonly owner: RocketMQConnections,
    /** One producer for every template of the connection without settings of its own. */
    readonly isShared: boolean,
  ) {}

  get converters(): ModuleSettings['converters'] {
    return this.owner.settings.converters;
  }

  get delayLevels(): DelayLevels {
    return this.host?.settings.delayLevels ?? new DelayLevels();
  }

  get group(): string {
    return this.values.group;
  }

  get queueSelector(): HashQueueSelector | undefined {
    return this.values.queueSelector;
  }

  get interceptors(): readonly OutgoingInterceptor[] {
    return this.owner.interceptors;
  }

  get running(): ProducerPort | undefined {
    return this.isClosed ? undefined : this.started;
  }

  get transactions(): TransactionDispatcher {
    return this.owner.existing(this.host, this.connection).transactions;
  }

  get pulls(): PullConsumers {
    return this.owner.existing(this.host, this.connection).pulls;
  }

  producer(): Promise<ProducerPort> {
    if (this.isClosed) {
      const sentence =
        `The template of connection '${this.connection}' was used after the ` +
        'application was closed.';
      return Promise.reject(new RocketMQClosedError(sentence));
    }
    this.starting ??= this.start().catch((error: unknown) => {
      // The next send tries again: a broken start must not stay for ever.
      this.starting = undefined;
      throw error;
    });
    return this.starting;
  }

  async close(): Promise<void> {
    this.isClosed = true;
    const producer = await this.starting?.catch(() => undefined);
    await producer?.close(producerDeadline);
  }

  private async start(): Promise<ProducerPort> {
    const host = this.owner.existing(this.host, this.connection);
    const producer = host.client.producer(this.values, host.transactions);
    await producer.start();
    this.started = producer;
    return producer;
  }
}

/** Every connection of the application, and the producers of its templates. */
@Injectable()
export class RocketMQConnections {
  /** What is wrong with the options; reported with everything else when the application starts. */
  readonly problems = new Problems();
  readonly settings: ModuleSettings;
  private readonly logger = new Logger('RocketMQ');
  private readonly byName = new Map<string, RocketMQConnection>();
  private readonly senders: Sender[] = [];
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

  /** The backend of a template; with `producer`, one that shares no producer with others. */
  sender(connection: string, template?: string, producer?: ProducerSettings): TemplateBackend {
    const host = this.byName.get(connection);
    const shared = this.senders.find(
      (sender) => sender.isShared && sender.connection === connection,
    );
    if (producer === undefined && shared !== undefined) return shared;
    const where = `Template '${template}' (of forFeature, or of 'templates')`;
    if (template !== undefined && host === undefined) {
      this.problems.add('ROCKETMQ_CONNECTION_UNKNOWN', this.unknownName(where, connection));
    }
    const inherited = host?.settings.producer ?? readProducer(where, undefined, this.problems);
    const values =
      producer === undefined
        ? inherited
        : readProducer(where, { ...host?.settings.producerGiven, ...producer }, this.problems);
    const isShared = producer === undefined;
    const sender = new Sender(connection, host, values, this, isShared);
    this.senders.push(sender);
    return sender;
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
