import { requestFields, type Credentials } from '@nestjs-rocketmq/access';
import {
  forgivingLogger,
  messageOf,
  parseDuration,
  silentLogger,
  systemClock,
  type Clock,
  type Logger,
  type Timer,
} from '@nestjs-rocketmq/foundation';
import { localAddress, UniqueKeys } from '@nestjs-rocketmq/message';
import { ResponseCode, type BrokerData, type TopicRouteData } from '@nestjs-rocketmq/protocol';
import { nodeNetwork, RemotingClient } from '@nestjs-rocketmq/remoting';
import { BrokerCalls, isRefusal } from './broker-calls.js';
import { brokerRequests, type ConsumerMember, type ProducerMember } from './broker-requests.js';
import {
  anObject,
  clientOptionSet,
  clientOptionTable,
  type ClientOptions,
} from './client-options.js';
import {
  ClientConfigurationError,
  ClientStateError,
  NameServerUnreachableError,
} from './client.errors.js';
import { clientIdsOf, Namesakes, type ClientIds } from './client-ids.js';
import { Greetings } from './greetings.js';
import { AddressServer } from './address-server.js';
import { watchedNetwork } from './diagnostics.js';
import { Namespace, namespaceOfEndpoint } from './namespace.js';
import { NameServers, parseNameServers } from './name-servers.js';
import { PendingReplies } from './producer/pending-replies.js';
import { RouteTable } from './route-table.js';

/** What producers and consumers take instead of `ClientOptions`, or beside them. */
export interface SharedInstance {
  /** A runtime shared with others (connections, routes, heartbeat) instead of an own one. */
  readonly instance?: ClientInstance;
}

/** The option behind `SharedInstance`. */
export const sharedInstanceOption = anObject(
  'A runtime shared with other producers and consumers.',
);

/** The options of `ClientInstance` out of those of a producer or consumer. */
function ownOptions(options: ClientOptions): Record<string, unknown> {
  const names = Object.keys(clientOptionTable);
  return Object.fromEntries(Object.entries(options).filter(([name]) => names.includes(name)));
}

/**
 * What producers and consumers share: connections, routes, heartbeats, and the answers to what
 * brokers ask. Every producer and consumer makes its own unless it is given one as `instance`;
 * then whoever made it closes it, after them.
 */
export class ClientInstance {
  /** `ip@instanceName`, as brokers know this client. */
  readonly clientId: string;
  /** @internal Only known here and at the wire: everything else uses plain names. */
  readonly namespace: Namespace | undefined;
  /** @internal What sends and heartbeats say of the unit. */
  readonly unitMode: boolean;
  readonly clock: Clock;
  readonly logger: Logger;
  /** @internal */
  readonly calls: BrokerCalls;
  /** @internal */
  readonly routes: RouteTable;
  /** @internal */
  readonly uniqueKeys: UniqueKeys;
  /** @internal Requests of all producers here that wait for replies. */
  readonly replies: PendingReplies;
  /** @internal */
  readonly requestTimeout: number;
  /** @internal Name servers in use. */
  readonly nameServers: NameServers;
  /** @internal Watches for members of other processes with the same id. */
  readonly namesakes: Namesakes;
  /** @internal Where the cluster is known from: addresses, or where their list is had. */
  readonly cluster: readonly string[];
  private readonly ids: ClientIds;
  private readonly addressServer: AddressServer | undefined;
  private readonly remoting: RemotingClient;
  private readonly producers = new Map<string, ProducerMember>();
  private readonly consumers = new Map<string, ConsumerMember>();
  private readonly timers: Timer[] = [];
  private readonly greetings: Greetings;
  private readonly intervals: { readonly routes: number; readonly heartbeat: number };
  private isRefreshing = false;
  private meetsAll = false;
  private state: 'new' | 'running' | 'closed' = 'new';

  /** Throws `OptionsError` or `ClientConfigurationError`; opens nothing yet. */
  constructor(options: ClientOptions) {
    const settings = clientOptionSet.load(ownOptions(options));
    this.clock = options.clock ?? systemClock;
    this.logger = forgivingLogger(options.logger ?? silentLogger);
    this.requestTimeout = settings.requestTimeout;
    this.intervals = {
      routes: settings.pollNameServerInterval,
      heartbeat: settings.heartbeatBrokerInterval,
    };
    const hasUrl = settings.nameServerAddressUrl !== undefined;
    const listed = hasUrl && options.nameServers === undefined;
    this.nameServers = new NameServers(listed ? [] : parseNameServers(options.nameServers));
    const ip = settings.clientIp ?? localAddress();
    const name = settings.instanceName ?? `${process.pid}#${Math.random().toString(36).slice(2)}`;
    const { unitName: unit = '' } = settings;
    this.clientId = [ip, name, ...(unit === '' ? [] : [unit])].join('@');
    this.unitMode = settings.unitMode;
    const namespace = settings.namespace ?? namespaceOfEndpoint(options.nameServers) ?? '';
    this.namespace = namespace === '' ? undefined : new Namespace(namespace);
    this.uniqueKeys = new UniqueKeys({ clock: this.clock, pid: process.pid });
    this.replies = new PendingReplies(this.clock, this.logger);
    this.remoting = new RemotingClient({
      clock: this.clock,
      logger: this.logger,
      form: settings.headerForm as 'json' | 'binary',
      connectTimeoutMs: settings.connectTimeout,
      router: brokerRequests(this),
      tls: settings.tls,
      extra: extraFields(settings),
      network: watchedNetwork(options.network ?? nodeNetwork, this.clientId),
    });
    const { nameServerAddressUrl: url, unitName } = settings;
    const { nameServers, clock, logger } = this;
    if (url !== undefined) {
      this.addressServer = new AddressServer(
        { url, unitName, clock, logger },
        nameServers,
        (gone) => gone.forEach((address) => this.remoting.closeAddress(address)),
      );
    }
    const { vipChannelEnabled } = settings;
    const how = { namespace: this.namespace, vipChannelEnabled };
    this.calls = new BrokerCalls(this.remoting, settings.requestTimeout, how);
    this.namesakes = new Namesakes(this.clientId, logger);
    this.cluster = url === undefined ? nameServers.addresses : [url];
    this.ids = clientIdsOf(options.network ?? nodeNetwork);
    this.routes = new RouteTable((topic) => this.fetchRoute(topic), this.logger);
    this.greetings = new Greetings(this, this.remoting);
    this.routes.onChange(() => this.greetings.greetNew());
    this.remoting.onPeerClose(() => this.greetings.lookForLost());
  }

  /** Starts the timers; harmless when they run. Throws `ClientStateError` after `close`. */
  start(): void {
    if (this.state === 'running') return;
    if (this.state === 'closed') {
      throw new ClientStateError('This client instance is closed; make a new one.');
    }
    this.state = 'running';
    this.addressServer?.start();
    const { clock, intervals } = this;
    this.timers.push(
      clock.every(intervals.routes, () => this.refreshRoutes()),
      clock.every(intervals.heartbeat, () => void this.heartbeat()),
    );
  }

  /**
   * @internal Gets known to every broker of the name servers, now and with each refresh of the routes; for
   * those who are asked by brokers before they have sent anything. Never rejects.
   */
  async meetAllBrokers(): Promise<void> {
    this.meetsAll = true;
    try {
      this.routes.learnBrokers(await this.allBrokers());
    } catch (error) {
      this.logger.warn('The list of brokers cannot be had now; it will be asked for again.', {
        error: messageOf(error),
      });
    }
  }

  /** Every broker that the name servers know, asked now. Rejects with `NameServerUnreachableError`. */
  allBrokers(): Promise<readonly BrokerData[]> {
    return this.askNameServers('the brokers', (address) => this.calls.allBrokers(address));
  }

  /** Whether a server at `host:port` takes a connection; one that is open counts. Never rejects. */
  async reaches(address: string): Promise<boolean> {
    try {
      await this.remoting.peer(address);
      return true;
    } catch {
      return false;
    }
  }

  /** Told whenever a connection to a server has gone, whoever closed it. */
  onConnectionClosed(listener: () => void): void {
    this.remoting.onPeerClose(() => {
      if (!this.isClosed) listener();
    });
  }

  /** How many queues of a topic can be read, as last heard; undefined while the topic is not known. */
  queuesOf(topic: string): number | undefined {
    return this.routes.known(topic)?.subscribe.length;
  }

  get isClosed(): boolean {
    return this.state === 'closed';
  }

  get isRunning(): boolean {
    return this.state === 'running';
  }

  /** Groups of the producers here. */
  get producerGroups(): string[] {
    return [...this.producers.keys()];
  }

  /** @internal The consumers here. */
  get consumerMembers(): ConsumerMember[] {
    return [...this.consumers.values()];
  }

  /**
   * @internal Throws `ClientConfigurationError` when the group has a producer here already, or one
   * with the same client id elsewhere in this process.
   */
  addProducer(member: ProducerMember): void {
    if (this.producers.has(member.group)) throw groupTaken('producer', member.group);
    this.claimId('producer', member.group);
    this.producers.set(member.group, member);
  }

  /** @internal The same for consumers. */
  addConsumer(member: ConsumerMember): void {
    if (this.consumers.has(member.group)) throw groupTaken('consumer', member.group);
    this.claimId('consumer', member.group);
    this.consumers.set(member.group, member);
  }

  /** @internal The group under its name on the wire has a member here. */
  has(kind: 'producer' | 'consumer', wireGroup: string): boolean {
    const members = kind === 'producer' ? this.producers : this.consumers;
    return members.has(this.namespace?.unwrap(wireGroup) ?? wireGroup);
  }

  /** @internal */
  producer(group: string): ProducerMember | undefined {
    return this.producers.get(group);
  }

  /** @internal */
  consumer(group: string): ConsumerMember | undefined {
    return this.consumers.get(group);
  }

  /** @internal Takes a member out and tells the brokers; never rejects, ends within `timeoutMs` a broker. */
  async remove(member: ProducerMember | ConsumerMember, timeoutMs: number): Promise<void> {
    const isProducer = this.producers.get(member.group) === member;
    const isConsumer = this.consumers.get(member.group) === member;
    if (isProducer) this.producers.delete(member.group);
    if (isConsumer) this.consumers.delete(member.group);
    if (!isProducer && !isConsumer) return;
    const who = isProducer ? { producerGroup: member.group } : { consumerGroup: member.group };
    const told = [...this.greetings.known].map(async (address) => {
      try {
        await this.calls.unregister(address, this.clientId, who, timeoutMs);
      } catch (error) {
        // The broker forgets us by itself when the connection closes or heartbeats stay away.
        this.logger.debug('A broker could not be told that a group leaves.', {
          address,
          ...who,
          error: messageOf(error),
        });
      }
    });
    await Promise.all(told);
  }

  /** Tells every broker who we are; failures are logged and tried again at the next beat. */
  async heartbeat(): Promise<void> {
    await this.greetings.beat();
  }

  /**
   * @internal The same at a start. Rejects with `AccessDeniedError` when no broker took it and one
   * of them refused for reasons of access: waiting would not help.
   */
  introduce(): Promise<void> {
    return this.greetings.introduce();
  }

  /** @internal Tells one broker; answers whether it took it. */
  greet(address: string): Promise<boolean> {
    return this.greetings.greet(address);
  }

  /** Closes connections and timers; members must be closed before. Harmless when repeated. */
  async close(): Promise<void> {
    if (this.state === 'closed') return;
    this.state = 'closed';
    for (const timer of this.timers) timer.cancel();
    this.ids.remove(this);
    this.greetings.close();
    this.addressServer?.close();
    await this.remoting.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  private claimId(kind: 'producer' | 'consumer', group: string): void {
    this.ids.check(this, kind, this.namespace?.wrap(group) ?? group);
    this.ids.add(this);
  }

  private refreshRoutes(): void {
    if (this.isRefreshing) return;
    this.isRefreshing = true;
    const all = this.meetsAll ? this.meetAllBrokers() : undefined;
    void Promise.all([this.routes.refreshAll(), all]).finally(() => (this.isRefreshing = false));
  }

  private fetchRoute(topic: string): Promise<TopicRouteData | undefined> {
    return this.askNameServers(`where topic '${topic}' is`, (address) =>
      this.calls.topicRoute(address, topic),
    );
  }

  /** Asks one name server after the other until one answers. */
  private async askNameServers<T>(what: string, ask: (address: string) => Promise<T>): Promise<T> {
    await this.addressServer?.ready();
    const failures: unknown[] = [];
    for (const address of this.nameServers.inOrder()) {
      try {
        const answer = await ask(address);
        this.nameServers.answered(address);
        return answer;
      } catch (error) {
        failures.push(error);
      }
    }
    const reasons = failures.map((failure) => {
      const isOther = isRefusal(failure, ResponseCode.REQUEST_CODE_NOT_SUPPORTED);
      return isOther ? `${messageOf(failure)}: that is no name server` : messageOf(failure);
    });
    throw new NameServerUnreachableError(
      `No name server could say ${what} (${reasons.join('; ')}); ` +
        "check the option 'nameServers' and that one of them runs.",
      {
        cause: failures.length === 1 ? failures[0] : new AggregateError(failures),
        details: { nameServers: this.nameServers.addresses },
      },
    );
  }
}

/** What every request says beside its own fields. */
function extraFields(settings: {
  readonly namespaceV2: string;
  readonly credentials: Credentials;
}): ReturnType<typeof requestFields> {
  const { namespaceV2 = '', credentials } = settings;
  const constants = namespaceV2 === '' ? {} : { nsd: 'true', ns: namespaceV2 };
  return requestFields({ constants, credentials });
}

function groupTaken(kind: 'producer' | 'consumer', group: string): ClientConfigurationError {
  return new ClientConfigurationError(
    `The ${kind} group '${group}' is in use in this client instance already; ` +
      'use one object per group, or give the second its own instance.',
    { details: { group } },
  );
}

/** Milliseconds of a duration option that is not part of a declared set. */
export function milliseconds(value: number | string | undefined, fallback: number): number {
  if (value === undefined) return fallback;
  const ms = parseDuration(value);
  if (ms !== undefined && ms >= 0) return ms;
  throw new ClientConfigurationError(
    `${JSON.stringify(value)} is no time span; write milliseconds or a text such as '10s'.`,
    { details: { value } },
  );
}

/** The logger of one member: its own when it was given one. What loggers throw goes nowhere. */
export function memberLogger(
  instance: ClientInstance,
  group: string,
  own: Logger | undefined,
): Logger {
  return (own === undefined ? instance.logger : forgivingLogger(own)).child(group);
}
