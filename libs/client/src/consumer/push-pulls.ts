import { isRetryTopic } from '@nestjs-rocketmq/message';
import { PullSysFlag, type Asking, type PullMessage } from '@nestjs-rocketmq/protocol';
import type { PullAnswer } from '../broker-calls.js';
import type { TopicSubscription } from '../subscription.js';
import type { AssignedQueue } from './assigned-queue.js';
import { roomOf, type PullSize } from './flow-control.js';
import { finish, showOriginalTopic, type GroupState, type MessageDelivery } from './group-state.js';
import type { Held } from './process-queue.js';
import type { Puller } from './pull-loop.js';
import type { ReadPlace } from './queue-inquiry.js';

/** Added to the time that the broker may hold a pull, before it counts as failed. */
const answerMargin = 15_000;

/** From so many messages on, the next pull leaves before they are handed on. */
const manyMessages = 8;

/** How a push consumer pulls: with its committed offset on the way, and straight to the listener. */
export class PushPulls implements Puller {
  constructor(
    private readonly state: GroupState,
    private readonly delivery: MessageDelivery,
    /** Gives up what is in hand of a queue and goes on at an offset. */
    private readonly move: (assigned: AssignedQueue, offset: number) => Promise<void>,
  ) {}

  subscription(topic: string): TopicSubscription | undefined {
    return this.state.subscriptions.get(topic);
  }

  mustWait(assigned: AssignedQueue): boolean {
    const { state } = this;
    if (state.isPaused || assigned.isPaused || this.room(assigned) === undefined) return true;
    if (!state.isOrderly || !state.isClustering) return false;
    return assigned.lockedUntil <= state.clock.monotonic();
  }

  ask(assigned: AssignedQueue, place: ReadPlace, isUrgent: boolean): Promise<PullAnswer> {
    const { instance, settings } = this.state;
    const asked = this.request(assigned, place.id === 0);
    const timeoutMs = settings.pullSuspend + answerMargin;
    const { signal } = assigned;
    return instance.calls.pull(place.address, asked, { timeoutMs, signal, isUrgent });
  }

  async arrived(
    assigned: AssignedQueue,
    fresh: readonly Held[],
    askAhead: () => void,
  ): Promise<void> {
    const { state } = this;
    const { pullInterval } = state.settings;
    state.statistics.pulled += fresh.length;
    if (fresh.length === 0) return finish(state, assigned, []);
    if (isRetryTopic(assigned.queue.topic)) {
      for (const { message } of fresh) showOriginalTopic(message, state.group);
    }
    // The broker works on the next answer while listeners work on this one.
    if (pullInterval === 0 && fresh.length >= manyMessages) askAhead();
    this.delivery.accept(assigned, fresh);
    if (pullInterval > 0) {
      state.logger.debug('Pausing between pulls.', { queue: assigned.queue });
      await state.clock.sleep(pullInterval, assigned.signal);
    }
  }

  /** Whatever is in hand is given up, and the group goes on where the broker says. */
  moved(assigned: AssignedQueue, offset: number): void {
    // Not waited for: this is the pull loop of what ends by it.
    void this.move(assigned, offset);
  }

  released(): void {
    // Offsets move as messages finish; nothing is left to do.
  }

  private room(assigned: AssignedQueue): PullSize | undefined {
    const { state } = this;
    const { pullBatchSize: messages, pullBatchBytes: bytes } = state.settings;
    const span = state.isOrderly ? undefined : state.settings.consumeConcurrentlyMaxSpan;
    return roomOf(assigned, state, { messages, bytes }, span);
  }

  private request(assigned: AssignedQueue, isMaster: boolean): Asking<typeof PullMessage> {
    const { state } = this;
    const { queue, process } = assigned;
    const { settings } = state;
    const { subVersion = 0, expressionType = 'TAG' } =
      state.subscriptions.get(queue.topic)?.data ?? {};
    const committed = state.isClustering && isMaster ? state.offsets.known(queue) : undefined;
    const commits = committed !== undefined && committed > 0;
    const size = this.room(assigned);
    return {
      consumerGroup: state.group,
      topic: queue.topic,
      queueId: queue.queueId,
      queueOffset: process.pullOffset,
      maxMsgNums: size?.messages ?? 1,
      sysFlag: PullSysFlag.suspend | (commits ? PullSysFlag.commitOffset : 0),
      commitOffset: commits ? committed : 0,
      suspendTimeoutMillis: settings.pullSuspend,
      subVersion,
      expressionType,
      maxMsgBytes: size?.bytes ?? settings.pullBatchBytes,
      requestSource: -1,
      brokerName: queue.brokerName,
    };
  }
}
