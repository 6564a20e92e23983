/**
 * Tasks for later turns of the event loop, counted. Everything in a simulated world that does not
 * happen at once goes through here, so the world knows when it has come to rest. Node runs
 * immediates in the order they were asked for and promises in between, so the order is the same
 * each time as long as nothing asks the operating system.
 */
export class Macrotasks {
  private pending = 0;

  readonly later = (task: () => void): void => {
    this.pending += 1;
    setImmediate(() => {
      this.pending -= 1;
      task();
    });
  };

  /** Lets one turn of the event loop pass. */
  hop(): Promise<void> {
    return new Promise((resolve) => void setImmediate(resolve));
  }

  /** Resolves when nothing happens any more without time going on. */
  async idle(): Promise<void> {
    for (let quiet = 0; quiet < 2; quiet += 1) {
      await this.hop();
      if (this.pending > 0) quiet = -1;
    }
  }
}
