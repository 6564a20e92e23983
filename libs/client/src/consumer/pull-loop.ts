import { messageOf } from '@nestjs-rocketmq/foundation';
import type { StoredMessage } from '@nestjs-rocketmq/message';
import { ResponseCode } from '@nestjs-rocketmq/protocol';
import { isRefusal, type PullAnswer } from '../broker-calls.js';
import type { TopicSubscription } from '../subscription.js';
import type { AssignedQueue } from './assigned-queue.js';
import type { SharingGroup } from './group-state.js';
import type { Held } from './process-queue.js';
import { wantedOf } from './pull-request.js';
import { readPlaceOf, type ReadPlace } from './queue-inquiry.js';

const afterFlowControl = 20;

/** How one kind of consumer pulls, and what it does with what comes. */
export interface Puller {
  /** True while paused, while too much is in hand, or while the lock is missing. */
  mustWait(assigned: AssignedQueue): boolean;
  /** What is wanted of a topic; tags are compared by it once more. */
  subscription(topic: string): TopicSubscription | undefined;
  /** Asks a broker for what stands at `assigned.process.pullOffset`; at once when that is urgent. */
  ask(assigned: AssignedQueue, place: ReadPlace, isUrgent: boolean): Promise<PullAnswer>;
  /**
   * Takes what came and was not there before; perhaps nothing. `askAhead` puts the next pull on its
   * way, for who has much to do with these first.
   */
  arrived(
    assigned: AssignedQueue,
    fresh: readonly Held[],
    askAhead: () => void,
  ): Promise<void> | void;
  /** The offset lies outside of the queue; the broker says where to go on. */
  moved(assigned: AssignedQueue, offset: number): Promise<void> | void;
  /** What is in hand of the queue is given up: it is left, or (dropped already) goes on elsewhere. */
  released(assigned: AssignedQueue): void;
}

/** A pull under way. */
interface Asked {
  readonly answer: Promise<PullAnswer>;
  /** When it was asked, monotonic ms. */
  readonly at: number;
}

/**
 * Pulls one queue until it is left: ask, hold back while too much is in hand, hand over, ask
 * again. Each turn of the loop ends in exactly one wait or one pull, so a queue neither stalls nor
 * spins. The next pull is on its way while listeners work, and no more than one.
 */
export class PullLoop {
  /** Pulls that failed in a row. */
  private failures = 0;
  /** Asked while the messages of the pull before were handed on. */
  private ahead: Asked | undefined;

  constructor(
    private readonly state: SharingGroup,
    private readonly assigned: AssignedQueue,
    private readonly puller: Puller,
  ) {}

  /** Resolves when the queue was left; never rejects. */
  async run(): Promise<void> {
    const { assigned, state } = this;
    while (!assigned.isLeaving) {
      if (this.ahead === undefined && this.puller.mustWait(assigned)) {
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

  private async turn(): Promise<void> {
    const { state, assigned } = this;
    const { queue } = assigned;
    const asked =
      this.ahead ?? this.ask(await readPlaceOf(state.instance, queue, assigned.readFrom), false);
    this.ahead = undefined;
    const answer = await asked.answer;
    if (assigned.isLeaving) return;
    if (this.failures > 0) {
      state.logger.info('Pulls succeed again.', { ...queue, failures: this.failures });
      this.failures = 0;
    }
    assigned.readFrom = answer.header.suggestWhichBrokerId;
    if (answer.code === ResponseCode.PULL_OFFSET_MOVED) return this.moved(answer);
    assigned.queueEnd = answer.header.maxOffset;
    const messages = answer.code === ResponseCode.SUCCESS ? this.found(answer, asked.at) : [];
    const fresh = assigned.process.put(messages, answer.header.nextBeginOffset);
    return this.puller.arrived(assigned, fresh, this.askAhead);
  }

  private ask(place: ReadPlace, isUrgent: boolean): Asked {
    const { state, assigned } = this;
    assigned.pulledAt = state.clock.now();
    const at = state.clock.monotonic();
    return { answer: this.puller.ask(assigned, place, isUrgent), at };
  }

  /** Not while it would have to wait, or when the way to the broker has to be asked for. */
  private readonly askAhead = (): void => {
    const { state, assigned } = this;
    if (this.ahead !== undefined || assigned.isLeaving || this.puller.mustWait(assigned)) return;
    const { routes } = state.instance;
    const place = routes.readAddress(assigned.queue.brokerName, assigned.readFrom);
    if (place === undefined) return;
    this.ahead = this.ask(place, true);
    // Whoever awaits it next gets to know.
    this.ahead.answer.catch(() => undefined);
  };

  /** What is left when tags were compared and filter hooks have looked. */
  private found(answer: PullAnswer, asked: number): StoredMessage[] {
    const { state, assigned } = this;
    const { queue } = assigned;
    const wanted = wantedOf(answer.body, this.puller.subscription(queue.topic));
    const messages = state.hooks.filter(state.group, queue, wanted);
    const now = state.clock.monotonic();
    state.measures.of(queue.topic, now).pulls(now, now - asked, messages.length);
    return messages;
  }

  private moved(answer: PullAnswer): Promise<void> | void {
    const { state, assigned } = this;
    const offset = answer.header.nextBeginOffset;
    state.logger.warn('The offset lies outside of the queue; the broker moves it.', {
      ...assigned.queue,
      from: assigned.process.pullOffset,
      to: offset,
    });
    return this.puller.moved(assigned, offset);
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
