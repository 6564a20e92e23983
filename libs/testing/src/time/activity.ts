/**
 * What goes on inside the kit. Whatever moves (bytes, files, timers, handlers) says so here; that is
 * how the kit knows that nothing is left to do at this moment of its time.
 */
export class Activity {
  /** Goes up with everything that happens. */
  count = 0;
  /** Deliveries of bytes that will happen in a later turn of the event loop. */
  inFlight = 0;

  happened(): void {
    this.count += 1;
  }
}
