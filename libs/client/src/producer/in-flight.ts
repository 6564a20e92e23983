import { ClientStateError } from '../client.errors.js';

interface Waiter {
  readonly bytes: number;
  readonly admit: () => void;
  readonly refuse: (error: Error) => void;
}

/**
 * How many sends, and how many bytes of bodies, are under way. Whoever comes when a bound is
 * reached waits in line (first come, first served) instead of failing.
 *
 * A message larger than the whole bound of bytes passes alone. Kept free of promises and closures
 * when there is room: that is the path of every send.
 */
export class InFlight {
  private count = 0;
  private bytes = 0;
  private line: Waiter[] = [];
  private closed: Error | undefined;
  private readonly onIdle: (() => void)[] = [];

  constructor(
    private readonly maxCount: number,
    private readonly maxBytes: number,
  ) {}

  /** Sends under way. */
  get running(): number {
    return this.count;
  }

  /** Sends that wait in line. */
  get waiting(): number {
    return this.line.length;
  }

  /** Lets a send in at once, or answers false: then `wait`. */
  tryEnter(bytes: number): boolean {
    if (this.line.length > 0 || this.closed !== undefined || !this.hasRoom(bytes)) return false;
    this.count += 1;
    this.bytes += bytes;
    return true;
  }

  /** Resolves when the send is let in; rejects when the producer closes before. */
  wait(bytes: number): Promise<void> {
    if (this.closed !== undefined) return Promise.reject(this.closed);
    return new Promise((admit, refuse) => this.line.push({ bytes, admit, refuse }));
  }

  /** The send has ended, well or not. */
  leave(bytes: number): void {
    this.count -= 1;
    this.bytes -= bytes;
    if (this.line.length > 0) this.serve();
    if (this.count === 0 && this.line.length === 0) this.announceIdle();
  }

  /** Refuses newcomers from now on; those in line are still served. */
  close(): void {
    this.closed ??= new ClientStateError('The producer is closed; it sends nothing any more.');
  }

  /** Fails everybody in line. */
  abandon(): void {
    const line = this.line;
    this.line = [];
    const error = new ClientStateError('The producer closed before this send had its turn.');
    for (const waiter of line) waiter.refuse(error);
  }

  /** Resolves when nothing is under way and nobody waits. */
  idle(): Promise<void> {
    if (this.count === 0 && this.line.length === 0) return Promise.resolve();
    return new Promise((resolve) => this.onIdle.push(resolve));
  }

  private hasRoom(bytes: number): boolean {
    if (this.count >= this.maxCount) return false;
    return this.bytes === 0 || this.bytes + bytes <= this.maxBytes;
  }

  private serve(): void {
    let served = 0;
    for (const waiter of this.line) {
      if (!this.hasRoom(waiter.bytes)) break;
      this.count += 1;
      this.bytes += waiter.bytes;
      served += 1;
      waiter.admit();
    }
    if (served > 0) this.line.splice(0, served);
  }

  private announceIdle(): void {
    for (const resolve of this.onIdle.splice(0)) resolve();
  }
}
