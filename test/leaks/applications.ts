import { messageOf } from '@nestjs-rocketmq/foundation';
import { Test } from '@nestjs/testing';
import { RocketMQTestKit } from '@nestjs-rocketmq/testing';
import { Orders, ShopModule } from '../runners/shop.js';
import { growth, held, moreHandles, type Held } from './measure.js';

/*
 * npm run test:leaks:applications [-- --applications 200]
 *
 * Applications on testing kits are started, used and closed in this process, one after the other. After
 * forced collections heapUsed + external must not grow, and no handle, timer of the kit's clock or
 * listener of the process may be left. Ends with `N passed, N failed`.
 */

const points = 8;
/** An application that is kept is some MiB; this is far below, and above what compilers add. */
const bytesEach = 24 * 1024;
const noise = 2 * 1024 * 1024;

function wanted(otherwise: number): number {
  const at = process.argv.indexOf('--applications');
  const value = at < 0 ? otherwise : Number(process.argv[at + 1]);
  if (!Number.isInteger(value) || value < points) {
    throw new Error(`--applications needs a number from ${points} on`);
  }
  return value;
}

/** One life of an application; answers how many timers it leaves. */
async function life(): Promise<number> {
  const mq = await RocketMQTestKit.start();
  const builder = Test.createTestingModule({ imports: [ShopModule] });
  const moduleRef = await mq.redirect(builder).compile();
  moduleRef.useLogger(false);
  const app = await moduleRef.init();
  await app.get(Orders).place({ id: 1 });
  await mq.consumed('payments', { count: 1, within: '1m' });
  await app.close();
  await mq.close();
  const { waiting } = mq.clock as unknown as { waiting: number };
  return waiting;
}

async function run(): Promise<number> {
  const count = wanted(200);
  const step = Math.floor(count / points);
  const found: string[] = [];
  for (let n = 0; n < Math.max(5, step); n += 1) await life();
  const base = await held();
  const all: Held[] = [];
  for (let point = 0; point < points; point += 1) {
    for (let n = 0; n < step; n += 1) {
      const timers = await life();
      if (timers > 0) found.push(`${timers} timers are left after everything was closed`);
    }
    all.push(await held());
  }
  const last = all.at(-1) as Held;
  const each = growth(all.map(({ bytes }) => bytes)) / step;
  const whole = each * step * (points - 1);
  if (each > bytesEach && whole > noise) found.push(`grows by ${Math.round(each)} bytes each`);
  if (last.listeners > base.listeners) found.push(`${last.listeners} listeners of the process`);
  found.push(...moreHandles(base, last));
  const series = all.map(({ bytes }) => Math.round(bytes / 1024)).join(', ');
  console.log(
    `${step * points} applications: ${Math.round(each)} bytes each; ` +
      `${Math.round(base.bytes / 1024)} KiB before, then ${series} KiB`,
  );
  for (const line of new Set(found)) console.log(`FAILED: ${line}`);
  console.log(found.length === 0 ? '1 passed, 0 failed' : '0 passed, 1 failed');
  return found.length === 0 ? 0 : 1;
}

run().then(
  (status) => process.exit(status),
  (error: unknown) => {
    console.error(messageOf(error), error);
    console.log('0 passed, 1 failed');
    process.exit(1);
  },
);
