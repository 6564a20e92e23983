import { AsyncLocalStorage } from 'node:async_hooks';
import type { Activity } from './activity.js';

/** A handler of the application at work. */
interface UserCall {
  /** What it waits for that only the kit can end: a send, or a sleep on the kit's clock. */
  waits: number;
  /** It took longer than the kit is patient: time goes on without it. */
  isLate: boolean;
}

/**
 * The application's own code that runs because of a message: handlers, local transactions, checks.
 * Time stands still while it works, for what it does (a database, HTTP) takes real time.
 */
export class UserCalls {
  private readonly storage = new AsyncLocalStorage<UserCall>();
  private readonly inHand = new Set<UserCall>();
  private readonly watchers = new Set<() => void>();

  constructor(private readonly activity: Activity) {}

  /** Calls that work, and wait neither for the kit nor too long. */
  get busy(): number {
    let count = 0;
    for (const call of this.inHand) if (call.waits === 0 && !call.isLate) count += 1;
    return count;
  }

  /** All calls that have not ended. */
  get size(): number {
    return this.inHand.size;
  }

  /** Runs a call of the application's code. */
  async run<T>(work: () => Promise<T> | T): Promise<T> {
    const call: UserCall = { waits: 0, isLate: false };
    this.inHand.add(call);
    this.changed();
    try {
      return await this.storage.run(call, work);
    } finally {
      this.inHand.delete(call);
      this.changed();
    }
  }

  /** The running call waits for the kit from now until the function given back is called. */
  waitsForKit(): () => void {
    const call = this.storage.getStore();
    if (call === undefined) return () => undefined;
    call.waits += 1;
    this.changed();
    let isOver = false;
    return () => {
      if (isOver) return;
      isOver = true;
      call.waits -= 1;
      this.changed();
    };
  }

  /** Time goes on without those that are at work now. Gives back how many there are. */
  giveUp(): number {
    const count = this.busy;
    for (const call of this.inHand) call.isLate = true;
    return count;
  }

  /** Resolves when a call begins, ends or waits. */
  change(): Promise<void> {
    return new Promise((resolve) => this.watchers.add(resolve));
  }

  private changed(): void {
    this.activity.happened();
    for (const watcher of this.watchers) watcher();
    this.watchers.clear();
  }
}
