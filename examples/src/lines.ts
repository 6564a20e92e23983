import { EventEmitter, once } from 'node:events';

/** Prints what an example does, and knows when enough of it has happened for the example to end. */
export class Lines {
  private readonly events = new EventEmitter();
  private printed = 0;

  print(line: string): void {
    console.log(line);
    this.printed += 1;
    this.events.emit('line');
  }

  /** Resolves when so many lines have been printed. */
  async until(count: number): Promise<void> {
    while (this.printed < count) await once(this.events, 'line');
  }
}
