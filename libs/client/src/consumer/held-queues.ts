import { messageOf } from '@nestjs-rocketmq/foundation';
import { queueKey, sameQueue, type MessageQueue } from '@nestjs-rocketmq/message';
import { AssignedQueue } from './assigned-queue.js';
import { startWithoutOffset } from './broker-offsets.js';
import type { SharingGroup } from './group-state.js';
import type { QueueOffset } from './offset-store.js';
import { PullLoop, type Puller } from './pull-loop.js';

/** The queues in hand: takes them, keeps them pulled, and lets go of them. */
export class HeldQueues {
  private readonly loops = new Set<Promise<void>>();
  private isClosed = false;
  private readonly pauses = new Map<string, MessageQueue>();

  constructor(
    private readonly state: SharingGroup,
    private readonly puller: Puller,
    /** One listener call of a queue after the other. */
    private readonly isOrderly = false,
  ) {}

  /**
   * Reads where the group stands in a queue and begins to pull there; answers whether that could be
   * done. `lockedUntil`: monotonic ms, with orderly consumption.
   */
  async take(queue: MessageQueue, lockedUntil = 0): Promise<boolean> {
    const { state } = this;
    let stored: number | undefined;
    let start: number;
    try {
      stored = await state.offsets.read(queue);
      start =
        stored ?? (await startWithoutOffset(state.instance, queue, state.settings.from ?? 'last'));
    } catch (error) {
      state.logger.warn('A queue cannot be taken yet.', { ...queue, error: messageOf(error) });
      return false;
    }
    if (this.isClosed) return false;
    // The start counts as an offset at once: a group that begins at the end and stops before its
    // first message is finished must not begin at a later end.
    state.offsets.begin(queue, stored, start);
    const assigned = new AssignedQueue(queue, start);
    assigned.lockedUntil = lockedUntil;
    assigned.lockedAt = lockedUntil > 0 ? state.clock.now() : 0;
    assigned.isPaused = this.pauses.has(queueKey(queue));
    this.pull(assigned);
    return true;
  }

  /** Goes on at another offset; what is in hand of the queue is given up. The pause stays. */
  restart(assigned: AssignedQueue, offset: number): AssignedQueue {
    const anew = new AssignedQueue(assigned.queue, offset, assigned);
    anew.isPaused = assigned.isPaused;
    anew.readFrom = assigned.readFrom;
    anew.lockedUntil = assigned.lockedUntil;
    anew.lockedAt = assigned.lockedAt;
    assigned.drop();
    this.puller.released(assigned);
    // In order: not before the last call of what was given up has ended.
    if (!this.isClosed) this.pull(anew, this.isOrderly);
    return anew;
  }

  /** Ends what is going on in a queue that was left, and stores where it stands. Never rejects. */
  async release(one: AssignedQueue): Promise<void> {
    const { offsets, logger } = this.state;
    this.puller.released(one);
    one.drop();
    try {
      await offsets.persist([one.queue]);
    } catch (error) {
      logger.warn('An offset could not be stored on leaving; messages may come twice.', {
        ...one.queue,
        error: messageOf(error),
      });
    }
    offsets.forget(one.queue);
  }

  /** Gives up what is in hand of the queues and goes on at the new offsets. Never rejects. */
  async reset(offsets: readonly QueueOffset[]): Promise<void> {
    const { state } = this;
    const moved: MessageQueue[] = [];
    for (const one of state.assigned.values()) {
      const reset = offsets.find(({ queue }) => sameQueue(queue, one.queue));
      if (reset === undefined || one.isLeaving) continue;
      this.moveTo(one, reset.offset);
      moved.push(one.queue);
    }
    if (moved.length === 0) return;
    state.logger.info('Offsets were reset by an operator.', { queues: moved.length });
    await this.store(moved);
  }

  /** The same for one queue whose offset the broker does not have. Never rejects. */
  async move(assigned: AssignedQueue, offset: number): Promise<void> {
    if (assigned.isLeaving) return;
    this.moveTo(assigned, offset);
    await this.store([assigned.queue]);
  }

  /** No more pulls of these queues, whether in hand or not. */
  pause(queues: readonly MessageQueue[]): void {
    for (const queue of queues) {
      const key = queueKey(queue);
      this.pauses.set(key, queue);
      const one = this.state.assigned.get(key);
      if (one !== undefined) one.isPaused = true;
    }
  }

  resume(queues: readonly MessageQueue[]): void {
    for (const queue of queues) {
      const key = queueKey(queue);
      this.pauses.delete(key);
      const one = this.state.assigned.get(key);
      if (one === undefined) continue;
      one.isPaused = false;
      one.changed();
    }
  }

  paused(): MessageQueue[] {
    return [...this.pauses.values()];
  }

  /** Takes no more queues; those in hand stay. */
  close(): void {
    this.isClosed = true;
  }

  /** Ends pulling of every queue; what is in hand still counts. */
  async stopPulling(): Promise<void> {
    for (const assigned of this.state.assigned.values()) assigned.leave();
    await Promise.all(this.loops);
  }

  /** From here on nothing in hand counts. */
  dropAll(): void {
    for (const assigned of this.state.assigned.values()) assigned.drop();
    this.state.assigned.clear();
  }

  private moveTo(assigned: AssignedQueue, offset: number): void {
    this.restart(assigned, offset);
    this.state.offsets.set(assigned.queue, offset);
  }

  private async store(moved: readonly MessageQueue[]): Promise<void> {
    try {
      await this.state.offsets.persist(moved);
    } catch (error) {
      this.state.logger.warn(
        'Moved offsets could not be stored; they will be with the next round.',
        {
          error: messageOf(error),
        },
      );
    }
  }

  private pull(assigned: AssignedQueue, waits = false): void {
    this.state.assigned.set(queueKey(assigned.queue), assigned);
    const pulls = new PullLoop(this.state, assigned, this.puller);
    const work = waits ? assigned.calledBefore().then(() => pulls.run()) : pulls.run();
    const loop = work.finally(() => this.loops.delete(loop));
    this.loops.add(loop);
  }
}
