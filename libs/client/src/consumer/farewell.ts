import { messageOf, withDeadline, type Clock, type Logger } from '@nestjs-rocketmq/foundation';
import { CloseDeadlineError } from '../client.errors.js';

/** For the last words to the brokers, when the deadline left less. */
const leastLastWords = 1_000;

/** The time that a close may take: each step gets what the ones before left. */
export class Farewell {
  private readonly end: number;

  constructor(
    private readonly clock: Clock,
    private readonly logger: Logger,
    deadlineMs: number,
  ) {
    this.end = clock.monotonic() + deadlineMs;
  }

  get remaining(): number {
    return Math.max(this.end - this.clock.monotonic(), 0);
  }

  /** Stores offsets, tells the brokers: `say` gets the time for one broker. Never rejects. */
  async lastWords(say: (timeMs: number) => Promise<void>): Promise<void> {
    const time = Math.max(this.remaining, leastLastWords);
    await this.step('Saying farewell to the brokers', () => say(time), time);
  }

  /** Answers whether the work ended well and in time; why not is logged. Never rejects. */
  async step(what: string, work: () => Promise<void>, ms = this.remaining): Promise<boolean> {
    try {
      await withDeadline(
        this.clock,
        ms,
        work,
        () => new CloseDeadlineError(`${what} had not ended when the time to close was over.`),
      );
      return true;
    } catch (error) {
      this.logger.warn(messageOf(error), { error });
      return false;
    }
  }
}
