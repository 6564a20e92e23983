import { randomUUID } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  consoleLogger,
  nearestName,
  nodeFileSystem,
  systemClock,
  type Clock,
  type Logger,
} from '@nestjs-rocketmq/foundation';
import { deadLetterTopic } from '@nestjs-rocketmq/message';
import {
  ROCKETMQ_CLIENT_FACTORY,
  ROCKETMQ_OPTIONS,
  type ClientFactory,
  type Duration,
  type RocketMQModuleOptions,
} from 'nestjs-rocketmq';
import { MemoryFileSystem } from './disk/memory-file-system.js';
import { KitClients } from './kit-clients.js';
import { KitCluster } from './kit-cluster.js';
import type { TestKitOptions, Wanted } from './kit-options.js';
import { durationOf } from './network/fault-rules.js';
import { MemoryNetwork } from './network/memory-network.js';
import { TestFaults } from './network/test-faults.js';
import { Journal } from './records/journal.js';
import { select, type AskedName, type Search } from './records/select.js';
import type { ConsumedMessage, DeadLetter, SentMessage } from './records/test-message.js';
import { TestKitUsageError } from './testing.errors.js';
import { Activity } from './time/activity.js';
import { KitClock } from './time/kit-clock.js';
import { TimeKeeper } from './time/time-keeper.js';
import { UserCalls } from './time/user-calls.js';

/** What `redirect` needs of `Test.createTestingModule(...)`. */
export interface OverridableModule {
  overrideProvider(token: unknown): { useValue(value: unknown): unknown };
}

const optionNames = ['now', 'patience', 'broker', 'queues', 'converters', 'logger'];
const defaultConnection = 'default';

/**
 * A RocketMQ of its own for a test: broker, name server, network, disk and clock in memory. Several
 * may live at once, in one process or in many; nothing of them is left when they are closed.
 *
 * Time stands still unless the test lets it pass, or waits for something that takes time; then it
 * jumps from one due timer to the next, and a day takes no longer than what happens in it.
 *
 * @example
 * ```ts
 * const mq = await RocketMQTestKit.start();
 * const moduleRef = await mq
 *   .redirect(Test.createTestingModule({ imports: [AppModule] }))
 *   .compile();
 * const app = await moduleRef.createNestApplication().init();
 *
 * await app.get(Orders).place({ id: 1 });
 * const [paid] = await mq.consumed('payments', 1);
 * await mq.advance('1h');
 *
 * await app.close();
 * await mq.close();
 * ```
 */
export class RocketMQTestKit implements AsyncDisposable {
  /** What goes wrong on purpose. */
  readonly faults: TestFaults;
  /** The client factory that leads an application here; `redirect` puts it in place. */
  readonly clients: ClientFactory;
  private readonly activity = new Activity();
  private readonly calls = new UserCalls(this.activity);
  private readonly kitClock: KitClock;
  private readonly keeper: TimeKeeper;
  private readonly network: MemoryNetwork;
  private readonly disk: MemoryFileSystem;
  private readonly journal: Journal;
  private readonly clusters = new Map<string, KitCluster>();
  private readonly offsetDirectory = join(tmpdir(), `rocketmq-test-kit-${randomUUID()}`);
  private readonly logger: Logger;
  private closing: Promise<void> | undefined;

  private constructor(
    private readonly options: TestKitOptions,
    private readonly onLastClose: 'close' | 'stay',
  ) {
    checkNames(options);
    this.logger = options.logger ?? consoleLogger('rocketmq-test-kit', { level: 'error' });
    const start = options.now === undefined ? systemClock.now() : Number(options.now);
    const patience = durationOf("RocketMQTestKit 'patience'", options.patience ?? '5s');
    this.kitClock = new KitClock(start, this.activity, this.calls);
    const { kitClock: clock, activity, calls } = this;
    this.keeper = new TimeKeeper(clock, activity, calls, patience, this.logger);
    this.faults = new TestFaults(
      clock,
      () => [...this.clusters.values()],
      (isTroubled) => (clock.isTroubled = isTroubled),
    );
    this.network = new MemoryNetwork(activity, this.faults.gate);
    this.disk = new MemoryFileSystem(activity);
    this.journal = new Journal(() => clock.now(), options.converters ?? []);
    this.clients = new KitClients({
      clock,
      network: this.network,
      keeper: this.keeper,
      calls,
      journal: this.journal,
      faults: this.faults,
      cluster: (connection) => this.cluster(connection),
      offsetDirectory: this.offsetDirectory,
      closed: (left) => this.connectionClosed(left),
    });
  }

  /** Resolves when the broker takes messages. Throws `TestKitUsageError` for unknown options. */
  static async start(options: TestKitOptions = {}): Promise<RocketMQTestKit> {
    return RocketMQTestKit.open(options, 'stay');
  }

  /** @internal `close`: the kit belongs to an application, and goes with its last connection. */
  static async open(
    options: TestKitOptions,
    onLastClose: 'close' | 'stay',
  ): Promise<RocketMQTestKit> {
    const kit = new RocketMQTestKit(options, onLastClose);
    await kit.keeper.during(kit.cluster(defaultConnection).start());
    return kit;
  }

  /** The clock of broker, clients and module; for services of the application that take one. */
  get clock(): Clock {
    return this.kitClock;
  }

  /** What the clock shows. */
  get now(): Date {
    return new Date(this.kitClock.now());
  }

  /**
   * Leads the application's own `RocketMQModule.forRoot(...)` here, whatever addresses it names; every
   * named connection meets a cluster of its own. `options` replace those of the application, for
   * tests in which its own cannot be had.
   */
  redirect<B extends OverridableModule>(builder: B, options?: RocketMQModuleOptions): B {
    builder.overrideProvider(ROCKETMQ_CLIENT_FACTORY).useValue(this.clients);
    if (options !== undefined) {
      const reached = { nameServers: this.nameServers, ...options };
      builder.overrideProvider(ROCKETMQ_OPTIONS).useValue(reached);
    }
    return builder;
  }

  /** The address of the embedded name server; only clients of this kit reach it. */
  get nameServers(): string {
    return this.cluster(defaultConnection).nameServers;
  }

  /**
   * Lets time pass, with everything that is due in it: deliveries of delayed messages, retries, checks
   * of transactions. Resolves when all of that has happened, its handlers included.
   */
  async advance(time: Duration): Promise<void> {
    this.checkOpen('advance');
    await this.keeper.advance(durationOf('advance', time));
  }

  /** Resolves when nothing is left to do at this moment; no time passes. */
  async settle(): Promise<void> {
    this.checkOpen('settle');
    await this.keeper.rest();
  }

  /**
   * What the application sent and a broker took, in its order; of one topic, or of all. A
   * transactional message counts when it is committed. With a count: waits until there are so many, and
   * throws `TestDeadlineError` when there are not.
   */
  sent<T = unknown>(
    topic?: string,
    wanted?: number | Wanted<SentMessage<T>>,
  ): Promise<SentMessage<T>[]> {
    const { sent, topics } = this.journal;
    const name: AskedName | undefined =
      topic === undefined ? undefined : { kind: 'topic', asked: topic, known: topics };
    const of = (): SentMessage<T>[] =>
      sent.filter((one) => topic === undefined || one.topic === topic) as SentMessage<T>[];
    const what = topic === undefined ? 'sent messages' : `messages sent to '${topic}'`;
    return this.select({ what, of, changes: () => sent.length, name }, wanted);
  }

  /** What a group consumed with success. `deliveries` has the tries that failed as well. */
  consumed<T = unknown>(
    group: string,
    wanted?: number | Wanted<ConsumedMessage<T>>,
  ): Promise<ConsumedMessage<T>[]> {
    const { deliveries } = this.journal;
    const of = (): ConsumedMessage<T>[] =>
      this.deliveriesOf<T>(group).filter(({ outcome }) => outcome === 'success');
    const changes = (): number => deliveries.length;
    const name = this.group(group);
    return this.select({ what: `messages consumed by '${group}'`, of, changes, name }, wanted);
  }

  /** Every call of a group's handlers with a message, and what came of it. */
  deliveries<T = unknown>(
    group: string,
    wanted?: number | Wanted<ConsumedMessage<T>>,
  ): Promise<ConsumedMessage<T>[]> {
    const { deliveries } = this.journal;
    const of = (): ConsumedMessage<T>[] => this.deliveriesOf<T>(group);
    const changes = (): number => deliveries.length;
    const name = this.group(group);
    return this.select({ what: `deliveries to '${group}'`, of, changes, name }, wanted);
  }

  /** What lies in a group's dead letter topic, on every connection. */
  deadLetters<T = unknown>(
    group: string,
    wanted?: number | Wanted<DeadLetter<T>>,
  ): Promise<DeadLetter<T>[]> {
    const of = async (): Promise<DeadLetter<T>[]> => {
      const found: DeadLetter[] = [];
      for (const cluster of this.clusters.values()) {
        const stored = await this.keeper.during(cluster.messagesOf(deadLetterTopic(group)));
        found.push(...stored.map((one) => this.journal.deadLetter(group, cluster.name, one)));
      }
      return found as DeadLetter<T>[];
    };
    // A message is delivered before it becomes a dead letter.
    const changes = (): number => this.journal.deliveries.length;
    const name = this.group(group);
    return this.select({ what: `dead letters of '${group}'`, of, changes, name }, wanted);
  }

  /** Forgets what was sent and consumed; what the broker stores it keeps. */
  clear(): void {
    this.journal.clear();
  }

  /** Closes broker and network; the application is closed before. A second call does nothing. */
  close(): Promise<void> {
    this.closing ??= this.closeAll();
    return this.closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  private deliveriesOf<T>(group: string): ConsumedMessage<T>[] {
    return this.journal.deliveries.filter((one) => one.group === group) as ConsumedMessage<T>[];
  }

  private group(asked: string): AskedName {
    return { kind: 'group', asked, known: this.journal.groups };
  }

  private async select<T>(
    search: Omit<Search<T>, 'clock' | 'keeper'>,
    wanted: number | Wanted<T> | undefined,
  ): Promise<T[]> {
    this.checkOpen(search.what);
    return select({ clock: this.kitClock, keeper: this.keeper, ...search }, wanted);
  }

  private cluster(name: string): KitCluster {
    let cluster = this.clusters.get(name);
    if (cluster === undefined) {
      const at = 10_000 - 10 * (this.clusters.size + 1);
      const { kitClock: clock, network, disk, logger, options } = this;
      const { broker = {}, queues = 4 } = options;
      const parts = { clock, network, disk, logger, broker, queues };
      cluster = new KitCluster(name, { nameServer: at, broker: at + 5 }, parts);
      this.clusters.set(name, cluster);
    }
    return cluster;
  }

  private async connectionClosed(left: number): Promise<void> {
    if (left === 0 && this.onLastClose === 'close') await this.close();
  }

  private async closeAll(): Promise<void> {
    this.faults.heal();
    const closing = [...this.clusters.values()].map((cluster) => cluster.close());
    await this.keeper.during(Promise.all(closing));
    this.keeper.close();
    nodeFileSystem.remove(this.offsetDirectory);
  }

  private checkOpen(call: string): void {
    if (this.closing === undefined) return;
    throw new TestKitUsageError(
      `The testing kit is closed, so there are no ${call}; close it after the last expectation.`,
    );
  }
}

function checkNames(options: TestKitOptions): void {
  for (const name of Object.keys(options)) {
    if (optionNames.includes(name)) continue;
    const near = nearestName(name, optionNames);
    const hint =
      near === undefined ? `known are ${optionNames.join(', ')}` : `did you mean '${near}'?`;
    throw new TestKitUsageError(`RocketMQTestKit: '${name}' is not a known option; ${hint}`);
  }
}
