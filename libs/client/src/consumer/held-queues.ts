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

  constructor(
    private readonly state: SharingGroup,
    private readonly puller: Puller,
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
    this.pull(assigned);
    return true;
  }

  /** Goes on at another offset; what is in hand of the queue is given up. The pause stays. */
  restart(assigned: AssignedQueue, offset: number): AssignedQueue {
    const anew = new AssignedQueue(assigned.queue, offset);
    anew.isPaused = assigned.isPaused;
    anew.readFrom = assigned.readFrom;
    assigned.drop();
    this.puller.released(assigned);
    if (!this.isClosed) this.pull(anew);
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

  /** Gives up what is in hand of the queues; after the next rebalance they go on at the new offsets. */
  async reset(offsets: readonly QueueOffset[]): Promise<void> {
    const { state } = this;
    for (const one of state.assigned.values()) {
      const reset = offsets.find(({ queue }) => sameQueue(queue, one.queue));
      if (reset === undefined) continue;
      one.drop();
      state.offsets.set(one.queue, reset.offset);
    }
    await state.offsets.persist();
    state.logger.info('Offsets were reset by an operator.', { queues: offsets.length });
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

  private pull(assigned: AssignedQueue): void {
    this.state.assigned.set(queueKey(assigned.queue), assigned);
    const loop = new PullLoop(this.state, assigned, this.puller)
      .run()
      .finally(() => this.loops.delete(loop));
    this.loops.add(loop);
  }
}
