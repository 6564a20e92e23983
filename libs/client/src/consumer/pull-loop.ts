import { messageOf } from '@nestjs-rocketmq/foundation';
import type { StoredMessage } from '@nestjs-rocketmq/message';
import {
  PullSysFlag,
  ResponseCode,
  type Asking,
  type PullMessage,
} from '@nestjs-rocketmq/protocol';
import { isRefusal, type PullAnswer } from '../broker-calls.js';
import type { AssignedQueue } from './assigned-queue.js';
import { finish, showOriginalTopic, type GroupState, type MessageDelivery } from './group-state.js';
import { wantedOf } from './pull-request.js';
import { readPlaceOf } from './queue-inquiry.js';

/** Added to the time that the broker may hold a pull, before it counts as failed. */
const answerMargin = 15_000;
const afterFlowControl = 20;
const mebibyte = 1024 * 1024;

/**
 * Pulls one queue until it is left: ask, hold back while too much is in hand, hand over, ask
 * again. Each turn of the loop ends in exactly one wait or one pull, so a queue neither stalls nor
 * spins. The next pull is on its way while listeners work.
 */
export class PullLoop {
  /** Pulls that failed in a row. */
  private failures = 0;

  constructor(
    private readonly state: GroupState,
    private readonly assigned: AssignedQueue,
    private readonly delivery: MessageDelivery,
  ) {}

  /** Resolves when the queue was left; never rejects. */
  async run(): Promise<void> {
    const { assigned, state } = this;
    while (!assigned.isLeaving) {
      if (this.mustWait()) {
        await assigned.nextChange();
        continue;
      }
      try {
        await this.turn();
      } catch (error) {
        if (assigned.isLeaving) return;
        await this.afterFailure(error).catch((unexpected: unknown) => {
          if (!assigned.isLeaving) {
            state.logger.error('A pull loop met an unexpected error.', { error: unexpected });
          }
        });
      }
    }
  }

  /** True while paused, while too much is in hand, or while the lock is missing. */
  private mustWait(): boolean {
    const { state, assigned } = this;
    const { process } = assigned;
    const { settings } = state;
    if (state.isPaused) return true;
    if (
      process.count > this.share(settings.pullThresholdForTopic, settings.pullThresholdForQueue)
    ) {
      return true;
    }
    const size = this.share(settings.pullThresholdSizeForTopic, settings.pullThresholdSizeForQueue);
    if (process.bytes > size * mebibyte) return true;
    if (!state.isOrderly) return process.span > settings.consumeConcurrentlyMaxSpan;
    return state.isClustering && assigned.lockedUntil <= state.clock.monotonic();
  }

  /** A threshold of the topic is shared out over its queues here. */
  private share(perTopic: number, perQueue: number): number {
    if (perTopic < 0) return perQueue;
    const { topic } = this.assigned.queue;
    let queues = 0;
    for (const other of this.state.assigned.values()) {
      if (other.queue.topic === topic) queues += 1;
    }
    return Math.max(1, Math.floor(perTopic / Math.max(1, queues)));
  }

  private async turn(): Promise<void> {
    const { state, assigned } = this;
    const { queue } = assigned;
    const place = await readPlaceOf(state.instance, queue, assigned.readFrom);
    assigned.pulledAt = state.clock.now();
    const answer = await state.instance.calls.pull(
      place.address,
      this.request(place.id === 0),
      state.settings.pullSuspend + answerMargin,
      assigned.signal,
    );
    if (assigned.isLeaving) return;
    if (this.failures > 0) {
      state.logger.info('Pulls succeed again.', { ...queue, failures: this.failures });
      this.failures = 0;
    }
    assigned.readFrom = answer.header.suggestWhichBrokerId;
    if (answer.code === ResponseCode.PULL_OFFSET_MOVED) return this.moved(answer);
    const messages = answer.code === ResponseCode.SUCCESS ? this.wanted(answer.body) : [];
    const fresh = assigned.process.put(messages, answer.header.nextBeginOffset);
    state.statistics.pulled += fresh.length;
    if (fresh.length === 0) return finish(state, assigned, []);
    this.delivery.accept(assigned, fresh);
    if (state.settings.pullInterval > 0) {
      state.logger.debug('Pausing between pulls.', { queue });
      await state.clock.sleep(state.settings.pullInterval, assigned.signal);
    }
  }

  private request(isMaster: boolean): Asking<typeof PullMessage> {
    const { state, assigned } = this;
    const { queue, process } = assigned;
    const { settings } = state;
    const { subVersion = 0, expressionType = 'TAG' } =
      state.subscriptions.get(queue.topic)?.data ?? {};
    const committed = state.isClustering && isMaster ? state.offsets.known(queue) : undefined;
    const commits = committed !== undefined && committed > 0;
    return {
      consumerGroup: state.group,
      topic: queue.topic,
      queueId: queue.queueId,
      queueOffset: process.pullOffset,
      maxMsgNums: settings.pullBatchSize,
      sysFlag: PullSysFlag.suspend | (commits ? PullSysFlag.commitOffset : 0),
      commitOffset: commits ? committed : 0,
      suspendTimeoutMillis: settings.pullSuspend,
      subVersion,
      expressionType,
      maxMsgBytes: settings.pullBatchBytes,
      requestSource: -1,
      brokerName: queue.brokerName,
    };
  }

  private wanted(body: Uint8Array): StoredMessage[] {
    const { state, assigned } = this;
    const messages = wantedOf(body, state.subscriptions.get(assigned.queue.topic));
    for (const message of messages) showOriginalTopic(message, state.group);
    return messages;
  }

  /**
   * Our offset lies outside of what the broker has. Whatever is in hand is given up, the group goes
   * on where the broker says, and the queue comes back with the next rebalance.
   */
  private async moved(answer: PullAnswer): Promise<void> {
    const { state, assigned } = this;
    const { queue } = assigned;
    const offset = answer.header.nextBeginOffset;
    state.logger.warn('The offset lies outside of the queue; the broker moves it.', {
      ...queue,
      from: assigned.process.pullOffset,
      to: offset,
    });
    assigned.drop();
    state.offsets.set(queue, offset);
    try {
      await state.offsets.persist([queue]);
    } catch (error) {
      state.logger.warn('The moved offset could not be stored yet.', { ...queue, error });
    }
    state.requestRebalance();
  }

  private async afterFailure(error: unknown): Promise<void> {
    const { state, assigned } = this;
    const { queue, signal } = assigned;
    if (isRefusal(error, ResponseCode.FLOW_CONTROL)) {
      return state.clock.sleep(afterFlowControl, signal);
    }
    this.failures += 1;
    // Told once: a broker that is away for an hour is one event, not one a second and queue.
    const level = this.failures === 1 ? 'warn' : 'debug';
    const fields = { ...queue, error: messageOf(error) };
    state.logger[level]('A pull failed; it will be repeated.', fields);
    if (isUnknownSubscription(error)) {
      // The broker lost or never had our subscription: a heartbeat brings it.
      const address = state.instance.routes.readAddress(queue.brokerName, assigned.readFrom);
      if (address !== undefined) await state.instance.greet(address.address);
    }
    assigned.readFrom = 0;
    await state.clock.sleep(state.settings.pullRetryDelay, signal);
  }
}

function isUnknownSubscription(error: unknown): boolean {
  return isRefusal(
    error,
    ResponseCode.SUBSCRIPTION_NOT_EXIST,
    ResponseCode.SUBSCRIPTION_NOT_LATEST,
    ResponseCode.SUBSCRIPTION_GROUP_NOT_EXIST,
  );
}
