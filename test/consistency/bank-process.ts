import 'reflect-metadata';
import { randomUUID } from 'node:crypto';
import { NestFactory } from '@nestjs/core';
import { nodeFileSystem } from '@nestjs-rocketmq/embedded';
import { pgStorage, type PgPoolLike } from 'nestjs-rocketmq/consistency';
import pg from 'pg';
import { openPglite, PglitePool } from 'sample-order-service/testing';
import { audit, bankTables, BankModule, Transfers } from './bank.js';
import { FaultyPool } from './faulty-pool.js';
import { queryOf } from './seeds.js';

/*
 * The bank as a process of its own, to be killed. The environment says where the database and the
 * name servers are, and DIE_AT, before or after which of its statements it kills itself: `before:17`.
 */

/** What the campaign tells the process, and hears from it. */
export type Order = { readonly audit: readonly string[] } | { readonly close: true };
export type Told =
  | { readonly ready: true }
  | { readonly acknowledged: string }
  | { readonly wrong: readonly string[] };

const TRANSFERS = Number(process.env['TRANSFERS'] ?? 0);
const ACCOUNTS = ['ada', 'bob', 'eve'];

function tell(told: Told): void {
  process.send?.(told);
}

async function openPool(): Promise<PgPoolLike & { end(): Promise<void> }> {
  const url = process.env['DATABASE'] ?? '';
  if (url.startsWith('postgres:')) return new pg.Pool({ connectionString: url, max: 10 });
  const { database, unlock } = await openPglite(nodeFileSystem, url);
  return new PglitePool({ database, leaseTimeoutMs: 60_000, onClosed: unlock });
}

const [when = '', at = '0'] = (process.env['DIE_AT'] ?? '').split(':');
let left = Number(at);
const pool = await openPool();
const query = queryOf(pool);
for (const statement of bankTables) await query(statement);
const mortal = new FaultyPool(pool);
mortal.breaks = (now) => {
  if (now !== when) return false;
  left -= 1;
  if (left === 0) process.kill(process.pid, 'SIGKILL');
  return false;
};

const app = await NestFactory.createApplicationContext(
  BankModule.with(
    {
      nameServers: process.env['NAMESRV_ADDR'] ?? '',
      producer: { group: 'bank', sendTimeout: '30s' },
    },
    {
      storage: pgStorage(mortal),
      migrate: true,
      localDeadline: '1s',
      outbox: { pollInterval: 100, lease: '7s', retryDelay: 100 },
    },
  ),
  { logger: ['error', 'fatal'] },
);
tell({ ready: true });

process.on('message', (order: Order) => {
  if ('close' in order) {
    void app.close().then(async () => {
      await pool.end();
      process.disconnect();
    });
  } else void audit(query, order.audit).then((wrong) => tell({ wrong }));
});

async function transfers(): Promise<void> {
  for (let number = 0; number < TRANSFERS; number += 1) {
    const id = randomUUID();
    const account = ACCOUNTS[number % ACCOUNTS.length] as string;
    const verdict = await app.get(Transfers).start({ id, account, amount: 1 });
    if (verdict === 'commit') tell({ acknowledged: id });
  }
}

await Promise.all([transfers(), transfers()]);
