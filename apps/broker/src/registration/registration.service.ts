import {
  type Clock,
  Deferred,
  type Logger,
  messageOf,
  type Timer,
} from '@nestjs-rocketmq/foundation';
import {
  encodeRegisterBrokerBody,
  registerBodyCrc,
  RegisterBroker,
  UnregisterBroker,
} from '@nestjs-rocketmq/protocol';
import type { RemotingClient } from '@nestjs-rocketmq/remoting';
import type { TopicTable } from '../topics/topic-table.js';

export interface RegistrationParts {
  readonly client: RemotingClient;
  readonly topics: TopicTable;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly identity: {
    readonly brokerName: string;
    readonly clusterName: string;
    /** `host:port` under which clients reach this broker. */
    readonly brokerAddr: string;
    readonly haServerAddr: string;
  };
  readonly nameServers: readonly string[];
  readonly periodMillis: number;
  readonly timeoutMillis: number;
}

/** Whoever changed a topic waits no longer for name servers to know. */
const longestTellMillis = 3000;
/** How long a stopping broker waits for a name server to take its farewell. */
const farewellMillis = 3000;
const masterId = 0;

/**
 * Tells every name server that this broker lives and what topics it has: at the start, every
 * `registerNameServerPeriod`, whenever the topic table changes; and that it goes, at the end. A name
 * server that does not answer gets the next one.
 */
export class RegistrationService {
  private readonly reachable = new Map<string, boolean>();
  private periodic: Timer | undefined;
  private running: Promise<void> = Promise.resolve();
  /** The registration that will carry the changes of now. */
  private next: Promise<void> | undefined;
  private isClosed = false;

  constructor(private readonly parts: RegistrationParts) {}

  /** Resolves when every name server was told once, or did not answer. */
  async open(): Promise<void> {
    const { clock, periodMillis, topics } = this.parts;
    topics.onChange(() => this.announce());
    this.periodic = clock.every(periodMillis, () => void this.register());
    await this.register();
  }

  async close(): Promise<void> {
    this.isClosed = true;
    this.periodic?.cancel();
    const { client, nameServers, identity, logger } = this.parts;
    const { brokerName, brokerAddr, clusterName } = identity;
    const asked = { brokerName, brokerAddr, clusterName, brokerId: masterId };
    await Promise.all(
      nameServers.map(async (address) => {
        if (this.reachable.get(address) === false) return;
        try {
          await client.invoke(address, UnregisterBroker, asked, { timeoutMs: farewellMillis });
        } catch (error) {
          logger.warn('a name server did not take the farewell', {
            address,
            error: messageOf(error),
          });
        }
      }),
    );
  }

  /**
   * Tells the name servers of changes. Resolves when they know, as far as they answer, so that an
   * operator who created a topic can be told when its route is there.
   */
  private async announce(): Promise<void> {
    if (this.isClosed) return;
    const late = new Deferred<void>();
    const timer = this.parts.clock.after(longestTellMillis, () => late.resolve());
    await Promise.race([this.register(), late.promise]);
    timer.cancel();
  }

  /** One registration at a time; changes that come meanwhile go out together with the next. */
  private register(): Promise<void> {
    this.next ??= this.running.then(() => {
      this.next = undefined;
      this.running = this.registerEverywhere();
      return this.running;
    });
    return this.next;
  }

  private async registerEverywhere(): Promise<void> {
    if (this.isClosed) return;
    const { topics, nameServers } = this.parts;
    const body = encodeRegisterBrokerBody({
      filterServerList: [],
      topicConfigSerializeWrapper: {
        dataVersion: topics.version.toJSON(),
        topicConfigTable: topics.configs(),
      },
    });
    await Promise.all(nameServers.map((address) => this.registerAt(address, body)));
  }

  private async registerAt(address: string, body: Uint8Array): Promise<void> {
    const { client, identity, timeoutMillis, logger } = this.parts;
    const before = this.reachable.get(address);
    const asked = {
      ...identity,
      brokerId: masterId,
      compressed: false,
      bodyCrc32: registerBodyCrc(body),
      enableActingMaster: false,
    };
    try {
      await client.invoke(address, RegisterBroker, asked, { body, timeoutMs: timeoutMillis });
      this.reachable.set(address, true);
      if (before !== true) logger.info('registered with a name server', { address });
    } catch (error) {
      this.reachable.set(address, false);
      if (before === false || this.isClosed) return;
      logger.warn('a name server does not take the registration; trying on', {
        address,
        error: messageOf(error),
      });
    }
  }
}
