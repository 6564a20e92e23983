import { messageOf, type Clock, type Logger, type Timer } from '@nestjs-rocketmq/foundation';
import type { ClientPort } from '../client-port.js';
import { RocketMQConnectionError } from '../nestjs.errors.js';
import type { StartupValues } from '../options/module-settings.js';
import type { RocketMQEvents } from './rocketmq-events.js';

/** How long between two looks while the application waits to start. */
const startInterval = 500;
/** A server that went is looked for after this time, so that one restart is one sentence. */
const settleTime = 300;
const firstRetry = 1_000;
const longestRetry = 30_000;

/** What a watch is about. */
export interface WatchedConnection {
  readonly name: string;
  /** The addresses, for sentences. */
  readonly servers: string;
  readonly startup: StartupValues;
  readonly client: ClientPort;
  readonly clock: Clock;
  readonly events: RocketMQEvents;
  readonly logger: Logger;
}

/**
 * Knows whether the servers of a connection can be used: a name server answers, and a broker that
 * it knows takes a connection. Says so once when they cannot, goes on looking in the background,
 * and says so when they can again.
 */
export class ConnectionWatch {
  private lostAt: number | undefined;
  private reason = '';
  private timer: Timer | undefined;
  private isClosed = false;
  private isLooking = false;
  private hasLooked = false;

  constructor(private readonly watched: WatchedConnection) {}

  /** Why the servers cannot be used now; undefined while they can, as far as is known. */
  get problem(): string | undefined {
    return this.lostAt === undefined ? undefined : this.reason;
  }

  /** It is said already, or about to be if it is so, that the servers are not there. */
  get isExpected(): boolean {
    return this.lostAt !== undefined || this.isClosed || !this.hasLooked;
  }

  /**
   * Waits for the servers as `startup` says. Rejects with `RocketMQConnectionError` when they do
   * not come in time and `startup.failFast` is set.
   */
  async begin(): Promise<void> {
    const { startup, client } = this.watched;
    if (client.brokers === undefined) {
      this.hasLooked = true;
      return;
    }
    client.onConnectionClosed?.(() => this.lookSoon());
    if (startup.wait || startup.failFast) await this.waitForServers();
    else this.inBackground(0);
  }

  close(): void {
    this.isClosed = true;
    this.timer?.cancel();
  }

  /** What is wrong with the servers right now; undefined: nothing. Never rejects. */
  async look(): Promise<string | undefined> {
    const { client } = this.watched;
    try {
      const brokers = (await client.brokers?.()) ?? [];
      if (brokers.length === 0) return 'its name servers know no broker';
      for (const { address } of brokers) {
        if ((await client.reaches?.(address)) !== false) return undefined;
      }
      const all = brokers.map(({ name, address }) => `${name} at ${address}`).join(', ');
      return `no broker takes a connection (${all})`;
    } catch (error) {
      return messageOf(error);
    }
  }

  private async waitForServers(): Promise<void> {
    const { clock, startup, name, servers } = this.watched;
    const began = clock.monotonic();
    for (;;) {
      const problem = await this.look();
      if (problem === undefined) return void (this.hasLooked = true);
      if (clock.monotonic() - began + startInterval > startup.timeout) {
        if (!startup.failFast) return this.lose(problem, 'start');
        throw new RocketMQConnectionError(
          `Connection '${name}' (${servers}) could not be used within ${startup.timeout} ms, and ` +
            `startup.failFast wants no start then: ${problem}`,
          { details: { connection: name, servers } },
        );
      }
      await clock.sleep(startInterval);
    }
  }

  private lookSoon(): void {
    if (this.lostAt === undefined && this.timer === undefined) this.inBackground(settleTime);
  }

  private inBackground(after: number, retry = firstRetry): void {
    if (this.isClosed) return;
    this.timer = this.watched.clock.after(after, () => {
      this.timer = undefined;
      if (this.isClosed || this.isLooking) return;
      this.isLooking = true;
      void this.look().then((problem) => {
        this.isLooking = false;
        this.hasLooked = true;
        if (this.isClosed) return;
        if (problem === undefined) this.regain();
        else if (this.lostAt === undefined) this.lose(problem, 'run');
        else this.inBackground(retry, Math.min(retry * 2, longestRetry));
      });
    });
  }

  private lose(problem: string, when: 'start' | 'run'): void {
    const { clock, events, logger, name, servers } = this.watched;
    this.lostAt = clock.now();
    this.hasLooked = true;
    this.reason = problem;
    const remedy =
      when === 'start'
        ? 'The application starts all the same and goes on trying (startup: { failFast: true } ' +
          'refuses to start instead).'
        : 'It goes on trying.';
    logger.warn(`Connection '${name}' (${servers}) cannot be used: ${problem} ${remedy}`);
    events.emit('connection-lost', { connection: name, at: this.lostAt, reason: problem });
    this.inBackground(firstRetry, firstRetry * 2);
  }

  private regain(): void {
    const { clock, events, logger, name } = this.watched;
    if (this.lostAt === undefined) return;
    const lostFor = clock.now() - this.lostAt;
    this.lostAt = undefined;
    logger.info(`Connection '${name}' can be used again, after ${lostFor} ms.`);
    events.emit('connection-regained', { connection: name, at: clock.now(), lostFor });
  }
}
