import { Inject, Injectable, Module, type DynamicModule } from '@nestjs/common';
import {
  MessageContext,
  MessagePayload,
  type RocketMQContext,
  RocketMQListener,
  RocketMQModule,
  RocketMQTemplate,
  RocketMQTransactionListener,
  type RocketMQModuleOptions,
  type TransactionContext,
  type TransactionHandler,
  type TransactionVerdict,
} from 'nestjs-rocketmq';
import {
  Idempotent,
  MessageTransaction,
  OutboxService,
  RocketMQConsistencyModule,
  TransactionFence,
  type PgClientLike,
  type RocketMQConsistencyOptions,
} from 'nestjs-rocketmq/consistency';

/** Money that goes from one account to another, step by step, each step by a message. */
export interface Transfer {
  readonly id: string;
  readonly account: string;
  readonly amount: number;
}

/** Told twice for each transfer that has arrived; `step` 1, then 2. */
export interface Credited extends Transfer {
  readonly step: number;
}

export const Topics = { transfers: 'bank-transfers', credited: 'bank-credited' } as const;

/** No unique key anywhere: an effect that happens twice is to be seen. */
export const bankTables = [
  `CREATE TABLE IF NOT EXISTS bank_transfers (id text, account text, amount int)`,
  `CREATE TABLE IF NOT EXISTS bank_debits (id text, amount int)`,
  `CREATE TABLE IF NOT EXISTS bank_credits (id text, amount int)`,
  `CREATE TABLE IF NOT EXISTS bank_statements (id text, account text, step int)`,
];

/** Where something may go wrong, or the process may die, between two steps. */
@Injectable()
export class Steps {
  reached: (step: string, context?: TransactionContext) => Promise<void> = () => Promise.resolve();
}

type Tx = PgClientLike;

/** Starts transfers: the message and the debit, both or neither. */
@Injectable()
@RocketMQTransactionListener({ topic: Topics.transfers })
export class Transfers implements TransactionHandler<Transfer> {
  constructor(
    @Inject(TransactionFence) private readonly fence: TransactionFence<Tx>,
    @Inject(RocketMQTemplate) private readonly template: RocketMQTemplate,
    @Inject(Steps) private readonly steps: Steps,
  ) {}

  async start(transfer: Transfer): Promise<TransactionVerdict> {
    const { verdict } = await this.template.sendInTransaction(Topics.transfers, transfer);
    return verdict;
  }

  async execute(
    { id, account, amount }: Transfer,
    _: unknown,
    context: TransactionContext,
  ): Promise<TransactionVerdict> {
    await this.steps.reached('transfer.begin', context);
    const work = async (tx: Tx): Promise<void> => {
      await tx.query('INSERT INTO bank_transfers VALUES ($1, $2, $3)', [id, account, amount]);
      await this.steps.reached('transfer.between');
      await tx.query('INSERT INTO bank_debits VALUES ($1, $2)', [id, amount]);
      await this.steps.reached('transfer.end');
    };
    return this.fence.execute(context, work, { onError: () => undefined });
  }

  check(_: Transfer, context: TransactionContext): Promise<TransactionVerdict> {
    return this.fence.check(context);
  }
}

/** The other side of a transfer. */
@Injectable()
export class Credits {
  constructor(
    @Inject(OutboxService) private readonly outbox: OutboxService<Tx>,
    @Inject(Steps) private readonly steps: Steps,
  ) {}

  @RocketMQListener({ topic: Topics.transfers, group: 'bank-credits', from: 'first' })
  @Idempotent({ key: 'id' })
  async onTransfer(
    @MessagePayload() transfer: Transfer,
    @MessageTransaction() tx: Tx,
  ): Promise<void> {
    const { id, account, amount } = transfer;
    await this.steps.reached('credit.begin');
    await tx.query('INSERT INTO bank_credits VALUES ($1, $2)', [id, amount]);
    await this.steps.reached('credit.between');
    for (const step of [1, 2]) {
      await this.outbox.add(tx, Topics.credited, { ...transfer, step }, { orderKey: account });
    }
    await this.steps.reached('credit.end');
  }

  /** The key is the one that the outbox gave the message. */
  @RocketMQListener({ topic: Topics.credited, group: 'bank-statements', from: 'first' })
  @Idempotent()
  async onCredited(
    @MessagePayload() { id, account, step }: Credited,
    @MessageContext() context: RocketMQContext,
    @MessageTransaction() tx: Tx,
  ): Promise<void> {
    await this.steps.reached(`statement.begin ${context.messageId}`);
    await tx.query('INSERT INTO bank_statements VALUES ($1, $2, $3)', [id, account, step]);
    await this.steps.reached('statement.end');
  }
}

/** The application of the campaign. */
@Module({})
export class BankModule {
  static with(
    rocketmq: RocketMQModuleOptions,
    consistency: RocketMQConsistencyOptions<Tx>,
  ): DynamicModule {
    return {
      module: BankModule,
      imports: [RocketMQModule.forRoot(rocketmq), RocketMQConsistencyModule.forRoot(consistency)],
      providers: [Steps, Transfers, Credits],
    };
  }
}

type Rows = readonly Record<string, unknown>[];

/**
 * What the books say is wrong when everything has come to rest: effects lost, doubled, or torn.
 *
 * @param acknowledged ids of transfers of which the caller was told that they were made.
 */
export async function audit(
  query: (sql: string) => Promise<Rows>,
  acknowledged: Iterable<string>,
  refused: Iterable<string> = [],
): Promise<string[]> {
  const wrong: string[] = [];
  const counts = async (sql: string): Promise<Map<string, number>> => {
    const rows = await query(sql);
    return new Map(rows.map((row) => [String(row['id']), Number(row['count'])]));
  };
  const of = (table: string) =>
    counts(`SELECT id, count(*)::int AS count FROM ${table} GROUP BY id`);
  const transfers = await of('bank_transfers');
  const debits = await of('bank_debits');
  const credits = await of('bank_credits');
  const statements = await counts(
    "SELECT id || '/' || step AS id, count(*)::int AS count FROM bank_statements GROUP BY id, step",
  );
  for (const id of acknowledged) if (!transfers.has(id)) wrong.push(`lost: transfer ${id}`);
  for (const id of refused) if (transfers.has(id)) wrong.push(`torn: ${id} was refused and made`);
  for (const [id, count] of transfers) {
    if (count > 1) wrong.push(`doubled: transfer ${id} ${count} times`);
    if (!debits.has(id)) wrong.push(`torn: transfer ${id} without its debit`);
    if (!credits.has(id)) wrong.push(`lost: the credit of ${id}`);
    for (const step of [1, 2]) {
      if (!statements.has(`${id}/${step}`)) wrong.push(`lost: statement ${step} of ${id}`);
    }
  }
  for (const [what, found] of Object.entries({ debit: debits, credit: credits, statements })) {
    for (const [id, count] of found) {
      if (count > 1) wrong.push(`doubled: ${what} ${id} ${count} times`);
      if (!transfers.has(id.split('/')[0] as string))
        wrong.push(`torn: ${what} ${id} of no transfer`);
    }
  }
  const [left] = await query('SELECT count(*)::int AS count FROM rocketmq_outbox');
  if (left?.['count'] !== 0) wrong.push(`left: ${String(left?.['count'])} messages in the outbox`);
  return wrong;
}
