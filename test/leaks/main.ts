import { messageOf, silentLogger, type Timer } from '@nestjs-rocketmq/foundation';
import { ManualClock } from '@nestjs-rocketmq/foundation/testing';
import { EmbeddedRocketMQ } from '@nestjs-rocketmq/embedded';
import { LoopbackNetwork } from '@nestjs-rocketmq/remoting/testing';
import { TestClock } from '../client-faults/test-clock.js';
import { startOurServers } from '../support/our-servers.js';
import { growth, held, moreHandles, type Held } from './measure.js';
import { members, topicIsThere, type Open } from './members.js';

/*
 * npm run test:leaks [-- --cycles 1000] [--hours 24] [--only KIND]
 *
 * Each kind of client is started, used and closed so many times; then all of them stand idle on servers
 * in this process for so many hours of a clock that is moved by hand. After forced collections heapUsed
 * + external must not grow from one measurement to the next, and no handle, timer or listener may be
 * left. Ends with `N passed, N failed`.
 */

const topic = 'leaks';
/** Measurements of a series, after a part that warms up. */
const points = 8;
const warmUp = 0.25;
/**
 * Bytes by which a cycle may leave the process larger. The smallest client that is kept is some 30 KiB;
 * what compilers and the tables of the servers add is far below this.
 */
const cycleBounds: Bounds = { each: 2_048, noise: 512 * 1024 };
/** An object of 100 bytes for each pull of this many queues were some 500 KiB in an hour. */
const hourBounds: Bounds = { each: 64 * 1024, noise: 2 * 1024 * 1024 };
const kilobytes = (bytes: number): string => `${Math.round(bytes / 1024)} KiB`;

function wanted(name: string, otherwise: number): number {
  const at = process.argv.indexOf(`--${name}`);
  const value = at < 0 ? otherwise : Number(process.argv[at + 1]);
  if (!Number.isInteger(value) || value < 1) throw new Error(`--${name} needs a number from 1 on`);
  return value;
}

interface Bounds {
  /** Bytes of one cycle or hour. */
  readonly each: number;
  /** Bytes of a series below which growth is what compilers and the allocator do. */
  readonly noise: number;
}

interface Series {
  readonly base: Held;
  readonly all: readonly Held[];
  /** How much was done between two measurements. */
  readonly step: number;
}

/** What a series says against: nothing when all is well. */
function complaints({ base, all, step }: Series, bounds: Bounds, unit: string): string[] {
  const last = all.at(-1) as Held;
  const each = growth(all.map(({ bytes }) => bytes)) / step;
  const whole = each * step * (all.length - 1);
  const found = moreHandles(base, last);
  if (each > bounds.each && whole > bounds.noise) {
    found.push(`grows by ${kilobytes(each)} per ${unit}, ${kilobytes(whole)} in all`);
  }
  if (last.listeners > base.listeners) found.push(`${last.listeners} listeners of the process`);
  return found;
}

function told(name: string, series: Series, unit: string, found: readonly string[]): boolean {
  const { base, all, step } = series;
  const each = growth(all.map(({ bytes }) => bytes)) / step;
  const last = all.at(-1) as Held;
  const handles = Object.values(last.handles).reduce((sum, count) => sum + count, 0);
  console.log(
    `${found.length === 0 ? 'ok' : 'FAILED'}: ${name}: ${kilobytes(base.bytes)} before, ` +
      `${kilobytes(last.bytes)} after, ${Math.round(each)} bytes per ${unit}, ` +
      `${handles} handles, ${last.listeners} listeners of the process`,
  );
  console.log(`  measured: ${all.map(({ bytes }) => Math.round(bytes / 1024)).join(', ')} KiB`);
  for (const line of found) console.log(`  ${line}`);
  return found.length === 0;
}

async function cycles(
  name: string,
  open: Open,
  count: number,
  nameServers: string,
): Promise<boolean> {
  const clock = new TestClock();
  // The same name each time: what the servers remember of a client is no leak of the client.
  const options = { nameServers, clock, instanceName: 'cycled' };
  await topicIsThere(options, topic);
  const cycle = async (): Promise<void> => (await open(options, topic))();
  for (let n = 0; n < Math.max(3, count * warmUp); n += 1) await cycle();
  const base = await held();
  const step = Math.max(1, Math.floor(count / points));
  const all: Held[] = [];
  for (let point = 0; point < points; point += 1) {
    for (let n = 0; n < step; n += 1) await cycle();
    all.push(await held());
  }
  const series = { base, all, step };
  const found = complaints(series, cycleBounds, 'cycle');
  if (clock.waiting > 0) found.push(`${clock.waiting} timers are left`);
  return told(`${step * points} times ${name}`, series, 'cycle', found);
}

/** Looks at deadlines each second instead of forty times: a day has fewer of them. */
class CoarseClock extends ManualClock {
  override every(ms: number, task: () => void): Timer {
    return super.every(Math.max(ms, 1_000), task);
  }
}

/** Everything stands idle together, and is closed then. */
async function idle(hours: number): Promise<boolean> {
  const clock = new CoarseClock();
  const network = new LoopbackNetwork();
  const moving = async <T>(work: Promise<T>): Promise<T> => {
    let isOver = false;
    const over = (): void => void (isOver = true);
    work.then(over, over);
    while (!isOver) await clock.advance(5);
    return work;
  };
  const servers = await moving(
    EmbeddedRocketMQ.start({
      clock,
      network,
      logger: silentLogger,
      broker: { serverChannelMaxIdleTimeSeconds: 86_400, traceTopicEnable: true },
    }),
  );
  const { nameServers } = servers;
  const common = { nameServers, clock, network };
  await moving(topicIsThere({ ...common, instanceName: 'maker' }, topic));
  const open = Object.entries(members).map(([name, start]) =>
    moving(start({ ...common, instanceName: name.replaceAll(' ', '-') }, topic)),
  );
  const closers = await Promise.all(open);
  const hour = 3_600_000;
  const step = hours / points;
  await clock.advance(step * hour);
  const base = await held();
  const timers = clock.waiting;
  const wires = network.wires.length;
  const all: Held[] = [];
  for (let point = 0; point < points; point += 1) {
    await clock.advance(step * hour);
    all.push(await held());
  }
  const series = { base, all, step };
  const found = complaints(series, hourBounds, 'hour');
  // Pulls come and go; what is left behind by each of them would be thousands.
  if (clock.waiting > timers + 10) found.push(`${timers} timers became ${clock.waiting}`);
  const made = network.wires.length - wires;
  if (made > 0) found.push(`${made / 2} connections were made anew although nothing broke`);
  await moving(Promise.all(closers.map((close) => close())));
  await moving(servers.close());
  await clock.advance(120_000);
  if (clock.waiting > 0) found.push(`${clock.waiting} timers are left after everything was closed`);
  return told(`${hours} hours idle`, series, 'hour', found);
}

async function run(): Promise<number> {
  const count = wanted('cycles', 1_000);
  const hours = wanted('hours', 24);
  const at = process.argv.indexOf('--only');
  const only = at < 0 ? undefined : process.argv[at + 1];
  const warnings: string[] = [];
  process.on('warning', (warning) => warnings.push(messageOf(warning)));
  const verdicts: boolean[] = [];
  const kinds = Object.entries(members).filter(([name]) => only === undefined || only === name);
  if (kinds.length > 0) {
    // In processes of their own: what a broker keeps of a client that left is not looked for here.
    await using servers = await startOurServers({ properties: { traceTopicEnable: true } });
    for (const [name, open] of kinds) {
      verdicts.push(await cycles(name, open, count, servers.nameServers));
    }
  }
  if (only === undefined || only === 'idle') verdicts.push(await idle(hours));
  if (warnings.length > 0) console.log(`FAILED: Node warned: ${warnings[0]}`);
  verdicts.push(warnings.length === 0);
  const passed = verdicts.filter(Boolean).length;
  console.log(`${passed} passed, ${verdicts.length - passed} failed`);
  return passed === verdicts.length ? 0 : 1;
}

run().then(
  (status) => process.exit(status),
  (error: unknown) => {
    console.error(messageOf(error), error);
    console.log('0 passed, 1 failed');
    process.exit(1);
  },
);
