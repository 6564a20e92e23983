import { closeSync, openSync, readSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { RunningProgram, temporaryFolder } from '../support/java.js';
import type { History } from './history.js';
import type { HandledLine, MemberOrder } from './member.js';

const here = dirname(fileURLToPath(import.meta.url));
const root = join(here, '..', '..');
const joinsWithinMs = 120_000;

/** A member of a group in a process of its own. */
export class MemberProcess {
  private rest = '';
  private readonly buffer = Buffer.alloc(64 * 1024);
  private readonly file: number;

  private constructor(
    private readonly name: string,
    private readonly group: string,
    private readonly folder: string,
    path: string,
    private readonly program: RunningProgram,
    private readonly history: History,
  ) {
    this.file = openSync(path, 'r');
  }

  /** Starts it. What it handles is to be gathered from then on, also while it still joins. */
  static start(order: Omit<MemberOrder, 'file'>, name: string, history: History): MemberProcess {
    const folder = temporaryFolder('member');
    const path = join(folder, 'handled');
    closeSync(openSync(path, 'w'));
    const loader = join(root, 'tools/typescript.mjs');
    const main = join(here, 'member.ts');
    const args = ['--import', loader, main, JSON.stringify({ ...order, file: path })];
    const program = RunningProgram.start(name, process.execPath, args, { cwd: root });
    return new MemberProcess(name, order.group, folder, path, program, history);
  }

  async joined(): Promise<void> {
    await this.program.untilLine('member joined', joinsWithinMs);
  }

  /** Takes what it wrote since the last time into the history. */
  gather(): number {
    let count = 0;
    for (;;) {
      const length = readSync(this.file, this.buffer);
      if (length === 0) return count;
      const lines = (this.rest + this.buffer.toString('latin1', 0, length)).split('\n');
      this.rest = lines.pop() ?? '';
      for (const line of lines) this.take(JSON.parse(line) as HandledLine);
      count += lines.length;
    }
  }

  kill(): Promise<void> {
    return this.program.kill();
  }

  /** After the kill, when everything was gathered. */
  forget(): void {
    closeSync(this.file);
    rmSync(this.folder, { recursive: true, force: true });
  }

  private take({ id, times, ...place }: HandledLine): void {
    const { group, name: member } = this;
    this.history.append({ kind: 'handled', id, group, member, place, times });
  }
}
