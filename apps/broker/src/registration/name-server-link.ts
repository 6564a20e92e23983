import { type Logger, messageOf } from '@nestjs-rocketmq/foundation';
import {
  BrokerHeartbeat,
  QueryDataVersion,
  registerBodyCrc,
  RegisterBroker,
  RegisterTopicInNamesrv,
  ResponseCode,
  ResponseError,
  UnregisterBroker,
} from '@nestjs-rocketmq/protocol';
import type { RemotingClient } from '@nestjs-rocketmq/remoting';
import type { TopicTable } from '../topics/topic-table.js';
import type { RegistrationBodies } from './registration-bodies.js';
import type { RegistrationSettings } from './registration.options.js';

export interface LinkParts {
  readonly client: RemotingClient;
  readonly topics: TopicTable;
  readonly bodies: RegistrationBodies;
  readonly settings: RegistrationSettings;
  readonly identity: {
    readonly brokerName: string;
    readonly clusterName: string;
    /** `host:port` under which clients reach this broker. */
    readonly brokerAddr: string;
    readonly haServerAddr: string;
  };
  readonly logger: Logger;
  /** A name server names the topics whose order its operators configured. */
  readonly onOrderTopics: (topics: readonly string[]) => void;
}

/** `changes`: topics that may be told alone; `check`: all, unless it knows them; `all`: all. */
export type Wanted = 'changes' | 'check' | 'all';
const weights: Record<Wanted, number> = { changes: 0, check: 1, all: 2 };

const masterId = 0;
const singleTopicMillis = 3000;
/** How long a stopping broker waits for a name server to take its farewell. */
const farewellMillis = 3000;
/** So many changed topics at once are told with all others. */
const mostSingles = 100;

/**
 * One name server as this broker knows it. One thing is told at a time; what is wanted meanwhile
 * goes out together with the next. Nothing here rejects: a name server that does not answer is
 * logged once and told again later.
 */
export class NameServerLink {
  private registered: boolean | undefined;
  private running: Promise<void> = Promise.resolve();
  private next: Promise<void> | undefined;
  private wanted: Wanted = 'changes';
  private changed = new Set<string>();
  /** Name servers before 5.0 do not take a single topic. */
  private takesSingles = true;
  private isClosed = false;

  constructor(
    readonly address: string,
    private readonly parts: LinkParts,
  ) {}

  /** Undefined until it was tried. */
  get isRegistered(): boolean | undefined {
    return this.registered;
  }

  /** Resolves when it was told, or did not answer. */
  tell(wanted: Wanted, changed: Iterable<string> = []): Promise<void> {
    if (weights[wanted] > weights[this.wanted]) this.wanted = wanted;
    for (const topic of changed) this.changed.add(topic);
    this.next ??= this.running.then(() => {
      const todo = this.wanted;
      const topics = this.changed;
      this.next = undefined;
      this.wanted = 'changes';
      this.changed = new Set();
      this.running = this.carryOut(todo, topics);
      return this.running;
    });
    return this.next;
  }

  /** The connection has gone, and with it what the name server knew. */
  lost(): void {
    if (this.registered === true) this.registered = false;
  }

  /** A sign of life between registrations; a name server that forgot this broker is told all. */
  async beat(): Promise<void> {
    if (this.isClosed || this.registered !== true) return;
    const { client, settings, identity } = this.parts;
    try {
      if (settings.compatibleWithOldNameSrv) {
        if (await this.isOutdated(settings.sendHeartbeatTimeoutMillis)) await this.tell('all');
      } else {
        const { brokerName, brokerAddr, clusterName } = identity;
        const asked = { brokerName, brokerAddr, clusterName, brokerId: masterId };
        await client.notify(this.address, BrokerHeartbeat, asked);
      }
    } catch (error) {
      this.failed(error);
    }
  }

  /** Nothing is told any more; what is under way comes to its end. */
  close(): void {
    this.isClosed = true;
  }

  async sayGoodbye(): Promise<void> {
    if (this.registered !== true) return;
    const { client, logger } = this.parts;
    try {
      const options = { timeoutMs: farewellMillis };
      await client.invoke(this.address, UnregisterBroker, this.broker(), options);
    } catch (error) {
      const { address } = this;
      logger.warn('a name server did not take the farewell', { address, error: messageOf(error) });
    }
  }

  private async carryOut(wanted: Wanted, changed: ReadonlySet<string>): Promise<void> {
    if (this.isClosed) return;
    try {
      if (await this.areEnough(wanted, changed)) return;
      for (const body of this.parts.bodies.all()) await this.registerWith(body);
      if (this.registered !== true) {
        this.parts.logger.info('registered with a name server', { address: this.address });
      }
      this.registered = true;
    } catch (error) {
      this.failed(error);
    }
  }

  /** Tells single topics, or asks, where that will do; false when all must be told. */
  private async areEnough(wanted: Wanted, changed: ReadonlySet<string>): Promise<boolean> {
    if (wanted === 'all' || this.registered !== true) return false;
    if (wanted === 'check' && (await this.needsAll())) return false;
    if (changed.size === 0) return true;
    if (!this.takesSingles || changed.size > mostSingles) return false;
    for (const topic of changed) {
      if (!(await this.tellSingle(topic))) return false;
    }
    return true;
  }

  private async tellSingle(topic: string): Promise<boolean> {
    const body = this.parts.bodies.single(topic);
    if (body === undefined) return true;
    try {
      const options = { body, timeoutMs: singleTopicMillis };
      await this.parts.client.invoke(this.address, RegisterTopicInNamesrv, { topic }, options);
      return true;
    } catch (error) {
      if (!isUnknownRequest(error)) throw error;
      this.takesSingles = false;
      return false;
    }
  }

  /** A name server that cannot say is told all. */
  private async needsAll(): Promise<boolean> {
    try {
      return await this.isOutdated(this.parts.settings.registerBrokerTimeoutMills);
    } catch (error) {
      if (isUnknownRequest(error)) return true;
      throw error;
    }
  }

  private async isOutdated(timeoutMs: number): Promise<boolean> {
    const { client, topics } = this.parts;
    const options = { body: topics.version.toJSON(), timeoutMs };
    const answer = await client.invoke(this.address, QueryDataVersion, this.broker(), options);
    return answer.header.changed;
  }

  private async registerWith(body: Uint8Array): Promise<void> {
    const { client, identity, settings, onOrderTopics } = this.parts;
    const beats = settings.enableSlaveActingMaster;
    const asked = {
      ...identity,
      brokerId: masterId,
      compressed: settings.compressedRegister,
      bodyCrc32: registerBodyCrc(body),
      enableActingMaster: beats,
      ...(beats ? { heartbeatTimeoutMillis: settings.brokerNotActiveTimeoutMillis } : {}),
    };
    const timeoutMs = settings.registerBrokerTimeoutMills;
    const answer = await client.invoke(this.address, RegisterBroker, asked, { body, timeoutMs });
    if (answer.body !== undefined) onOrderTopics(Object.keys(answer.body.table));
  }

  private broker() {
    const { brokerName, brokerAddr, clusterName } = this.parts.identity;
    return { brokerName, brokerAddr, clusterName, brokerId: masterId };
  }

  private failed(error: unknown): void {
    const before = this.registered;
    this.registered = false;
    if (before === false || this.isClosed) return;
    this.parts.logger.warn('a name server does not take the registration; trying on', {
      address: this.address,
      error: messageOf(error),
    });
  }
}

function isUnknownRequest(error: unknown): boolean {
  return (
    error instanceof ResponseError && error.responseCode === ResponseCode.REQUEST_CODE_NOT_SUPPORTED
  );
}
