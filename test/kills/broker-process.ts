import { type ChildProcess, spawn } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..');
const failpoints = join(root, 'test/kills/failpoints.mjs');
const main = join(root, 'apps/broker/dist/main.js');
const READY_WITHIN_MS = 120_000;

/** A broker as an operator starts it, with points at which it can be told to die. */
export class BrokerProcess {
  /** Resolves when it has ended, by whatever means. */
  readonly ended: Promise<void>;
  private output = '';
  private isOver = false;

  private constructor(private readonly child: ChildProcess) {
    this.ended = new Promise((resolve) => {
      child.once('close', () => {
        this.isOver = true;
        resolve();
      });
    });
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on('data', (chunk: Buffer) => {
        this.output = (this.output + chunk.toString()).slice(-20_000);
      });
    }
  }

  /** Starts on a settings file; does not wait until it serves. */
  static spawn(settings: string): BrokerProcess {
    const args = ['--import', failpoints, main, '-c', settings];
    const stdio = ['ignore', 'pipe', 'pipe', 'ipc'] as const;
    return new BrokerProcess(spawn(process.execPath, args, { stdio: [...stdio] }));
  }

  get printed(): string {
    return this.output;
  }

  /** Resolves when it serves; throws with what it printed when it does not. */
  async ready(): Promise<void> {
    const end = Date.now() + READY_WITHIN_MS;
    while (!this.output.includes('boot success')) {
      if (this.isOver) throw new Error(`the broker ended while it started:\n${this.output}`);
      if (Date.now() > end) throw new Error(`the broker does not start:\n${this.output}`);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }

  /** It dies the nth time that it reaches the point from now on. */
  arm(point: string, hits: number): void {
    this.child.send({ point, hits });
  }

  async kill(): Promise<void> {
    this.child.kill('SIGKILL');
    await this.ended;
  }

  /** A clean stop; throws when it was none. */
  async stop(): Promise<void> {
    this.child.kill('SIGTERM');
    await this.ended;
    if (this.child.exitCode !== 0) throw new Error(`the broker did not stop well:\n${this.output}`);
  }
}
