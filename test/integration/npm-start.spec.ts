import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { RunningProgram } from '../support/java-process.js';
import { freePorts } from '../support/java-servers.js';

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..');
const run = promisify(execFile);
const READY_WITHIN_MS = 180_000;
const BOOKED_WITHIN_MS = 60_000;

/** The shell lines of the README that place, pay and show an order. */
function linesOfReadme(): string {
  const readme = readFileSync(join(root, 'README.md'), 'utf8');
  const block = /```sh\n(ORDER=[^`]*?)```/.exec(readme)?.[1];
  if (block === undefined) throw new Error('The README has no lines that place an order.');
  return block;
}

interface Order {
  readonly orderId: string;
  readonly status: string;
  readonly stock: string;
  readonly points: number;
}

describe('npm start', () => {
  const folder = mkdtempSync(join(tmpdir(), 'npm-start-'));
  const programs: RunningProgram[] = [];
  let environment: Record<string, string>;
  let url: string;

  beforeAll(async () => {
    const port = await freePorts();
    url = `http://127.0.0.1:${port}`;
    environment = {
      DATA_DIR: folder,
      PORT: String(port),
      NAMESRV_PORT: String(await freePorts()),
      BROKER_PORT: String(await freePorts([-2, 0, 1])),
    };
  });
  afterAll(async () => {
    for (const program of programs) await program.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  const npm = (script: string): RunningProgram => {
    const program = RunningProgram.start(script, process.execPath, [`tools/${script}.mjs`], {
      cwd: root,
      env: environment,
    });
    programs.push(program);
    return program;
  };
  const endOf = async (program: RunningProgram): Promise<string> => {
    await program.exited;
    return program.output();
  };

  it(
    'runs the order flow as the README shows it, keeps the data, and stops in reverse',
    async () => {
      const first = npm('start');
      await first.untilLine('Ready:', READY_WITHIN_MS);
      expect(first.output()).toContain(folder);
      const order = await tryReadme(url);
      expect(order).toMatchObject({ status: 'PAID', stock: 'SOLD', points: 35 });
      expect((await fetch(`${url}/api/check?mode=full`)).status).toBe(200);
      expect((await fetch(`${url}/docs`)).status).toBe(200);

      const second = npm('start');
      const refusal = await endOf(second);
      expect(await second.exited).toBe(1);
      for (const name of ['PORT', 'NAMESRV_PORT', 'BROKER_PORT']) {
        expect(refusal).toContain(`Port ${environment[name]} of the`);
        expect(refusal).toMatch(new RegExp(`\\b${name}=\\d+ npm start`));
      }
      expect(await endOf(npm('reset'))).toContain('stop it first');

      process.kill(first.pid, 'SIGINT');
      expect(await first.exited).toBe(0);
      const ended = first.lines.filter((line) => line.startsWith('Ended:'));
      expect(ended).toEqual(['Ended: sample', 'Ended: broker', 'Ended: nameserver']);

      const again = npm('start');
      await again.untilLine('Ready:', READY_WITHIN_MS);
      const kept = await fetch(`${url}/api/orders/${order.orderId}`);
      expect(await kept.json()).toMatchObject({ status: 'PAID', stock: 'SOLD' });
      process.kill(again.pid, 'SIGTERM');
      expect(await again.exited).toBe(0);

      expect(await endOf(npm('reset'))).toContain('Emptied');
      expect(readdirSync(folder)).toEqual([]);
    },
    3 * READY_WITHIN_MS,
  );
});

/** Runs the README's lines against a port of ours, then looks until the messages have arrived. */
async function tryReadme(url: string): Promise<Order> {
  const lines = linesOfReadme().replaceAll('localhost:7000', url.replace('http://', ''));
  const { stdout } = await run('bash', ['-c', lines]);
  const shown = JSON.parse(stdout.slice(stdout.lastIndexOf('{"orderId"'))) as Order;
  const giveUpAt = performance.now() + BOOKED_WITHIN_MS;
  for (;;) {
    const order = (await (await fetch(`${url}/api/orders/${shown.orderId}`)).json()) as Order;
    const isDone = order.stock === 'SOLD' && order.points !== null;
    if (isDone || performance.now() > giveUpAt) return order;
    await pause(100);
  }
}
