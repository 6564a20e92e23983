import { spawn, type ChildProcess } from 'node:child_process';

/** What a started program printed and how it ended; lines can be awaited with a deadline. */
export class RunningProgram {
  readonly pid: number;
  readonly exited: Promise<number>;
  readonly lines: string[] = [];
  readonly errors: string[] = [];
  private readonly watchers = new Set<() => void>();
  private over = false;
  private readonly readEvents: ProgramEvent[] = [];
  /** Lines whose events are in `readEvents`. */
  private readLines = 0;

  private constructor(
    readonly name: string,
    private readonly child: ChildProcess,
  ) {
    this.pid = child.pid ?? -1;
    this.exited = new Promise((resolve) => {
      child.once('error', (error) => {
        this.errors.push(String(error));
        this.finish(resolve, -1);
      });
      child.once('close', (code, signal) => this.finish(resolve, code ?? (signal ? 128 : -1)));
    });
    collectLines(child.stdout, this.lines, () => this.tell());
    collectLines(child.stderr, this.errors, () => this.tell());
    alive.add(this);
  }

  static start(
    name: string,
    command: string,
    args: readonly string[],
    options: { cwd: string; env?: Record<string, string> },
  ): RunningProgram {
    const child = spawn(command, args, {
      cwd: options.cwd,
      env: { ...process.env, ...options.env },
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    child.stdin?.on('error', () => undefined);
    return new RunningProgram(name, child);
  }

  /** Waits until `look` finds something in the output; throws with the output when it ends before. */
  async until<T>(what: string, deadlineMs: number, look: () => T | undefined): Promise<T> {
    const found = look();
    if (found !== undefined) return found;
    return new Promise<T>((resolve, reject) => {
      const end = (act: () => void) => {
        clearTimeout(timer);
        this.watchers.delete(check);
        act();
      };
      const check = () => {
        const value = look();
        if (value !== undefined) return end(() => resolve(value));
        if (this.over) end(() => reject(this.failure(`ended before: ${what}`)));
      };
      const timer = setTimeout(
        () => end(() => reject(this.failure(`no "${what}" within ${deadlineMs} ms`))),
        deadlineMs,
      );
      this.watchers.add(check);
      check();
    });
  }

  /** Waits for a line of standard output that contains `text`. */
  untilLine(text: string, deadlineMs = 60_000): Promise<string> {
    return this.until(text, deadlineMs, () => this.lines.find((line) => line.includes(text)));
  }

  /** The events a Java program of ours printed so far: its lines that are JSON objects. */
  events<T = ProgramEvent>(kind?: string): T[] {
    for (; this.readLines < this.lines.length; this.readLines += 1) {
      const line = this.lines[this.readLines] as string;
      if (line.startsWith('{"event":')) this.readEvents.push(JSON.parse(line) as ProgramEvent);
    }
    const isAsked = (event: ProgramEvent) => kind === undefined || event.event === kind;
    return this.readEvents.filter(isAsked) as T[];
  }

  /** Waits until `count` events of `kind` were printed. */
  untilEvents<T = ProgramEvent>(kind: string, count = 1, deadlineMs = 60_000): Promise<T[]> {
    return this.until(`${count} x ${kind}`, deadlineMs, () => {
      const events = this.events<T>(kind);
      return events.length >= count ? events : undefined;
    });
  }

  /** Sends one line to the program's standard input. */
  tellProgram(line: string): void {
    this.child.stdin?.write(`${line}\n`);
  }

  /** Waits for the end and refuses another exit code than 0. */
  async success(deadlineMs = 60_000): Promise<void> {
    const code = await this.until('end of program', deadlineMs, () =>
      this.over ? this.exited : undefined,
    ).catch(async (error: unknown) => {
      if (!this.over) throw error;
      return this.exited;
    });
    if (code !== 0) throw this.failure(`ended with code ${code}`);
  }

  /** SIGTERM to this process only, SIGKILL to the same process when it does not end in time. */
  async stop(deadlineMs = 60_000): Promise<void> {
    if (this.over) return;
    this.child.kill('SIGTERM');
    const timer = setTimeout(() => this.child.kill('SIGKILL'), deadlineMs);
    await this.exited;
    clearTimeout(timer);
  }

  /** SIGKILL, as a crash. */
  async kill(): Promise<void> {
    if (this.over) return;
    this.child.kill('SIGKILL');
    await this.exited;
  }

  get ended(): boolean {
    return this.over;
  }

  output(): string {
    const last = [...this.lines.slice(-15), ...this.errors.slice(-15)];
    return last.map((line) => line.slice(0, 240)).join('\n');
  }

  private failure(sentence: string): Error {
    return new Error(`${this.name} (pid ${this.pid}) ${sentence}\n${this.output()}`);
  }

  private finish(resolve: (code: number) => void, code: number): void {
    if (this.over) return;
    this.over = true;
    alive.delete(this);
    resolve(code);
    this.tell();
  }

  private tell(): void {
    for (const watcher of this.watchers) watcher();
  }

  /** For the end of this process only: nothing that we started may outlive it. */
  killNow(): void {
    if (!this.over) this.child.kill('SIGKILL');
  }
}

export interface ProgramEvent {
  readonly event: string;
  readonly [field: string]: unknown;
}

const alive = new Set<RunningProgram>();
process.on('exit', () => {
  for (const program of alive) program.killNow();
});

function collectLines(
  stream: NodeJS.ReadableStream | null,
  into: string[],
  changed: () => void,
): void {
  let rest = '';
  stream?.setEncoding('utf8');
  stream?.on('data', (chunk: string) => {
    const parts = (rest + chunk).split('\n');
    rest = parts.pop() ?? '';
    for (const part of parts) into.push(part.replace(/\r$/, ''));
    if (parts.length > 0) changed();
  });
  stream?.on('end', () => {
    if (rest !== '') into.push(rest);
    rest = '';
    changed();
  });
}
