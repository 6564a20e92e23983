import { type Clock, type Logger, SerialQueue, type Timer } from '@nestjs-rocketmq/foundation';
import type { Figures } from './admin/figures.js';
import type { ClientDirectory } from './membership/client-directory.js';
import type { ConsumerFilters } from './filters/consumer-filters.js';
import type { QueueLocks } from './membership/queue-locks.js';
import type { ConsumerOffsets } from './offsets/consumer-offsets.js';
import type { ScheduleService } from './schedule/schedule.service.js';
import type { CheckCounts } from './transaction/check-counts.js';
import type { HalfMessages } from './transaction/half-messages.js';

export interface HousekeepingParts {
  readonly offsets: ConsumerOffsets;
  readonly filters: ConsumerFilters;
  readonly halves: HalfMessages;
  readonly counts: CheckCounts;
  readonly schedule: ScheduleService;
  readonly clients: ClientDirectory;
  readonly locks: QueueLocks;
  readonly figures: Figures;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly options: {
    readonly flushConsumerOffsetInterval: number;
    readonly flushDelayOffsetInterval: number;
  };
}

const sweepPeriod = 10_000;
const tellPeriod = 15_000;
const saveTablesPeriod = 10_000;
const waitingTasks = 8;

/** What has to be done again and again: saving progress, forgetting who went silent, sampling. */
export class HousekeepingService {
  private readonly timers: Timer[] = [];
  private isOpen = false;
  /** Progress is saved by one at a time. */
  private readonly saving = new SerialQueue(waitingTasks);

  constructor(private readonly parts: HousekeepingParts) {}

  open(): void {
    this.isOpen = true;
    const { clock, options, clients, locks, figures } = this.parts;
    this.timers.push(
      clock.every(options.flushConsumerOffsetInterval, () => this.try(() => this.saveOffsets())),
      clock.every(options.flushDelayOffsetInterval, () => this.try(() => this.saveDelays())),
      clock.every(saveTablesPeriod, () => this.try(async () => this.saveTables())),
      clock.every(figures.samplePeriod, () => figures.sample()),
      clock.every(tellPeriod, () => clients.tellOfChanges()),
      clock.every(sweepPeriod, () => {
        clients.sweep();
        locks.sweep(clock.monotonic());
      }),
    );
  }

  /** Intervals were changed: all begin anew. */
  intervalsChanged(): void {
    if (!this.isOpen) return;
    this.cancel();
    this.open();
  }

  /** Stops, and saves everything once more. Throws when that fails. */
  async close(): Promise<void> {
    this.isOpen = false;
    this.cancel();
    await this.saving.run(async () => {
      await this.saveOffsets();
      await this.saveDelays();
      this.saveTables();
    });
  }

  private cancel(): void {
    for (const timer of this.timers.splice(0)) timer.cancel();
  }

  private async saveOffsets(): Promise<void> {
    try {
      await this.parts.halves.saveProgress();
    } finally {
      // What consumers committed is theirs, also when the store has failed.
      this.parts.offsets.persist();
    }
  }

  private saveTables(): void {
    this.parts.filters.persist();
    this.parts.counts.persist();
  }

  private async saveDelays(): Promise<void> {
    await this.parts.schedule.persist();
  }

  private try(task: () => Promise<void>): void {
    // A task that still waits will save what this one would.
    if (this.saving.length > 2) return;
    this.saving.run(task).catch((error: unknown) => {
      this.parts.logger.error('progress could not be saved; trying again', { error });
    });
  }
}
