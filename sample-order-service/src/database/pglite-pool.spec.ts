import type { PGlite } from '@electric-sql/pglite';
import { LeaseEndedError, LeaseTimeoutError } from '../sample.errors.js';
import { openEmptyDatabase } from '../testing/empty-database.js';
import { PglitePool } from './pglite-pool.js';

describe('the pool over PGlite', () => {
  let database: PGlite;
  let remove: () => void;

  beforeAll(async () => {
    ({ database, remove } = await openEmptyDatabase());
    await database.exec(
      `CREATE TABLE things (id int PRIMARY KEY, big bigint, at timestamptz, data jsonb,
         raw bytea, words text[], ok boolean)`,
    );
  });
  afterEach(() => database.exec('TRUNCATE things'));
  afterAll(async () => {
    await database.close();
    remove();
  });

  const open = (leaseTimeoutMs = 60_000) => new PglitePool({ database, leaseTimeoutMs });

  it('gives the value types that the pg package gives', async () => {
    const pool = open();
    const at = new Date('2026-11-21T10:00:00.123Z');
    await pool.query('INSERT INTO things VALUES ($1, $2, $3, $4, $5, $6, $7)', [
      1,
      '9007199254740993',
      at,
      { a: [1, null] },
      Buffer.from([0, 255, 92]),
      ['x', 'with "quotes" and \\', null],
      false,
    ]);
    const result = await pool.query('SELECT * FROM things');
    expect(result?.rows).toEqual([
      {
        id: 1,
        big: '9007199254740993',
        at,
        data: { a: [1, null] },
        raw: Buffer.from([0, 255, 92]),
        words: ['x', 'with "quotes" and \\', null],
        ok: false,
      },
    ]);
    expect(result).toMatchObject({ command: 'SELECT', rowCount: 1 });
  });

  it('tells command and changed rows', async () => {
    const pool = open();
    await pool.query('INSERT INTO things (id) VALUES (1), (2)');
    expect(await pool.query('UPDATE things SET ok = true WHERE id = 1')).toMatchObject({
      command: 'UPDATE',
      rowCount: 1,
    });
    expect(await pool.query('DELETE FROM things')).toMatchObject({
      command: 'DELETE',
      rowCount: 2,
    });
  });

  it('keeps the code and constraint of an error', async () => {
    const pool = open();
    await pool.query('INSERT INTO things (id) VALUES (1)');
    await expect(pool.query('INSERT INTO things (id) VALUES (1)')).rejects.toMatchObject({
      code: '23505',
      constraint: 'things_pkey',
    });
    await expect(pool.query('SELECT 1 AS one')).resolves.toMatchObject({ rows: [{ one: 1 }] });
  });

  it('lends to one at a time, first come first served', async () => {
    const pool = open();
    const first = await pool.connect();
    const order: number[] = [];
    const later = [1, 2, 3].map(async (number) => {
      const lease = await pool.connect();
      order.push(number);
      lease.release();
    });
    await first.query('SELECT 1');
    expect(order).toEqual([]);
    first.release();
    await Promise.all(later);
    expect(order).toEqual([1, 2, 3]);
  });

  it('says what is wrong when nobody gives the connection back', async () => {
    const pool = open(20);
    const lease = await pool.connect();
    await expect(pool.query('SELECT 1')).rejects.toThrow(LeaseTimeoutError);
    await expect(pool.query('SELECT 1')).rejects.toThrow(/EntityManager/);
    lease.release();
    await expect(pool.query('SELECT 1 AS one')).resolves.toMatchObject({ rowCount: 1 });
  });

  it('rolls back what a user left open', async () => {
    const pool = open();
    const lease = await pool.connect();
    await lease.query('BEGIN');
    await lease.query('INSERT INTO things (id) VALUES (7)');
    lease.release();
    expect(await pool.query('SELECT * FROM things')).toMatchObject({ rowCount: 0 });
  });

  it('stays usable after a rollback to a savepoint', async () => {
    const pool = open();
    const lease = await pool.connect();
    await lease.query('BEGIN');
    await lease.query('SAVEPOINT here');
    await expect(lease.query('SELECT * FROM nowhere')).rejects.toMatchObject({ code: '42P01' });
    await lease.query('ROLLBACK TO SAVEPOINT here');
    await lease.query('INSERT INTO things (id) VALUES (8)');
    lease.release();
    expect(await pool.query('SELECT * FROM things')).toMatchObject({ rowCount: 0 });
  });

  it('refuses a connection that was given back', async () => {
    const pool = open();
    const lease = await pool.connect();
    lease.release();
    await expect(lease.query('SELECT 1')).rejects.toThrow(LeaseEndedError);
  });

  it('serves the callback style of the pg package', async () => {
    const pool = open();
    const rows = await new Promise((resolve, reject) => {
      pool.connect((error, lease, release) => {
        if (lease === undefined) return reject(error);
        lease.query('SELECT $1::int AS n', [5], (failed, result) => {
          release?.();
          return failed === null ? resolve(result?.rows) : reject(failed);
        });
      });
    });
    expect(rows).toEqual([{ n: 5 }]);
  });

  it('waits for the one who works, refuses the others, and closes once', async () => {
    const own = await openEmptyDatabase();
    const closed: string[] = [];
    const pool = new PglitePool({
      database: own.database,
      leaseTimeoutMs: 60_000,
      onClosed: () => {
        closed.push('closed');
        own.remove();
      },
    });
    const lease = await pool.connect();
    const waiting = pool.connect();
    const ended = Promise.all([pool.end(), pool.end()]);
    await expect(waiting).rejects.toThrow(LeaseEndedError);
    await expect(pool.connect()).rejects.toThrow(LeaseEndedError);
    await expect(lease.query('SELECT 1 AS one')).resolves.toMatchObject({ rowCount: 1 });
    expect(closed).toEqual([]);
    lease.release();
    await ended;
    expect(closed).toEqual(['closed']);
  });
});
