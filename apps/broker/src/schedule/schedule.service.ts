import type { Clock, Logger, Timer } from '@nestjs-rocketmq/foundation';
import { PropertyName, SystemTopic } from '@nestjs-rocketmq/message';
import type { ConsumeQueue, MessageStore } from '@nestjs-rocketmq/store';
import type { Figures } from '../admin/figures.js';
import { MessageType } from '../admin/topic-traffic.js';
import { MessageDraft, type StoreHost } from '../send/message-draft.js';
import { objectMember } from '../table-file.js';
import type { TableStorage } from '../table-file.js';
import { TableVersion } from '../table-version.js';
import type { DelayLevels } from './delay-levels.js';

const encoder = new TextEncoder();
const realTopicName = encoder.encode(PropertyName.REAL_TOPIC);
const realQueueName = encoder.encode(PropertyName.REAL_QUEUE_ID);

/** Messages of a level delivered in one go; between two goes others have their turn. */
const deliveriesAtATime = 256;
/** After a failure a level rests for so long. */
const restMillis = 1000;

export interface ScheduleParts {
  readonly store: MessageStore;
  readonly levels: DelayLevels;
  readonly file: TableStorage;
  readonly figures: Figures;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly place: StoreHost;
  /** Deliveries between two steps of the version of the file. */
  readonly options: { readonly delayOffsetUpdateVersionStep: number };
}

interface Level {
  readonly level: number;
  readonly queue: ConsumeQueue;
  /** The next message to deliver. */
  next: number;
  /** `next` as of the last turn that was written. */
  written: number;
  timer: Timer | undefined;
}

/**
 * Delivers delayed messages when their time has come. Within a level messages are due in the order
 * of their queue, so one timer per level, set to the time of the first, is all it takes. How far
 * each level is lies in `config/delayOffset.json`; a crash delivers the unsaved part again.
 */
export class ScheduleService {
  private readonly states: Level[] = [];
  /** Progress of levels that `messageDelayLevel` does not name now; they may come back. */
  private readonly higher: Record<string, number> = {};
  private readonly version: TableVersion;
  private readonly draft: MessageDraft;
  private readonly entry = { position: 0, size: 0, tagsCode: 0 };
  private deliveries = 0;
  private isDirty = false;
  private isClosed = false;

  constructor(private readonly parts: ScheduleParts) {
    this.version = new TableVersion(parts.clock.now());
    this.draft = new MessageDraft(parts.place);
  }

  /** Reads the progress and begins to deliver. */
  open(): void {
    const { store, levels, file } = this.parts;
    const stored = file.read();
    this.version.restore(stored?.['dataVersion']);
    const offsets = objectMember(stored, 'offsetTable');
    for (const [level, next] of Object.entries(offsets)) {
      if (Number(level) > levels.highest) this.higher[level] = Number(next);
    }
    for (let level = 1; level <= levels.highest; level += 1) {
      const queue = store.queue(SystemTopic.SCHEDULE, levels.queueOf(level));
      const known = Number(offsets[String(level)] ?? queue.min);
      const next = Math.min(Math.max(known, queue.min), queue.visible);
      this.states.push({ level, queue, next, written: next, timer: undefined });
    }
    store.onArrival((queue) => this.arrived(queue));
    for (const state of this.states) this.arm(state);
  }

  /** Per level: the next message to deliver, and one past the last that waits. */
  progress(): { level: number; next: number; end: number }[] {
    return this.states.map(({ level, next, queue }) => ({ level, next, end: queue.visible }));
  }

  /** The write of the turn went well. */
  turnWritten(): void {
    for (const state of this.states) state.written = state.next;
  }

  /** The write of the turn failed: what it delivered was not delivered. */
  turnFailed(): void {
    for (const state of this.states) {
      if (state.next === state.written) continue;
      state.next = state.written;
      this.rest(state);
    }
  }

  /** Writes the progress, once what was delivered is durable. */
  async persist(): Promise<void> {
    if (!this.isDirty) return;
    this.isDirty = false;
    const own = this.states.map(({ level, next }) => [String(level), next]);
    const offsetTable = { ...this.higher, ...(Object.fromEntries(own) as Record<string, number>) };
    try {
      await this.parts.store.flush();
      this.parts.file.write({ dataVersion: this.version.toJSON(), offsetTable });
    } catch (error) {
      this.isDirty = true;
      throw error;
    }
  }

  /** Delivers nothing more. */
  close(): void {
    this.isClosed = true;
    for (const state of this.states) state.timer?.cancel();
  }

  private arrived(queue: ConsumeQueue): void {
    if (queue.topic !== SystemTopic.SCHEDULE) return;
    const state = this.states[queue.queueId];
    if (state !== undefined && state.timer === undefined) this.arm(state);
  }

  /** Sets the timer of a level to the time of its first message, if it has one. */
  private arm(state: Level): void {
    if (this.isClosed || state.next >= state.queue.visible) return;
    try {
      this.setTimer(state, Math.max(0, this.dueIn(state)));
    } catch (error) {
      // Whoever brought the message has nothing to do with it; the level looks again by itself.
      this.tryLater(state, error);
    }
  }

  private tryLater(state: Level, error: unknown): void {
    this.parts.logger.warn('a delayed message could not be delivered; trying again', {
      level: state.level,
      offset: state.next,
      error,
    });
    this.rest(state);
  }

  private rest(state: Level): void {
    state.timer?.cancel();
    this.setTimer(state, restMillis);
  }

  private setTimer(state: Level, millis: number): void {
    state.timer = this.parts.clock.after(millis, () => {
      state.timer = undefined;
      this.deliver(state);
    });
  }

  /** Milliseconds until the first message of a level is due. */
  private dueIn(state: Level): number {
    const { queue, level, next } = state;
    if (!queue.entryAt(next, this.entry)) return 0;
    const { clock, levels, store } = this.parts;
    const now = clock.now();
    const due = queue.tagsCodeOf(this.entry);
    // What the queue's extension has lost, the level says.
    if (due === undefined) {
      return (store.storeTimeAt(queue, next) ?? 0) + levels.delayOf(level) - now;
    }
    const wait = due - now;
    if (wait <= levels.delayOf(level)) return wait;
    // Longer than its level says: the level was longer when the message came, and it waits for
    // what it was promised; or the clock was set back since, and then nobody knows, as in Java.
    const storedAt = store.storeTimeAt(queue, next);
    return storedAt !== undefined && storedAt <= now ? wait : 0;
  }

  private deliver(state: Level): void {
    if (this.isClosed) return;
    try {
      for (let count = 0; count < deliveriesAtATime; count += 1) {
        if (state.next >= state.queue.visible || this.dueIn(state) > 0) break;
        this.deliverOne(state.queue, state.next);
        state.next += 1;
        this.isDirty = true;
        this.deliveries += 1;
        if (this.deliveries % this.parts.options.delayOffsetUpdateVersionStep === 0) {
          this.version.next(this.parts.clock.now());
        }
      }
    } catch (error) {
      return this.tryLater(state, error);
    }
    this.arm(state);
  }

  private deliverOne(queue: ConsumeQueue, offset: number): void {
    const { store, logger } = this.parts;
    const record = store.readRecordAt(queue, offset);
    const { draft } = this;
    if (record === undefined) {
      return logger.warn('a delayed message is not in the log any more', {
        queue: queue.queueId,
        offset,
      });
    }
    draft.copy(record);
    draft.topic = draft.property(realTopicName) ?? '';
    draft.queueId = Number(draft.property(realQueueName) ?? 0);
    if (draft.topic === '' || draft.topic === SystemTopic.TRANSACTION_HALF) {
      return logger.warn('a delayed message that belongs nowhere was dropped', {
        queue: queue.queueId,
        offset,
        topic: draft.topic,
      });
    }
    const placed = store.append(draft);
    this.parts.figures.storedIn(draft.topic, placed.size, MessageType.delay);
    this.parts.figures.gotDelayed(queue.queueId, placed.size);
  }
}
