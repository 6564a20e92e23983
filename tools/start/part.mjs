// One process of `npm start`: its lines carry its name, and it tells when it is ready.
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { setTimeout as pause } from 'node:timers/promises';

const STOP_WITHIN_MS = 60_000;
const NAME_WIDTH = 11;
const POLL_MS = 100;

export class Part {
  #child;
  #readyLineSeen = false;
  #endedHow;
  ended;

  /**
   * @param {string} name printed before each of its lines
   * @param {string[]} command main file and arguments, run by this Node
   * @param {{ readyLine?: RegExp, readyUrl?: string, environment?: Record<string, string> }} options
   */
  constructor(name, command, options) {
    this.name = name;
    this.command = command;
    this.options = options;
  }

  /** Resolves when it is ready; rejects when it ends before, or is not ready in time. */
  async start(withinMs) {
    // a group of its own: Ctrl-C reaches this program alone, which stops the parts in their order
    const child = spawn(process.execPath, ['--enable-source-maps', ...this.command], {
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, NO_COLOR: '1', ...this.options.environment },
    });
    this.#child = child;
    for (const stream of [child.stdout, child.stderr]) this.#print(stream);
    this.ended = new Promise((resolve) => {
      child.once('error', (error) => resolve(error.message));
      child.once('exit', (code, signal) => resolve(signal ?? `exit code ${code}`));
    }).then((how) => (this.#endedHow = how));
    const giveUpAt = performance.now() + withinMs;
    while (!(await this.#isReady())) {
      if (this.#endedHow !== undefined) {
        throw new Error(`The ${this.name} did not start (${this.#endedHow}); its lines say why.`);
      }
      if (performance.now() > giveUpAt) {
        throw new Error(`The ${this.name} was not ready within ${withinMs / 1000} s.`);
      }
      await pause(POLL_MS);
    }
  }

  /** Asks it to end, and kills it when it does not; false when it did not run. */
  async stop() {
    if (this.#child === undefined || this.#endedHow !== undefined) return false;
    this.#child.kill('SIGTERM');
    const patience = new AbortController();
    const tooLong = pause(STOP_WITHIN_MS, 'too long', { signal: patience.signal }).catch(() => {});
    if ((await Promise.race([this.ended, tooLong])) === 'too long') {
      process.stdout.write(`The ${this.name} did not end in time and is killed.\n`);
      this.kill();
      await this.ended;
    }
    patience.abort();
    return true;
  }

  kill() {
    if (this.#child !== undefined && this.#endedHow === undefined) this.#child.kill('SIGKILL');
  }

  #print(stream) {
    createInterface({ input: stream }).on('line', (line) => {
      if (this.options.readyLine?.test(line)) this.#readyLineSeen = true;
      process.stdout.write(`${this.name.padEnd(NAME_WIDTH)}| ${line}\n`);
    });
  }

  async #isReady() {
    const { readyUrl } = this.options;
    if (readyUrl === undefined) return this.#readyLineSeen;
    try {
      return (await fetch(readyUrl, { signal: AbortSignal.timeout(1000) })).ok;
    } catch {
      return false;
    }
  }
}
