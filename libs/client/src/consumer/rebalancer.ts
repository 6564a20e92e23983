import { messageOf, type Timer } from '@nestjs-rocketmq/foundation';
import { queueKey, type MessageQueue } from '@nestjs-rocketmq/message';
import { rebalances } from '../diagnostics.js';
import type { AssignedQueue } from './assigned-queue.js';
import type { QueueShare } from './group-share.js';
import type { SharingGroup } from './group-state.js';
import type { HeldQueues } from './held-queues.js';
import { QueueLocks } from './queue-locks.js';
import { assignmentChange } from './rebalance.js';

const firstRepeat = 500;
/** A topic that appears, or a queue whose lock becomes free, is consumed no later than this. */
const longestRepeat = 3_000;

/**
 * Keeps the queues in hand equal to the share of this member: at once when asked, and every
 * `rebalanceInterval`. One round at a time; a wish that comes during a round leads to another one.
 */
export class Rebalancer {
  readonly locks: QueueLocks;
  private readonly timers: Timer[] = [];
  /** Queues that were left but whose last listener call still runs, by queue key. */
  private readonly releasing = new Map<string, AssignedQueue>();
  private running: Promise<void> | undefined;
  private isWanted = false;
  private isStopped = false;
  private repeatDelay = firstRepeat;
  private repeat: Timer | undefined;

  constructor(
    private readonly state: SharingGroup,
    private readonly held: HeldQueues,
    private readonly share: QueueShare,
    /** Told which queues of a topic are ours now, when that changed. */
    private readonly onShared: (topic: string, mine: readonly MessageQueue[]) => void = () =>
      undefined,
  ) {
    this.locks = new QueueLocks(state, (assigned) => this.lockLost(assigned));
  }

  start(): void {
    const { clock, settings, lockInterval } = this.state;
    this.timers.push(clock.every(settings.rebalanceInterval, () => this.request()));
    if (lockInterval === undefined) return;
    this.timers.push(clock.every(lockInterval, () => void this.renewLocks()));
  }

  /** Asks for a round; harmless while paused or stopped. */
  request(): void {
    this.isWanted = true;
    if (this.running !== undefined || this.isStopped) return;
    this.running = this.rounds().finally(() => {
      this.running = undefined;
      // A wish may have come between the end of the last round and this moment.
      if (this.isWanted) this.request();
    });
  }

  /** Resolves when no round is under way. */
  async settled(): Promise<void> {
    await this.running;
  }

  /** No further rounds; queues stay in hand. */
  async stop(): Promise<void> {
    this.isStopped = true;
    this.held.close();
    for (const timer of this.timers) timer.cancel();
    this.repeat?.cancel();
    await this.running;
  }

  /** Queues whose locks this member may hold, for giving them back at the end. */
  locked(): MessageQueue[] {
    return this.locks.held();
  }

  private async rounds(): Promise<void> {
    while (this.isWanted && !this.isStopped) {
      this.isWanted = false;
      let isBalanced = false;
      try {
        isBalanced = await this.round();
      } catch (error) {
        this.state.logger.error('A rebalance failed; the queues in hand stay.', { error });
      }
      if (isBalanced) this.forgetRepeat();
      else this.repeatLater();
    }
  }

  private forgetRepeat(): void {
    this.repeat?.cancel();
    this.repeat = undefined;
    this.repeatDelay = firstRepeat;
  }

  /** Rounds that others wished for meanwhile do not put off the one that is due. */
  private repeatLater(): void {
    const { clock, settings } = this.state;
    if (this.isStopped || this.repeat !== undefined) return;
    const delay = Math.min(this.repeatDelay, settings.rebalanceInterval);
    this.repeatDelay = Math.min(this.repeatDelay * 2, longestRepeat);
    this.repeat = clock.after(delay, () => {
      this.repeat = undefined;
      this.request();
    });
  }

  /** Answers whether every topic could be shared out and every queue of ours is in hand. */
  private async round(): Promise<boolean> {
    const { state } = this;
    let isBalanced = true;
    const topics = new Set(this.share.topics());
    for (const topic of topics) {
      if (this.isStopped) return true;
      let mine: readonly MessageQueue[] | undefined;
      try {
        mine = await this.share.of(topic);
      } catch (error) {
        state.logger.warn('The share of a topic is unknown; the queues in hand stay.', {
          topic,
          error: messageOf(error),
        });
      }
      if (mine === undefined) isBalanced = false;
      else if (!(await this.apply(topic, mine))) isBalanced = false;
    }
    for (const [key, { queue }] of state.assigned) {
      if (!topics.has(queue.topic)) await this.leave(key);
    }
    return (await this.giveBackOwed()) && isBalanced;
  }

  /**
   * Locks of queues that are not in hand (left when the broker could not be told, granted when they
   * could not be begun with) keep others from them; answers whether none is left.
   */
  private async giveBackOwed(): Promise<boolean> {
    const isOwed = (queue: MessageQueue): boolean => {
      const key = queueKey(queue);
      return !this.state.assigned.has(key) && !this.releasing.has(key);
    };
    const owed = this.locks.held().filter(isOwed);
    if (owed.length === 0) return true;
    await this.locks.giveBack(owed);
    return !this.locks.held().some(isOwed);
  }

  private async apply(topic: string, mine: readonly MessageQueue[]): Promise<boolean> {
    const { assigned, logger } = this.state;
    const held = [...assigned].filter(([, one]) => one.queue.topic === topic);
    const change = assignmentChange(
      held.map(([key]) => key),
      mine,
    );
    // A queue that dropped itself (offset moved, lock lost) is left and taken anew.
    const dropped = held.filter(([, one]) => one.isDropped).map(([key]) => key);
    const leave = new Set([...change.leave, ...dropped]);
    for (const key of leave) await this.leave(key);
    const wanted = mine.filter((queue) => !assigned.has(queueKey(queue)));
    if (leave.size === 0 && wanted.length === 0) return true;
    const taken = await this.takeAll(wanted);
    this.onShared(topic, mine);
    if (rebalances.hasSubscribers) {
      const { group, instance } = this.state;
      const { clientId } = instance;
      rebalances.publish({ clientId, group, topic, mine, taken, left: leave.size });
    }
    logger.info('Queues were shared out anew.', {
      topic,
      held: mine.length - wanted.length + taken,
      left: leave.size,
    });
    return taken === wanted.length;
  }

  /** Ends consumption of a queue and stores where it stands, so that its next owner goes on there. */
  private async leave(key: string): Promise<void> {
    const { state } = this;
    const one = state.assigned.get(key);
    if (one === undefined) return;
    state.assigned.delete(key);
    if (state.lockInterval !== undefined) {
      this.releasing.set(key, one);
      void this.releaseLocked(key, one);
      return;
    }
    await this.held.release(one);
  }

  /** The lock goes only when the running call has ended: that is what keeps the order. */
  private async releaseLocked(key: string, one: AssignedQueue): Promise<void> {
    one.leave();
    await one.quiet();
    await this.held.release(one);
    await this.locks.giveBack([one.queue]);
    this.releasing.delete(key);
    this.request();
  }

  /** Answers how many could be taken. */
  private async takeAll(queues: readonly MessageQueue[]): Promise<number> {
    const { state } = this;
    const free = queues.filter((queue) => !this.releasing.has(queueKey(queue)));
    const needsLocks = state.lockInterval !== undefined;
    const locks = needsLocks ? await this.locks.take(free) : undefined;
    const results = await Promise.all(
      free.map(async (queue) => {
        const until = locks?.get(queueKey(queue)) ?? 0;
        if (needsLocks && until === 0) return false;
        return this.held.take(queue, until);
      }),
    );
    return results.filter(Boolean).length;
  }

  private async renewLocks(): Promise<void> {
    await this.locks.renew([...this.state.assigned.values(), ...this.releasing.values()]);
  }

  private lockLost(assigned: AssignedQueue): void {
    this.state.logger.warn('The lock of a queue is with another member; it is left.', {
      ...assigned.queue,
    });
    assigned.drop();
    // The other member may be further already; our offset must not overwrite its one.
    this.state.offsets.forget(assigned.queue);
    this.request();
  }
}
