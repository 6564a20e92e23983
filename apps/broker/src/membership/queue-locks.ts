import { type MessageQueue, queueKey } from '@nestjs-rocketmq/message';

interface Lock {
  clientId: string;
  renewedAt: number;
}

/** How long a lock lives without renewal (Apache's `rocketmq.broker.rebalance.lockMaxLiveTime`). */
export const lockLifeMillis = 60_000;

/**
 * Which client of an ordered group holds which queue, and since when. Kept in memory only, as in
 * Java: after a restart nobody holds anything, and clients ask again within 20 s.
 */
export class QueueLocks {
  private readonly groups = new Map<string, Map<string, Lock>>();

  /** Locks those queues that are free, expired or already the client's; answers which. */
  lock<Q extends MessageQueue>(
    group: string,
    clientId: string,
    queues: readonly Q[],
    now: number,
  ): Q[] {
    const locks = this.groups.get(group) ?? new Map<string, Lock>();
    this.groups.set(group, locks);
    return queues.filter((queue) => {
      const key = queueKey(queue);
      const held = locks.get(key);
      if (held !== undefined && held.clientId !== clientId && !isExpired(held, now)) return false;
      locks.set(key, { clientId, renewedAt: now });
      return true;
    });
  }

  /** Lets go of those queues that the client holds. */
  unlock(group: string, clientId: string, queues: readonly MessageQueue[]): void {
    const locks = this.groups.get(group);
    for (const queue of queues) {
      const key = queueKey(queue);
      if (locks?.get(key)?.clientId === clientId) locks.delete(key);
    }
    if (locks?.size === 0) this.groups.delete(group);
  }

  /** Does anybody of the group hold a queue now? Then an ordered consumer is at work. */
  anyHeld(group: string, now: number): boolean {
    const locks = this.groups.get(group);
    if (locks === undefined) return false;
    for (const lock of locks.values()) if (!isExpired(lock, now)) return true;
    return false;
  }

  /** Forgets what has expired, so that groups which went away take no memory. */
  sweep(now: number): void {
    for (const [group, locks] of this.groups) {
      for (const [key, lock] of locks) if (isExpired(lock, now)) locks.delete(key);
      if (locks.size === 0) this.groups.delete(group);
    }
  }
}

function isExpired(lock: Lock, now: number): boolean {
  return now - lock.renewedAt > lockLifeMillis;
}
