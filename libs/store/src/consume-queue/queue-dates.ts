import { type Logger, messageOf } from '@nestjs-rocketmq/foundation';
import { entryBytes } from '../formats/consume-queue-entry.js';
import type { ConsumeQueue } from './consume-queue.js';

/**
 * Full queue files say that they were changed when their last message was stored, although entries
 * are written later than that, and after a crash once more: 4.9 looks for a time in the first file
 * that was changed at that time or after it.
 */
export class QueueDates {
  /** Whoever does not own the files may write them and not say when they were changed. */
  private isRefused = false;

  constructor(private readonly logger: Logger) {}

  /** Entries were written, from `before` on; `timeAt` knows when a message was stored. */
  written(
    queue: ConsumeQueue,
    before: number,
    timeAt: (queue: ConsumeQueue, queueOffset: number) => number | undefined,
  ): void {
    const perFile = queue.files.segmentSize / entryBytes;
    for (let end = before - (before % perFile) + perFile; end <= queue.written; end += perFile) {
      this.date(queue, end - 1, timeAt);
    }
  }

  private date(
    queue: ConsumeQueue,
    last: number,
    timeAt: (queue: ConsumeQueue, queueOffset: number) => number | undefined,
  ): void {
    try {
      const time = timeAt(queue, last);
      if (time !== undefined) queue.files.setModified(last * entryBytes, time);
    } catch (error) {
      const fields = { error: messageOf(error) };
      if (!this.isRefused) this.logger.warn('Queue files cannot be dated', fields);
      this.isRefused = true;
    }
  }
}
