import { ResponseCode } from '@nestjs-rocketmq/protocol';
import { isRefusal, type PullAnswer } from '../broker-calls.js';
import { TagSubscription, type TopicSubscription } from '../subscription.js';
import type { AssignedQueue } from './assigned-queue.js';
import type { PulledChunk } from './batch-cache.js';
import { room, roomOf, type PullSize } from './flow-control.js';
import type { LiteState } from './lite-state.js';
import type { Held } from './process-queue.js';
import type { Puller } from './pull-loop.js';
import { carryingPull } from './pull-request.js';
import type { ReadPlace } from './queue-inquiry.js';

/** How a lite pull consumer pulls: with its own subscription, into the cache from which `poll` takes. */
export class LitePulls implements Puller {
  /** Addresses of 4.x brokers, which take a lite pull as an ordinary one only. */
  private readonly withoutLitePulls = new Set<string>();

  constructor(
    private readonly state: LiteState,
    /** Gives up what is in hand of a queue and goes on at an offset. */
    private readonly restart: (assigned: AssignedQueue, offset: number) => void,
  ) {}

  subscription(topic: string): TopicSubscription {
    const { subscriptions, filters } = this.state;
    const known = subscriptions.get(topic) ?? filters.get(topic);
    if (known !== undefined) return known;
    const all = new TagSubscription(topic, '*', 0);
    filters.set(topic, all);
    return all;
  }

  mustWait(assigned: AssignedQueue): boolean {
    return assigned.isPaused || this.room(assigned) === undefined;
  }

  async ask(assigned: AssignedQueue, place: ReadPlace): Promise<PullAnswer> {
    const { instance, settings, group } = this.state;
    const { queue, process } = assigned;
    const size = this.room(assigned);
    const asked = carryingPull({
      group,
      queue,
      subscription: this.subscription(queue.topic),
      offset: process.pullOffset,
      max: size?.messages ?? 1,
      maxBytes: size?.bytes,
      suspendMs: settings.pullSuspend,
      isLite: true,
    });
    const { address } = place;
    const how = { timeoutMs: settings.pullSuspendTimeout, signal: assigned.signal };
    if (!this.withoutLitePulls.has(address)) {
      try {
        return await instance.calls.pullLite(address, asked, how);
      } catch (error) {
        if (!isRefusal(error, ResponseCode.REQUEST_CODE_NOT_SUPPORTED)) throw error;
        this.withoutLitePulls.add(address);
      }
    }
    return instance.calls.pull(address, asked, how);
  }

  arrived(assigned: AssignedQueue, held: readonly Held[]): void {
    this.state.cache.put({ assigned, held });
  }

  /** What is in hand stays good when the first messages of a queue went; not when its end did. */
  moved(assigned: AssignedQueue, offset: number): void {
    if (offset >= assigned.process.pullOffset) assigned.process.put([], offset);
    else this.restart(assigned, offset);
  }

  released(assigned: AssignedQueue): void {
    const { settings, cache } = this.state;
    if (settings.autoCommit) this.commitSettled(assigned);
    const before = cache.count;
    cache.forget(assigned);
    this.wake(before);
  }

  /** A chunk was taken out of the cache: there may be room again for every queue. */
  taken(chunk: PulledChunk): void {
    this.wake(this.state.cache.count + chunk.held.length);
  }

  /** The caller is through with a chunk. */
  settle({ assigned, held }: PulledChunk): void {
    const { measures, clock } = this.state;
    const now = clock.monotonic();
    measures.of(assigned.queue.topic, now).settles(now, held.length, 0);
    assigned.process.finish(held);
    assigned.finishedAt = now;
    assigned.settled = assigned.process.finishedTo ?? assigned.settled;
    assigned.changed();
  }

  commitSettled(assigned: AssignedQueue): void {
    if (assigned.settled !== undefined) this.commit(assigned, assigned.settled);
  }

  /** Also back, after a seek; not for a queue that is not ours any more. */
  commit(assigned: AssignedQueue, offset: number): void {
    const { offsets } = this.state;
    if (assigned.isDropped || offsets.known(assigned.queue) === offset) return;
    offsets.set(assigned.queue, offset);
  }

  /** What may be asked for now; undefined: nothing. */
  private room(assigned: AssignedQueue): PullSize | undefined {
    const { state } = this;
    const { pullBatchSize, pullThresholdForAll, consumeMaxSpan } = state.settings;
    const messages = room(pullBatchSize, pullThresholdForAll, state.cache.count);
    return messages === undefined
      ? undefined
      : roomOf(assigned, state, { messages }, consumeMaxSpan);
  }

  /** Pull loops that waited because too much was in the cache look again. */
  private wake(countBefore: number): void {
    const { settings, assigned } = this.state;
    if (countBefore + settings.pullBatchSize <= settings.pullThresholdForAll) return;
    for (const one of assigned.values()) one.changed();
  }
}
