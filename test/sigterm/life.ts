import { type ChildProcess, fork } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Database, SqlRequest } from './database.js';

const application = join(dirname(fileURLToPath(import.meta.url)), 'application.mjs');

export interface LifeOrder {
  readonly nameServers: string;
  readonly orders: string;
  readonly notes: string;
  readonly life: number;
  readonly offsetDirectory: string;
}

/** How a life ended. */
export interface End {
  readonly code: number | null;
  readonly signal: string | null;
  /** From the signal to the end, ms. */
  readonly took: number;
}

type Told =
  | ({ readonly kind: 'sql' } & SqlRequest)
  | { readonly kind: 'noted' | 'read'; readonly id: string }
  | { readonly kind: 'armed' | 'running' | 'refused' };

/** One life of the application, from its start to its end. */
export class Life {
  /** Notes whose sends were acknowledged, and those that were handled. */
  readonly noted: string[] = [];
  readonly read: string[] = [];
  output = '';
  private readonly seen = new Set<string>();
  private readonly ended: Promise<Omit<End, 'took'>>;
  private wake: () => void = () => undefined;
  private isOver = false;

  private constructor(
    private readonly child: ChildProcess,
    database: Database,
  ) {
    const connections = database.connections();
    child.on('message', (message) => {
      const told = message as Told;
      if (told.kind === 'sql') {
        void connections.serve(told, (answer) => {
          if (child.connected) child.send(answer, () => undefined);
        });
      } else if (told.kind === 'noted') this.noted.push(told.id);
      else if (told.kind === 'read') this.read.push(told.id);
      else this.seen.add(told.kind);
      this.wake();
    });
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on('data', (chunk: Buffer) => {
        this.output = (this.output + chunk.toString()).slice(-20_000);
      });
    }
    this.ended = new Promise((resolve) => {
      child.once('close', (code, signal) => {
        this.isOver = true;
        this.wake();
        void connections.gone().then(() => resolve({ code, signal }));
      });
    });
  }

  static start(order: LifeOrder, database: Database): Life {
    const child = fork(application, [JSON.stringify(order)], { silent: true, execArgv: [] });
    return new Life(child, database);
  }

  /** Resolves when the application said so, or has ended. */
  async until(what: 'armed' | 'running', withinMs: number): Promise<void> {
    const late = Date.now() + withinMs;
    while (!this.seen.has(what) && !this.isOver) {
      if (Date.now() > late) throw new Error(`not ${what} after ${withinMs} ms: ${this.output}`);
      await new Promise<void>((resolve) => {
        this.wake = resolve;
        setTimeout(resolve, 500).unref();
      });
    }
  }

  /** Sends SIGTERM and waits for the end; an application that does not end is killed. */
  async terminate(withinMs: number): Promise<End> {
    const began = performance.now();
    this.child.kill('SIGTERM');
    const timer = setTimeout(() => this.child.kill('SIGKILL'), withinMs);
    const end = await this.ended;
    clearTimeout(timer);
    return { ...end, took: performance.now() - began };
  }

  /** For the way out of a campaign that failed. */
  async kill(): Promise<void> {
    this.child.kill('SIGKILL');
    await this.ended;
  }
}
