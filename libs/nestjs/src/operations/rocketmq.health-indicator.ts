import { Inject, Injectable } from '@nestjs/common';
import { DeadlineError, messageOf, withDeadline } from '@nestjs-rocketmq/foundation';
import { RocketMQSetupError } from '../nestjs.errors.js';
import { Problems, checkNames, readTable } from '../options/problems.js';
import { RocketMQConnections, type RocketMQConnection } from '../rocketmq.connections.js';
import { queueFacts, stuckQueues } from './consumer-facts.js';
import {
  healthOptions,
  type ConnectionHealth,
  type GroupHealth,
  type HealthOptions,
  type HealthResult,
  type OutboxHealth,
  type RocketMQHealth,
} from './health-types.js';
import type { WatchedConsumer } from './observed-client.js';
import { OutboxProbe } from './outbox-probe.js';

interface HealthValues {
  readonly connections: readonly string[] | undefined;
  readonly timeout: number;
  readonly maxLag: number | undefined;
  readonly maxPullAge: number;
  readonly requireRoutes: boolean;
  readonly outbox: boolean;
  readonly maxOutboxAge: number | undefined;
}

/**
 * How the connections, producers and consumer groups of this application are. `check` tells
 * everything; `readiness` and `liveness` give what Terminus wants, without Terminus being needed.
 *
 * @example
 * ```ts
 * @Get('ready')
 * @HealthCheck()
 * ready() {
 *   return this.health.check([() => this.rocketmq.readiness('rocketmq')]);
 * }
 * ```
 */
@Injectable()
export class RocketMQHealthIndicator {
  constructor(
    @Inject(RocketMQConnections) private readonly connections: RocketMQConnections,
    @Inject(OutboxProbe) private readonly probe: OutboxProbe,
  ) {}

  /**
   * Asks the servers, and looks at every group. Always resolves within `timeout`, save that it
   * rejects with `RocketMQSetupError` for options that are none.
   */
  async check(options: HealthOptions = {}): Promise<RocketMQHealth> {
    const values = this.read(options);
    const asked = this.wanted(values);
    const [outbox, ...all] = await Promise.all([
      this.outbox(values),
      ...asked.map(async (one) => [one.settings.name, await this.connection(one, values)] as const),
    ]);
    const connections = Object.fromEntries(all);
    const stuck = this.stuck(asked, values);
    const unsent = outbox?.problem === undefined ? [] : [`outbox: ${outbox.problem}`];
    const problems = [...problemsOf(connections), ...unsent, ...stuck];
    return {
      isReady: problems.length === 0,
      isAlive: stuck.length === 0,
      problems,
      connections,
      ...(outbox === undefined ? {} : { outbox }),
    };
  }

  /**
   * For the readiness probe: down while a server does not answer, a group is not running or lags
   * more than `maxLag`, the outbox's database does not answer or has a message older than
   * `maxOutboxAge`. A group that was paused is ready.
   */
  async readiness<const Key extends string>(
    key: Key,
    options: HealthOptions = {},
  ): Promise<HealthResult<Key>> {
    const { isReady, isAlive: _, problems, ...details } = await this.check(options);
    return result(key, isReady, problems, details);
  }

  /** The same as `readiness`, under the name that Terminus's own indicators have. */
  isHealthy<const Key extends string>(
    key: Key,
    options: HealthOptions = {},
  ): Promise<HealthResult<Key>> {
    return this.readiness(key, options);
  }

  /**
   * For the liveness probe: down only when a consumer is wedged, so that a restart would help.
   * Asks no server: one that is down is no reason to restart the application.
   */
  async liveness<const Key extends string>(
    key: Key,
    options: HealthOptions = {},
  ): Promise<HealthResult<Key>> {
    const values = this.read(options);
    const stuck = this.stuck(this.wanted(values), values);
    return result(key, stuck.length === 0, stuck, {});
  }

  private read(options: HealthOptions): HealthValues {
    const problems = new Problems();
    checkNames('RocketMQHealthIndicator', options, healthOptions.names, problems);
    const given = { ...options };
    const values = readTable('RocketMQHealthIndicator', healthOptions, given, problems);
    const { connections } = values as HealthValues;
    for (const name of connections ?? []) {
      if (this.connections.get(name) !== undefined) continue;
      const sentence = this.connections.unknownName('RocketMQHealthIndicator', name);
      problems.add('ROCKETMQ_CONNECTION_UNKNOWN', sentence);
    }
    if (problems.list.length > 0) throw new RocketMQSetupError(problems.list);
    return values as HealthValues;
  }

  private wanted({ connections }: HealthValues): RocketMQConnection[] {
    const { all } = this.connections;
    return all.filter(({ settings }) => connections?.includes(settings.name) ?? true);
  }

  private async connection(
    connection: RocketMQConnection,
    values: HealthValues,
  ): Promise<ConnectionHealth> {
    const { settings, consumers } = connection;
    const { brokers, problem } = await this.brokersOf(connection, values.timeout);
    const groups = [...consumers].map(
      (one) => [one.group, this.group(connection, one, values)] as const,
    );
    return {
      status: problem === undefined ? 'up' : 'down',
      ...(problem === undefined ? {} : { problem }),
      brokers,
      producers: this.connections.producersOf(settings.name),
      groups: Object.fromEntries(groups),
    };
  }

  private async brokersOf(
    { client }: RocketMQConnection,
    timeout: number,
  ): Promise<{ brokers: Record<string, boolean>; problem?: string }> {
    const { clock } = this.connections.settings;
    const look = async (): Promise<Record<string, boolean>> => {
      const known = (await client.brokers?.()) ?? [];
      const reached = known.map(
        async ({ name, address }) => [name, (await client.reaches?.(address)) ?? true] as const,
      );
      return Object.fromEntries(await Promise.all(reached));
    };
    try {
      const late = () => new DeadlineError(`the servers did not answer within ${timeout} ms`);
      const brokers = await withDeadline(clock, timeout, look, late);
      const isKnown = client.brokers !== undefined;
      if (!isKnown || Object.values(brokers).includes(true)) return { brokers };
      const names = Object.keys(brokers).join(', ');
      const problem =
        names === '' ? 'its name servers know no broker' : `no broker can be reached (${names})`;
      return { brokers, problem };
    } catch (error) {
      return { brokers: {}, problem: messageOf(error) };
    }
  }

  private group(
    { client }: RocketMQConnection,
    consumer: WatchedConsumer,
    { maxLag, requireRoutes }: HealthValues,
  ): GroupHealth {
    const status = consumer.status();
    const isKnown = status !== undefined;
    const facts = isKnown ? queueFacts(status, this.connections.settings.clock.now()) : undefined;
    const routes = Object.fromEntries(
      consumer.topics.map((topic) => [
        topic,
        client.routeOf === undefined || client.routeOf(topic) !== undefined,
      ]),
    );
    const lost = consumer.topics.filter((topic) => routes[topic] === false);
    const lag = facts?.lag;
    const problem =
      (isKnown && !status.isRunning ? 'its consumer does not run' : undefined) ??
      (requireRoutes && lost.length > 0 ? `no route is known to ${lost.join(', ')}` : undefined) ??
      (maxLag !== undefined && lag !== undefined && lag > maxLag
        ? `${lag} messages wait, and maxLag is ${maxLag}`
        : undefined);
    return {
      status: problem === undefined ? 'up' : 'down',
      ...(problem === undefined ? {} : { problem }),
      isPaused: status?.isPaused ?? false,
      routes,
      assignedQueues: facts?.assignedQueues ?? 0,
      lag: lag ?? -1,
      held: facts?.held ?? 0,
      lastPullAge: facts?.lastPullAge ?? -1,
    };
  }

  private async outbox({ outbox, timeout, maxOutboxAge }: HealthValues) {
    if (!outbox || !this.probe.isThere) return undefined;
    const told = (lag: Omit<OutboxHealth, 'status' | 'problem'>, problem?: string): OutboxHealth =>
      problem === undefined ? { status: 'up', ...lag } : { status: 'down', problem, ...lag };
    try {
      const { waiting, poisoned, oldestAgeMs: oldestAge = -1 } = await this.probe.lag(timeout);
      const isOld = maxOutboxAge !== undefined && oldestAge > maxOutboxAge;
      const late = `a message waits for ${oldestAge} ms, and maxOutboxAge is ${maxOutboxAge} ms`;
      return told({ waiting, poisoned, oldestAge }, isOld ? late : undefined);
    } catch (error) {
      return told({ waiting: -1, poisoned: -1, oldestAge: -1 }, messageOf(error));
    }
  }

  /** While a server is known to be gone, what is not pulled says nothing about this process. */
  private stuck(asked: readonly RocketMQConnection[], { maxPullAge }: HealthValues): string[] {
    const now = this.connections.settings.clock.now();
    return asked
      .filter((connection) => connection.problem === undefined)
      .flatMap((connection) =>
        [...connection.consumers].flatMap((consumer) => {
          const status = consumer.status();
          const count = status === undefined ? 0 : stuckQueues(status, now, maxPullAge);
          if (count === 0) return [];
          return [
            `group '${consumer.group}' (connection '${connection.settings.name}') has not pulled ` +
              `${count} of its queues for more than ${maxPullAge} ms`,
          ];
        }),
      );
  }
}

function problemsOf(connections: Readonly<Record<string, ConnectionHealth>>): string[] {
  return Object.entries(connections).flatMap(([name, { problem, groups }]) => [
    ...(problem === undefined ? [] : [`connection '${name}': ${problem}`]),
    ...Object.entries(groups).flatMap(([group, health]) =>
      health.problem === undefined ? [] : [`group '${group}' (${name}): ${health.problem}`],
    ),
  ]);
}

function result<Key extends string>(
  key: Key,
  isUp: boolean,
  problems: readonly string[],
  details: Record<string, unknown>,
): HealthResult<Key> {
  const told = problems.length === 0 ? {} : { message: problems.join('; ') };
  const value = { status: isUp ? 'up' : 'down', ...told, ...details } as const;
  return { [key]: value } as HealthResult<Key>;
}
