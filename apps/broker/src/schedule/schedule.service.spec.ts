import { silentLogger } from '@nestjs-rocketmq/foundation';
import { ManualClock } from '@nestjs-rocketmq/foundation/testing';
import type { ConsumeQueue, MessageStore } from '@nestjs-rocketmq/store';
import type { Figures } from '../admin/figures.js';
import type { StoreHost } from '../send/message-draft.js';
import { MemoryTable } from '../testing/memory-table.js';
import { DelayLevels } from './delay-levels.js';
import { ScheduleService } from './schedule.service.js';

interface Waiting {
  readonly due: number;
  readonly storedAt: number;
}

/** The due time of a message whose queue has lost it with its extension. */
const lost = -1;

/** Queues of the schedule topic whose messages are gone, so that only their times count. */
class Schedule {
  readonly queues = new Map<number, Waiting[]>();
  /** So many reads of queues fail from now on. */
  failures = 0;
  arrived: (queue: ConsumeQueue) => void = () => undefined;

  store(): MessageStore {
    const queueOf = (queueId: number): Waiting[] => this.queues.get(queueId) ?? [];
    const store = {
      queue: (topic: string, queueId: number) => ({
        topic,
        queueId,
        min: 0,
        get visible() {
          return queueOf(queueId).length;
        },
        entryAt: (at: number, entry: { tagsCode: number }) => {
          if (this.failures > 0) {
            this.failures -= 1;
            throw new Error('EIO');
          }
          entry.tagsCode = queueOf(queueId)[at]?.due ?? 0;
          return true;
        },
        tagsCodeOf: (entry: { tagsCode: number }) =>
          entry.tagsCode === lost ? undefined : entry.tagsCode,
      }),
      onArrival: (listener: Schedule['arrived']) => (this.arrived = listener),
      readRecordAt: () => undefined,
      storeTimeAt: (queue: ConsumeQueue, at: number) => queueOf(queue.queueId)[at]?.storedAt,
      flush: () => Promise.resolve(),
    };
    return store as unknown as MessageStore;
  }
}

describe('ScheduleService', () => {
  const start = 1_000_000;
  let clock: ManualClock;
  let schedule: Schedule;
  let file: MemoryTable;

  const open = (levels: string): ScheduleService => {
    const service = new ScheduleService({
      store: schedule.store(),
      levels: DelayLevels.parse(levels),
      file,
      figures: {} as Figures,
      clock,
      logger: silentLogger,
      place: { host: Uint8Array.of(127, 0, 0, 1), port: 1 } as unknown as StoreHost,
      options: { delayOffsetUpdateVersionStep: 200 },
    });
    service.open();
    return service;
  };
  const next = (service: ScheduleService): number[] => service.progress().map((one) => one.next);

  beforeEach(() => {
    clock = new ManualClock(start);
    schedule = new Schedule();
    file = new MemoryTable();
  });

  it('keeps the promise of a message whose level was made shorter since', async () => {
    schedule.queues.set(0, [{ due: start + 60_000, storedAt: start - 1000 }]);
    const service = open('1s 5s');
    await clock.advance(59_999);
    expect(next(service)).toEqual([0, 0]);
    await clock.advance(1);
    expect(next(service)).toEqual([1, 0]);
  });

  it('does not wait for a time that comes from a clock that was set back', async () => {
    schedule.queues.set(0, [{ due: start + 3_600_000, storedAt: start + 3_599_000 }]);
    const service = open('1s 5s');
    await clock.advance(1);
    expect(next(service)).toEqual([1, 0]);
  });

  it('goes by the level where the queue has lost the time of a message', async () => {
    schedule.queues.set(1, [{ due: lost, storedAt: start - 1000 }]);
    const service = open('1s 5s');
    await clock.advance(3999);
    expect(next(service)).toEqual([0, 0]);
    await clock.advance(1);
    expect(next(service)).toEqual([0, 1]);
  });

  it('looks again when the disk did not say when a message is due', async () => {
    const service = open('1s 5s');
    schedule.queues.set(1, [
      { due: start + 5000, storedAt: start },
      { due: start + 5000, storedAt: start },
    ]);
    schedule.failures = 1;
    schedule.arrived(schedule.store().queue('SCHEDULE_TOPIC_XXXX', 1));
    await clock.advance(30_000);
    expect(next(service)).toEqual([0, 2]);
  });

  it('keeps the progress of levels that are not configured at present', async () => {
    file.write({ offsetTable: { 1: 0, 2: 1, 7: 5 } });
    schedule.queues.set(0, [{ due: start, storedAt: start - 1000 }]);
    schedule.queues.set(1, [{ due: start, storedAt: start - 5000 }]);
    const service = open('1s 5s');
    await clock.advance(1);
    await service.persist();
    expect(file.read()).toMatchObject({ offsetTable: { 1: 1, 2: 1, 7: 5 } });
  });
});
