import { SeededRandom } from '@nestjs-rocketmq/foundation/testing';
import { eventually } from '../support/eventually.js';
import { Audit } from './audit.js';
import { brokerNames, type Cluster } from './cluster.js';
import { RelayNetwork } from './fault-relay.js';
import { History } from './history.js';
import { Load, type LoadOptions } from './load.js';
import type { MemberProcess } from './member-process.js';
import { TestClock } from './test-clock.js';

/** Deadlines of the gate; `--strict` measures instead with those of the invariant I11. */
const patienceMs = 60_000;
const firstSendMs = 3_000;
const allConsumedMs = 30_000;
/** So many are acknowledged before anything breaks, and after everything is mended. */
const leastAcknowledged = 400;
/** What a caller hears whose attempts were all cut off. */
const eachAttemptCut =
  /could not be sent in 3 attempts; the last one failed: The connection .* was lost/;

export interface Scenario {
  readonly name: string;
  readonly load?: Partial<
    Pick<LoadOptions, 'free' | 'lanes' | 'troubles' | 'producer' | 'consumer'>
  >;
  /** A send that leaves the queue to the client must not fail. */
  readonly failsNoSend: boolean;
  /** In full, connections are cut so often that a send may lose each of its attempts: that may fail. */
  readonly cutsThousands?: boolean;
  /** Clients reach the brokers through relays. */
  readonly throughRelays?: boolean;
  /** Breaks something under load and mends it. */
  run(stage: Stage): Promise<void>;
}

export interface StageOptions {
  readonly cluster: Cluster;
  readonly seed: number;
  /** Full lengths instead of those of the gate. */
  readonly isFull: boolean;
  /** Liveness within the times of the invariant. */
  readonly isStrict: boolean;
}

/** One scenario: servers, clients under load, and what is known about them. */
export class Stage {
  readonly cluster: Cluster;
  readonly network = new RelayNetwork();
  readonly clock = new TestClock();
  readonly random: SeededRandom;
  readonly topic: string;
  readonly history: History;
  readonly load: Load;
  readonly audit: Audit;
  /** What the scenario has to tell besides. */
  readonly notes: string[] = [];
  /** Members in processes of their own. */
  readonly processes: MemberProcess[] = [];
  private isGathering = false;

  constructor(
    private readonly scenario: Scenario,
    readonly options: StageOptions,
  ) {
    this.cluster = options.cluster;
    this.random = new SeededRandom(options.seed);
    this.topic = scenario.name.replaceAll(/[^a-z]+/g, '-');
    this.history = new History([`${this.topic}-orderly`], () => this.gather());
    this.load = new Load({
      topic: this.topic,
      seed: options.seed,
      cluster: options.cluster,
      network: this.network,
      clock: this.clock,
      history: this.history,
      free: 32,
      lanes: 8,
      troubles: 0,
      ...scenario.load,
    });
    this.audit = new Audit(options.cluster, this.history, this.topic);
  }

  /** Milliseconds: short in the gate, and as the acceptance asks. */
  span(short: number, full: number): number {
    return this.options.isFull ? full : short;
  }

  sleep(ms: number): Promise<void> {
    return new Promise((done) => setTimeout(done, ms));
  }

  /** Something is broken while `work` runs. */
  async broken(
    what: string,
    work: () => Promise<void>,
    { keepsOffsets = false } = {},
  ): Promise<void> {
    this.history.append({ kind: 'fault', what, keepsOffsets });
    await work();
    this.history.append({ kind: 'healed', what });
  }

  /** Waits for further acknowledged messages. */
  async acknowledged(count: number): Promise<void> {
    const { counts } = this.history;
    const wanted = counts.acknowledged + count;
    const look = (): true | undefined => (counts.acknowledged >= wanted ? true : undefined);
    // Machines are slow: a hundred a second will do.
    const withinMs = Math.max(patienceMs, count * 10);
    await eventually(`${count} more acknowledged messages`, withinMs, look);
  }

  /** Plays the scenario; the violations are in the history. */
  async play(): Promise<string> {
    const { history, load, audit } = this;
    await this.cluster.topic(this.topic);
    if (this.scenario.throughRelays === true) {
      for (const name of brokerNames) await this.network.before(this.cluster.address(name));
    }
    try {
      await load.open();
      audit.watchOffsets([load.concurrentGroup, load.orderlyGroup]);
      await this.acknowledged(leastAcknowledged);
      await this.scenario.run(this);
      const firstMs = await this.firstSend();
      await this.acknowledged(leastAcknowledged);
      await load.stopSending();
      const consumedMs = await this.allConsumed();
      await audit.deadLetters(load.concurrentGroup, patienceMs);
      await audit.logs();
      const { acknowledged, repeated, unknown, failed, commits, backs } = history.counts;
      return (
        `${acknowledged} acknowledged, ${failed} refused, ${unknown} unknown, ` +
        `${load.failures.length} failed at free senders, ${repeated} repeated, ` +
        `${commits} commits seen, ${backs} went back, ` +
        `first send ${firstMs} ms, all consumed ${consumedMs} ms` +
        this.notes.map((note) => `; ${note}`).join('')
      );
    } finally {
      await this.end();
    }
  }

  /** Brings in what other processes handled. */
  private gather(): void {
    // What is brought in is judged at once, which must not bring in what comes behind it.
    if (this.isGathering) return;
    this.isGathering = true;
    for (const one of this.processes) one.gather();
    this.isGathering = false;
  }

  /** I11: after the last fault somebody's send succeeds soon. */
  private async firstSend(): Promise<number> {
    const { history } = this;
    if (history.isCalm) return 0;
    const look = (): number | undefined => history.firstAnswerMs;
    const ms = Math.round(await eventually('a send that succeeds', patienceMs, look));
    if (this.options.isStrict && ms > firstSendMs) {
      history.violation('I11', `the first send succeeded after ${ms} ms`);
    }
    return ms;
  }

  /** I11: everything acknowledged reaches both groups. */
  private async allConsumed(): Promise<number> {
    const { history, load } = this;
    const since = performance.now();
    const groups = [load.concurrentGroup, load.orderlyGroup];
    const isDone = (): true | undefined => {
      this.gather();
      return groups.some((group) => history.isMissing(group)) ? undefined : true;
    };
    await eventually('everything consumed', patienceMs, isDone).catch(() => {
      for (const group of groups) {
        const [first, ...others] = history.missing(group);
        if (first === undefined) continue;
        history.violation('I11', `${group} misses ${1 + others.length}, the first is ${first}`);
        for (const line of history.about(first)) history.violation('I11', line);
      }
    });
    const ms = Math.round(performance.now() - since);
    if (this.options.isStrict && ms > allConsumedMs) {
      history.violation('I11', `everything was consumed after ${ms} ms`);
    }
    return ms;
  }

  /** Where connections are cut thousands of times, one send may lose each of its attempts to a cut. */
  private isExcused(failure: string): boolean {
    return (
      this.options.isFull && this.scenario.cutsThousands === true && eachAttemptCut.test(failure)
    );
  }

  /** Closes everything; afterwards no timer of the clients is left. */
  private async end(): Promise<void> {
    const { history, load, clock } = this;
    await this.audit.stop();
    for (const one of this.processes) {
      await one.kill();
      one.forget();
    }
    const unexcused = load.failures.filter((failure) => !this.isExcused(failure));
    if (this.scenario.failsNoSend && unexcused.length > 0) {
      history.violation('sends', `${unexcused.length} failed, the first: ${unexcused[0]}`);
    }
    await load.close();
    const look = (): true | undefined => (clock.waiting === 0 ? true : undefined);
    await eventually('no timer is left', patienceMs, look).catch(() =>
      history.violation('I11', `${clock.waiting} timers are left after everything was closed`),
    );
    const open = [...this.network.relays.values()].flatMap((relay) => relay.open);
    const left = open.filter(({ client }) => !client.destroyed && !client.readableEnded);
    if (left.length > 0 && this.scenario.name !== 'half-open sockets') {
      await eventually('no connection is left', patienceMs, () =>
        left.every(({ client }) => client.destroyed) ? true : undefined,
      ).catch(() => history.violation('I11', `${left.length} connections are left`));
    }
    await this.network.close();
  }
}
