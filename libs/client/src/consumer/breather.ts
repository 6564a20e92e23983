/** Milliseconds for which listeners may be called in one turn of the event loop. */
const longestTurn = 5;

/**
 * Lets the event loop turn while a backlog is handed out. Listeners that answer at once, or only
 * wait for promises that are ready, never give sockets and timers a chance by themselves: heartbeats
 * and locks would run out in the middle of a backlog.
 */
export class Breather {
  private began: number | undefined;
  private isWanted = false;

  /** `goOn` is called in the next turn when this one was over; `schedule` is for specs. */
  constructor(
    private readonly goOn: () => void,
    private readonly schedule: (turn: () => void) => unknown = setImmediate,
  ) {}

  /** Whether listeners were called long enough in this turn. `now` is in monotonic ms. */
  isOver(now: number): boolean {
    if (this.began === undefined) {
      this.began = now;
      this.schedule(this.turn);
      return false;
    }
    if (now - this.began < longestTurn) return false;
    this.isWanted = true;
    return true;
  }

  private readonly turn = (): void => {
    this.began = undefined;
    if (!this.isWanted) return;
    this.isWanted = false;
    this.goOn();
  };
}
