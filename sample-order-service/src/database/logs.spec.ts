import type { DataSource } from 'typeorm';
import { OrdersConsumeLog, OrdersTransactionLog } from '../orders/order.entities.js';
import { FencedError, LeaseTimeoutError } from '../sample.errors.js';
import { openSampleDatabase } from '../testing/sample-database.js';
import { consumeOnce } from './consume-once.js';
import { databaseTime } from './database-time.js';
import { answerCheck, recordDone } from './transaction-fence.js';

const pool = { leaseTimeoutMs: 60_000 };
/** How long a local transaction may take. */
const DEADLINE = 30_000;
let dataSource: DataSource;
beforeAll(async () => {
  dataSource = await openSampleDatabase(pool);
});
afterAll(() => dataSource.destroy());

describe('the consume log', () => {
  const message = (key: string) => ({ group: 'g', key, messageId: 'm' });

  it('lets an effect happen once, also when a message comes twice at the same time', async () => {
    let effects = 0;
    const consume = () =>
      consumeOnce(dataSource, OrdersConsumeLog, message('a'), async () => {
        effects += 1;
      });
    const done = await Promise.all([consume(), consume(), consume()]);
    expect(done.filter(Boolean)).toHaveLength(1);
    expect(effects).toBe(1);
  });

  it('forgets an effect that failed, so that the message can come again', async () => {
    const failing = consumeOnce(dataSource, OrdersConsumeLog, message('b'), () =>
      Promise.reject(new Error('not now')),
    );
    await expect(failing).rejects.toThrow('not now');
    let effects = 0;
    await consumeOnce(dataSource, OrdersConsumeLog, message('b'), async () => {
      effects += 1;
    });
    expect(effects).toBe(1);
  });

  it('turns a query outside the transaction into an error instead of a dead-lock', async () => {
    const wrong = consumeOnce(dataSource, OrdersConsumeLog, message('c'), async () => {
      pool.leaseTimeoutMs = 20;
      await dataSource.query('SELECT 1');
    });
    await expect(wrong).rejects.toThrow(LeaseTimeoutError);
    pool.leaseTimeoutMs = 60_000;
  });
});

describe('the answer to a check-back', () => {
  const half = async (txKey: string, ageMs: number) => ({
    txKey,
    kind: 'PLACED',
    bornAt: new Date((await databaseTime(dataSource.manager)).getTime() - ageMs),
  });
  const check = async (txKey: string, ageMs: number) =>
    answerCheck(dataSource, OrdersTransactionLog, await half(txKey, ageMs), DEADLINE);
  const done = (txKey: string) =>
    dataSource.transaction((manager) => recordDone(manager, OrdersTransactionLog, txKey, 'PLACED'));

  it('is COMMIT once the local transaction is written', async () => {
    await done('t1');
    expect(await check('t1', 0)).toBe('COMMIT');
    expect(await check('t1', 2 * DEADLINE)).toBe('COMMIT');
  });

  it('is UNKNOWN while the local transaction may still run', async () => {
    expect(await check('t2', 0)).toBe('UNKNOWN');
    await done('t2');
    expect(await check('t2', 0)).toBe('COMMIT');
  });

  it('is ROLLBACK afterwards, and then the local transaction can no longer happen', async () => {
    expect(await check('t3', 2 * DEADLINE)).toBe('ROLLBACK');
    await expect(done('t3')).rejects.toThrow(FencedError);
    expect(await check('t3', 0)).toBe('ROLLBACK');
  });

  it('lets exactly one of both happen when they meet', async () => {
    for (let round = 0; round < 30; round += 1) {
      const txKey = `race-${round}`;
      const [answer, written] = await Promise.all([
        check(txKey, 2 * DEADLINE),
        done(txKey).then(
          () => true,
          () => false,
        ),
      ]);
      expect(written).toBe(answer === 'COMMIT');
    }
  });
});
