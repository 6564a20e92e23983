// A file in the data folder that names the `npm start` which uses it.
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export class RunMark {
  #file;

  constructor(dataDir) {
    this.#file = join(dataDir, 'running.pid');
  }

  set() {
    writeFileSync(this.#file, `${process.pid}\n`);
  }

  clear() {
    rmSync(this.#file, { force: true });
  }

  /** The process that uses the folder, when it lives. */
  holder() {
    try {
      const pid = Number(readFileSync(this.#file, 'utf8'));
      process.kill(pid, 0);
      return pid;
    } catch {
      return undefined;
    }
  }
}
