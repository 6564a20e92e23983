import { nextTick } from 'node:process';
import { setImmediate } from 'node:timers';
import { systemClock, type Logger } from '@nestjs-rocketmq/foundation';
import type { Activity } from './activity.js';
import type { KitClock } from './kit-clock.js';
import type { UserCalls } from './user-calls.js';

/** Turns of the event loop in which nothing happens, before the kit believes that nothing will. */
const quietTurns = 3;

/** Somebody who waits until something has happened, or time has come. */
export interface Waiter {
  readonly isDone: () => boolean;
  /** Time is not moved beyond this for it; milliseconds of the kit's clock. */
  readonly until: number;
}

/**
 * Moves the clock, and only when there is nothing left to do before: no bytes under way, no file being
 * written, no handler at work. Time passes while somebody waits for it: `advance`, an expectation with
 * a deadline, or a call of the client that cannot end otherwise (a send to a broker that is down).
 */
export class TimeKeeper {
  private readonly waiters = new Set<Waiter>();
  private running: Promise<void> | undefined;
  private isClosed = false;

  constructor(
    private readonly clock: KitClock,
    private readonly activity: Activity,
    private readonly calls: UserCalls,
    /** Real milliseconds that a handler gets before time goes on without it. */
    private readonly patience: number,
    private readonly logger: Logger,
  ) {}

  /** Lets time pass until the waiter is done, or its time has come. */
  async wait(waiter: Waiter): Promise<void> {
    this.waiters.add(waiter);
    try {
      while (!waiter.isDone() && !this.isClosed && !this.hasPassed(waiter.until)) {
        await this.drive();
      }
    } finally {
      this.waiters.delete(waiter);
    }
  }

  /** Lets `ms` pass, and everything that they bring. */
  async advance(ms: number): Promise<void> {
    const until = this.clock.now() + ms;
    await this.wait({ isDone: () => false, until });
    await this.rest();
  }

  /** Resolves when nothing is left to do at this moment. */
  async rest(): Promise<void> {
    do {
      await this.settle();
    } while (await this.userCallsWork());
  }

  /** Time passes while a call of the client is under way that needs it. */
  async during<T>(work: Promise<T>): Promise<T> {
    const over = this.calls.waitsForKit();
    let isDone = false;
    const ended = work.finally(() => {
      isDone = true;
      over();
      this.activity.happened();
    });
    void this.wait({ isDone: () => isDone, until: Number.POSITIVE_INFINITY });
    return ended;
  }

  close(): void {
    this.isClosed = true;
  }

  /** One driver for all who wait. */
  private drive(): Promise<void> {
    this.running ??= this.run().finally(() => (this.running = undefined));
    return this.running;
  }

  private async run(): Promise<void> {
    await this.rest();
    while (!this.isClosed) {
      const until = this.wantedTime();
      if (until === undefined) return;
      const next = this.clock.nextAt;
      if (next === undefined || next > until) {
        // Somebody waits for ever, and nothing will ever happen: real time may bring something.
        if (until === Number.POSITIVE_INFINITY) return turn();
        return this.clock.moveTo(until);
      }
      await this.step();
    }
  }

  /** The first time that somebody waits for who is not done: nobody's time is passed over. */
  private wantedTime(): number | undefined {
    let first: number | undefined;
    for (const { isDone, until } of this.waiters) {
      if (!isDone()) first = Math.min(first ?? Number.POSITIVE_INFINITY, until);
    }
    return first;
  }

  /** The time has come, and everything that was due until then has run. */
  private hasPassed(until: number): boolean {
    const { nextAt } = this.clock;
    return this.clock.now() >= until && (nextAt === undefined || nextAt > until);
  }

  private async step(): Promise<void> {
    const before = this.activity.count;
    const isPeriodic = this.clock.runNext();
    // Most timers that come again and again find nothing to do: whatever they begin shows at once.
    await afterPromises();
    if (isPeriodic && this.activity.count === before && this.activity.inFlight === 0) return;
    await this.rest();
  }

  private async settle(): Promise<void> {
    const { activity } = this;
    let seen = activity.count;
    for (let quiet = 0; quiet < quietTurns;) {
      await turn();
      if (activity.count === seen && activity.inFlight === 0) quiet += 1;
      else quiet = 0;
      seen = activity.count;
    }
  }

  /** Waits a while for handlers that are at work. True when there were any. */
  private async userCallsWork(): Promise<boolean> {
    if (this.calls.busy === 0) return false;
    const giveUp = new AbortController();
    const late = systemClock.sleep(this.patience, giveUp.signal).then(
      () => true,
      () => false,
    );
    const isLate = await Promise.race([late, this.calls.change().then(() => false)]);
    giveUp.abort();
    if (isLate) this.goOnWithout(this.calls.giveUp());
    return true;
  }

  private goOnWithout(count: number): void {
    if (this.patience === 0) return;
    this.logger.warn(
      `${count} handlers have been at work for ${this.patience} ms of real time; virtual time goes ` +
        "on without them. Let them wait on the kit's clock, or set 'patience'.",
    );
  }
}

/** The next turn of the event loop. */
function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** When every promise that is ready has run. */
function afterPromises(): Promise<void> {
  return new Promise((resolve) => nextTick(resolve));
}
