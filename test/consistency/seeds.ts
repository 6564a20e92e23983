import type { INestApplicationContext } from '@nestjs/common';
import { ModuleRef, NestFactory } from '@nestjs/core';
import { SeededRandom } from '@nestjs-rocketmq/foundation/testing';
import type { TransactionContext, TransactionVerdict } from 'nestjs-rocketmq';
import {
  OutboxRelay,
  OutboxService,
  pgStorage,
  TransactionFence,
  type PgPoolLike,
} from 'nestjs-rocketmq/consistency';
import { MemoryCluster } from 'sample-order-service/testing';
import { audit, bankTables, BankModule, Steps, Topics, Transfers } from './bank.js';
import { FaultyPool } from './faulty-pool.js';
import { onCluster } from './on-cluster.js';

/** Longer ago than any deadline. */
const OLD = 3_600_000;
const TRANSFERS = 6;
const ACCOUNTS = ['ada', 'bob'];

type Query = (sql: string) => Promise<readonly Record<string, unknown>[]>;

/** What a check-back said that came while the local transaction ran. */
interface Answer {
  readonly transactionId: string;
  readonly answer: Promise<TransactionVerdict | undefined>;
}

class StepFailed extends Error {}

/** Statements on a connection that does not break. */
export function queryOf(pool: PgPoolLike): Query {
  return async (sql) => {
    const client = await pool.connect();
    try {
      return (await client.query(sql)).rows as readonly Record<string, unknown>[];
    } finally {
      client.release();
    }
  };
}

/** What went wrong on purpose, for the last line. */
export interface SeedCounts {
  statements: number;
  steps: number;
  refused: number;
  lostVerdicts: number;
  races: number;
  relaysKilled: number;
}

/** The bank on a broker in memory and a database whose connections break; one seed after another. */
export class SeedStage {
  readonly counts: SeedCounts = {
    statements: 0,
    steps: 0,
    refused: 0,
    lostVerdicts: 0,
    races: 0,
    relaysKilled: 0,
  };
  private random = new SeededRandom(1);
  private isCalm = true;
  private wrong: string[] = [];
  /** Steps of each account in the order in which the broker took them for the first time. */
  private readonly arrived = new Map<string, string[]>();

  private answers: Answer[] = [];

  private constructor(
    private readonly app: INestApplicationContext,
    private readonly cluster: MemoryCluster,
    pool: FaultyPool,
    private readonly relays: readonly OutboxRelay[],
    private readonly query: Query,
  ) {
    pool.breaks = () => this.happens(2, 'statements');
    app.get(Steps).reached = (step, context) => this.stepReached(step, context);
    cluster.faults = {
      losesVerdict: () => this.happens(15, 'lostVerdicts'),
      refusesSend: ({ topic, body }) => {
        if (this.happens(10, 'refused')) return true;
        if (topic === Topics.credited) this.noteArrival(new TextDecoder().decode(body));
        return false;
      },
      deliversTwice: () => !this.isCalm && this.random.below(100) < 20,
      next: (waiting) => this.random.below(waiting),
    };
  }

  static async open(real: PgPoolLike): Promise<SeedStage> {
    const query = queryOf(real);
    for (const statement of bankTables) await query(statement);
    const cluster = new MemoryCluster();
    const pool = new FaultyPool(real);
    const module = BankModule.with(
      { nameServers: 'memory:9876', producer: { group: 'bank' } },
      {
        storage: pgStorage(pool),
        migrate: true,
        localDeadline: '1m',
        // rounds are made by the seed; two failures in a row are no reason to give a message up
        outbox: { relay: false, retryDelay: 0, maxAttempts: 1_000_000, keys: 3, perKey: 2 },
      },
    );
    const app = await NestFactory.createApplicationContext(onCluster(module, cluster), {
      logger: false,
      abortOnError: false,
    });
    const second = await app.get(ModuleRef).create(OutboxRelay);
    return new SeedStage(app, cluster, pool, [app.get(OutboxRelay), second], query);
  }

  /** What is wrong after this seed; empty when nothing is. */
  async run(seed: number): Promise<string[]> {
    this.random = new SeededRandom(seed);
    this.wrong = [];
    this.answers = [];
    this.arrived.clear();
    await this.query(
      'TRUNCATE bank_transfers, bank_debits, bank_credits, bank_statements, ' +
        'rocketmq_idempotency, rocketmq_tx_log, rocketmq_outbox',
    );
    const acknowledged: string[] = [];
    const refused: string[] = [];
    this.isCalm = false;
    const start = async (id: string): Promise<void> => {
      const account = this.random.pick(ACCOUNTS);
      const verdict = await this.transfer({ id, account, amount: 1 + this.random.below(9) });
      if (verdict === 'commit') acknowledged.push(id);
      if (verdict === 'rollback') refused.push(id);
    };
    for (let number = 1; number <= TRANSFERS; number += 1) {
      await Promise.all([
        start(`${seed}-${number}`),
        this.cluster.deliverSome(this.random.below(4)),
        ...this.relayRounds(),
      ]);
      if (this.random.below(3) === 0) await this.cluster.checkBack(this.random.pick([0, OLD]));
      if (this.random.below(3) === 0) await this.leasesEnd();
    }
    await this.quiesce();
    const books = await audit(this.query, acknowledged, refused);
    return [...this.wrong, ...books, ...this.disorder()];
  }

  close(): Promise<void> {
    return this.app.close();
  }

  private async transfer(
    transfer: Parameters<Transfers['start']>[0],
  ): Promise<TransactionVerdict | undefined> {
    try {
      return await this.app.get(Transfers).start(transfer);
    } catch {
      return undefined; // the broker was down
    }
  }

  /** None, one or both of the relays make a round; one may die on its way, with rows leased. */
  private relayRounds(): Promise<unknown>[] {
    return this.relays
      .slice(0, this.random.below(3))
      .map((relay) => relay.round().catch(() => (this.counts.relaysKilled += 1)));
  }

  /** Time passes, as far as leases and pauses are concerned. */
  private async leasesEnd(): Promise<void> {
    await this.query("UPDATE rocketmq_outbox SET leased_until = leased_until - interval '1 day'");
  }

  /** Nothing fails any more; everything that goes on by itself goes on until all is done. */
  private async quiesce(): Promise<void> {
    this.isCalm = true;
    for (let round = 0; round < 4; round += 1) {
      await this.cluster.checkBack(OLD);
      await this.cluster.settle();
      await this.leasesEnd();
      await this.app.get(OutboxService).flush();
      await this.cluster.settle();
    }
    if (this.cluster.openHalves > 0) this.wrong.push(`open: ${this.cluster.openHalves} halves`);
    await this.compareAnswers();
  }

  /** What a check-back said while the local transaction ran is what became of it. */
  private async compareAnswers(): Promise<void> {
    const rows = await this.query('SELECT tx_key, state FROM rocketmq_tx_log');
    const states = new Map(rows.map((row) => [row['tx_key'], row['state']]));
    const done = rows.filter((row) => row['state'] === 'DONE').length;
    const [made] = await this.query('SELECT count(*)::int AS count FROM bank_transfers');
    if (made?.['count'] !== done)
      this.wrong.push(`torn: ${done} decided, ${String(made?.['count'])}`);
    for (const { transactionId, answer } of this.answers) {
      const verdict = await answer;
      const state = states.get(transactionId);
      if (verdict === undefined || verdict === 'unknown') continue;
      if ((verdict === 'commit' ? 'DONE' : 'ABORTED') === state) continue;
      this.wrong.push(
        `torn: check-back of ${transactionId} said ${verdict}, it is ${String(state)}`,
      );
    }
  }

  private happens(percent: number, what: keyof SeedCounts): boolean {
    if (this.isCalm || this.random.below(100) >= percent) return false;
    this.counts[what] += 1;
    return true;
  }

  private async stepReached(step: string, context?: TransactionContext): Promise<void> {
    if (context !== undefined) this.race(context);
    if (this.happens(4, 'steps')) throw new StepFailed(step);
  }

  /** The broker asks while the local transaction runs; both must come to the same end. */
  private race(context: TransactionContext): void {
    if (!this.happens(25, 'races')) return;
    const message = { bornTimestamp: new Date().getTime() - OLD };
    const asked = { ...context, message } as unknown as TransactionContext;
    const fence = this.app.get(TransactionFence);
    const { transactionId } = context;
    const answer = fence.check(asked).catch(() => undefined);
    this.answers.push({ transactionId, answer });
  }

  private noteArrival(text: string): void {
    const { id, account, step } = JSON.parse(text) as { id: string; account: string; step: number };
    const list = this.arrived.get(account) ?? [];
    if (!list.includes(`${id}/${step}`)) list.push(`${id}/${step}`);
    this.arrived.set(account, list);
  }

  /** Step 2 of a transfer never arrives before its step 1. */
  private disorder(): string[] {
    return [...this.arrived].flatMap(([account, list]) =>
      list.flatMap((entry, at) =>
        entry.endsWith('/2') && list[at - 1] !== entry.replace('/2', '/1')
          ? [`order: ${entry} of ${account} came after ${String(list[at - 1])}`]
          : [],
      ),
    );
  }
}
