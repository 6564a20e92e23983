import type { Logger } from './logger.js';

/** Names that share a reason. */
export interface IdleGroup {
  /** Why nothing comes of setting them, as the end of a sentence. */
  readonly reason: string;
  /** Separated by white space. */
  readonly names: string;
}

/**
 * Names that operators may set and that do nothing here, each with the reason. A log says so, one
 * line for each reason; `docs/configuration.md` prints them.
 */
export class IdleOptions {
  private readonly reasons = new Map<string, string>();

  constructor(
    /** Starts the sentence of a log line, for example `Broker options`. */
    readonly subject: string,
    readonly idleGroups: readonly IdleGroup[],
  ) {
    for (const { reason, names } of idleGroups) {
      for (const name of names.split(/\s+/)) if (name !== '') this.reasons.set(name, reason);
    }
  }

  get names(): string[] {
    return [...this.reasons.keys()];
  }

  has(name: string): boolean {
    return this.reasons.has(name);
  }

  reasonOf(name: string): string | undefined {
    return this.reasons.get(name);
  }

  /** Tells of those among `given`, one line for each reason. */
  tell(given: Iterable<string>, logger: Logger): void {
    const told = new Map<string, string[]>();
    for (const name of given) {
      const reason = this.reasons.get(name);
      if (reason === undefined) continue;
      const names = told.get(reason);
      if (names === undefined) told.set(reason, [name]);
      else names.push(name);
    }
    for (const [reason, names] of told) {
      const verb = names.length === 1 ? 'does' : 'do';
      logger.info(`${this.subject}: ${names.join(', ')} ${verb} nothing here: ${reason}.`);
    }
  }
}
