import { messageOf } from '@nestjs-rocketmq/foundation';
import { queueKey, type MessageQueue } from '@nestjs-rocketmq/message';
import type { AssignedQueue } from './assigned-queue.js';
import type { ConsumerGroup } from './group-state.js';

/** How long a lock counts here after it was granted; brokers keep it for 60 s. */
const lockLifetime = 30_000;

function byBroker<Q extends MessageQueue>(queues: Iterable<Q>): Map<string, Q[]> {
  const groups = new Map<string, Q[]>();
  for (const queue of queues) {
    const group = groups.get(queue.brokerName);
    if (group === undefined) groups.set(queue.brokerName, [queue]);
    else group.push(queue);
  }
  return groups;
}

/** The locks that brokers give on queues, so that one member of the group consumes them in order. */
export class QueueLocks {
  private renewing = false;
  /** Asked for and neither refused nor given back, also when no answer came; by queue key. */
  private readonly mayHold = new Map<string, MessageQueue>();

  constructor(
    private readonly state: ConsumerGroup,
    /** A queue whose lock another member holds now. */
    private readonly onLost: (assigned: AssignedQueue) => void,
  ) {}

  /** What brokers may have locked for us. */
  held(): MessageQueue[] {
    return [...this.mayHold.values()];
  }

  /** Asks for locks; answers until when (monotonic ms) each granted queue is held, by queue key. */
  async take(queues: readonly MessageQueue[]): Promise<Map<string, number>> {
    const granted = new Map<string, number>();
    const rounds = [...byBroker(queues)].map(async ([brokerName, own]) => {
      const held = await this.ask(brokerName, own);
      for (const [key, until] of held ?? []) granted.set(key, until);
    });
    await Promise.all(rounds);
    return granted;
  }

  /**
   * Renews the locks of all queues in hand, also of those being released. A queue that the broker
   * refuses, or whose lock had run out, is lost: its messages may be with another member.
   */
  async renew(queues: readonly AssignedQueue[]): Promise<void> {
    if (this.renewing || queues.length === 0) return;
    this.renewing = true;
    try {
      const byKey = new Map(queues.map((one) => [queueKey(one.queue), one]));
      const rounds = [...byBroker(queues.map((one) => one.queue))].map(async ([name, own]) => {
        const held = await this.ask(name, own);
        if (held === undefined) return;
        for (const queue of own) {
          // A queue that was restarted meanwhile is the same queue still.
          const key = queueKey(queue);
          const assigned = this.state.assigned.get(key) ?? byKey.get(key);
          if (assigned !== undefined) this.settle(assigned, held.get(key));
        }
      });
      await Promise.all(rounds);
    } finally {
      this.renewing = false;
    }
  }

  /**
   * Gives locks back, those that we may hold; failures are logged, the broker's locks run out by
   * themselves.
   */
  async giveBack(queues: readonly MessageQueue[]): Promise<void> {
    const { state } = this;
    const held = queues.filter((queue) => this.mayHold.has(queueKey(queue)));
    const rounds = [...byBroker(held)].map(async ([brokerName, own]) => {
      const address = state.instance.routes.masterAddress(brokerName);
      try {
        // Of a broker that no route names any more nobody can be told.
        if (address !== undefined) {
          await state.instance.calls.unlockQueues(address, this.holder(), own);
        }
        for (const queue of own) this.mayHold.delete(queueKey(queue));
      } catch (error) {
        state.logger.warn('Queue locks could not be given back; they run out in a minute.', {
          brokerName,
          error: messageOf(error),
        });
      }
    });
    await Promise.all(rounds);
  }

  private settle(assigned: AssignedQueue, until: number | undefined): void {
    const ranOut = assigned.lockedUntil < this.state.clock.monotonic();
    if (until !== undefined && !ranOut) {
      assigned.lockedUntil = until;
      assigned.lockedAt = this.state.clock.now();
    } else {
      assigned.lockedUntil = 0;
      if (!assigned.isDropped) this.onLost(assigned);
    }
    assigned.changed();
  }

  private holder() {
    return { group: this.state.group, clientId: this.state.instance.clientId };
  }

  /** The granted locks of one broker; undefined when it could not be asked. */
  private async ask(
    brokerName: string,
    queues: readonly MessageQueue[],
  ): Promise<Map<string, number> | undefined> {
    const { instance, clock, logger } = this.state;
    const address = instance.routes.masterAddress(brokerName);
    if (address === undefined) return undefined;
    const until = clock.monotonic() + lockLifetime;
    for (const queue of queues) this.mayHold.set(queueKey(queue), queue);
    try {
      const granted = await instance.calls.lockQueues(address, this.holder(), queues);
      const held = new Map(granted.map((queue) => [queueKey(queue), until]));
      for (const key of queues.map(queueKey)) if (!held.has(key)) this.mayHold.delete(key);
      return held;
    } catch (error) {
      logger.warn('Queue locks could not be asked for.', { brokerName, error: messageOf(error) });
      return undefined;
    }
  }
}
