import { fork, type ChildProcess } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { SeededRandom } from '@nestjs-rocketmq/foundation/testing';
import { eventually } from '../support/eventually.js';
import { startEmbedded } from '../support/nest-on-embedded.js';
import { Topics } from './bank.js';
import type { Order, Told } from './bank-process.js';

const here = dirname(fileURLToPath(import.meta.url));
const loader = join(here, '..', '..', 'tools', 'typescript.mjs');
/** A statement that is not reached within this: the process is killed at whatever it does. */
const REACHED_WITHIN_MS = 20_000;
const READY_WITHIN_MS = 180_000;
const SETTLED_WITHIN_MS = 180_000;
/** Statements of a process that has its transfers done; migrations and polls are among them. */
const STATEMENTS = 260;

/** One life of the bank. */
class BankProcess {
  readonly ended: Promise<unknown>;
  private readonly child: ChildProcess;
  private readonly output: string[] = [];
  private onTold: (told: Told) => void = () => undefined;
  private isReady = false;
  private isOver = false;

  constructor(
    environment: Record<string, string>,
    readonly acknowledged: Set<string>,
  ) {
    this.child = fork(join(here, 'bank-process.ts'), {
      execArgv: ['--import', loader],
      env: { ...process.env, ...environment },
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    });
    const keep = (data: Buffer): void => void this.output.push(data.toString());
    this.child.stdout?.on('data', keep);
    this.child.stderr?.on('data', keep);
    this.ended = new Promise((resolve) => {
      this.child.once('exit', (code, signal) => {
        this.isOver = true;
        resolve(signal ?? code);
      });
    });
    this.child.on('message', (told: Told) => {
      if ('ready' in told) this.isReady = true;
      else if ('acknowledged' in told) acknowledged.add(told.acknowledged);
      this.onTold(told);
    });
  }

  /** Up, or already dead. */
  async ready(): Promise<void> {
    await eventually(`the bank is up\n${this.output.join('')}`, READY_WITHIN_MS, () =>
      this.isReady || this.isOver ? true : undefined,
    );
  }

  /** Waits until it has killed itself, or kills it. */
  async die(afterMs: number): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise((resolve) => (timer = setTimeout(resolve, afterMs)));
    await Promise.race([this.ended, late]);
    clearTimeout(timer);
    if (!this.isOver) this.child.kill('SIGKILL');
    await this.ended;
  }

  /** What the books say is wrong now. */
  audit(): Promise<readonly string[]> {
    return new Promise((resolve, reject) => {
      this.onTold = (told) => ('wrong' in told ? resolve(told.wrong) : undefined);
      void this.ended.then((how) => reject(new Error(`ended by ${String(how)}: ${this.text()}`)));
      this.send({ audit: [...this.acknowledged] });
    });
  }

  /** Ends by itself; the exit code. */
  async close(): Promise<unknown> {
    this.send({ close: true });
    return this.ended;
  }

  text(): string {
    return this.output.join('').slice(-4_000);
  }

  private send(order: Order): void {
    if (this.child.connected) this.child.send(order);
  }
}

export interface KillsResult {
  readonly kills: number;
  readonly transfers: number;
  readonly wrong: readonly string[];
}

/** Kills the bank as often as asked, starts it again each time, and compares the books at last. */
export async function runKills(
  database: string,
  kills: number,
  random: SeededRandom,
): Promise<KillsResult> {
  const embedded = await startEmbedded(Object.values(Topics), { transactionCheckMax: 1_000 });
  const acknowledged = new Set<string>();
  const environment = { DATABASE: database, NAMESRV_ADDR: embedded.nameServers, NO_COLOR: '1' };
  let bank: BankProcess | undefined;
  try {
    for (let kill = 1; kill <= kills; kill += 1) {
      const at = `${random.pick(['before', 'after'])}:${1 + random.below(STATEMENTS)}`;
      // every fourth dies at a moment instead of a statement
      const isTimed = kill % 4 === 0;
      bank = new BankProcess(
        { ...environment, TRANSFERS: '6', DIE_AT: isTimed ? '' : at },
        acknowledged,
      );
      await bank.ready();
      await bank.die(isTimed ? random.below(1_500) : REACHED_WITHIN_MS);
    }
    const last = (bank = new BankProcess(environment, acknowledged));
    await last.ready();
    let wrong: readonly string[] = await last.audit();
    const settled = eventually('the books agree', SETTLED_WITHIN_MS, async () => {
      wrong = await last.audit();
      return wrong.length === 0 ? true : undefined;
    });
    await settled.catch(() => undefined);
    const code = await last.close();
    const all = code === 0 ? wrong : [...wrong, `the last process ended with ${String(code)}`];
    return {
      kills,
      transfers: acknowledged.size,
      wrong: all.length === 0 ? [] : [...all, last.text()],
    };
  } finally {
    await bank?.die(0);
    await embedded.close();
  }
}
