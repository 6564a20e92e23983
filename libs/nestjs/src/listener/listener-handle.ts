import type { PushConsumer } from '@nestjs-rocketmq/client';
import type { MessageQueue } from '@nestjs-rocketmq/message';
import { ListenerDisabledError } from '../nestjs.errors.js';
import type { GroupConsumer, ListenerState } from './group-consumer.js';
import type { ListenerContainer } from './listener-container.js';
import type { Subscription } from './listener-plan.js';
import type { ListenerCounters } from './outcome-teller.js';

/** Where a listener's consumer stands in one of its queues. */
export interface ListenerQueue {
  readonly queue: MessageQueue;
  /** The message that is done next; everything before is. Undefined while that is not known. */
  readonly committed: number | undefined;
  /** One past the last message of the queue, as the broker said at the last pull. */
  readonly end: number;
  /** Messages of the queue that are not done, as of the last pull. Undefined while not known. */
  readonly lag: number | undefined;
  /** Messages in hand that are not done. */
  readonly held: number;
  readonly isPaused: boolean;
  readonly lastPulledAt: Date | undefined;
  readonly lastConsumedAt: Date | undefined;
}

/** How a listener is doing. */
export interface ListenerReport {
  readonly id: string;
  readonly group: string;
  readonly connection: string;
  readonly subscriptions: readonly Subscription[];
  readonly state: ListenerState;
  readonly inHand: number;
  /** Since the application started. */
  readonly counters: Readonly<ListenerCounters>;
  /** Its queues in this application; those of the retry topic stand with each listener of a group. */
  readonly queues: readonly ListenerQueue[];
  /** Sum over its queues. Undefined while it is not known of each. */
  readonly lag: number | undefined;
  /** The latest of its queues. */
  readonly lastPulledAt: Date | undefined;
}

/**
 * A listener of the running application. Listeners of one group share a consumer: starting, stopping,
 * pausing and resuming one does so to all of them.
 */
export interface ListenerHandle {
  readonly id: string;
  readonly group: string;
  /** Name of the connection. */
  readonly connection: string;
  readonly subscriptions: readonly Subscription[];
  readonly state: ListenerState;
  /** How many calls of the handler are under way. */
  readonly inHand: number;
  /** The client's consumer while there is one, for what has no word here. */
  readonly client: PushConsumer | undefined;
  /** Resolves when it consumes. Rejects with `ListenerDisabledError` when its options say no. */
  start(): Promise<void>;
  /** Resolves when what was in hand is done, or after `shutdownTimeout`; never rejects. */
  stop(): Promise<void>;
  /** Stops pulling; what is in hand goes on. Nothing happens unless it runs. */
  pause(): void;
  resume(): void;
  inspect(): ListenerReport;
}

/** What the registry keeps of a listener. */
export class RegisteredListener implements ListenerHandle {
  /** `consumer` is undefined for a disabled listener. */
  constructor(
    private readonly container: ListenerContainer,
    readonly consumer: GroupConsumer | undefined,
  ) {}

  get id(): string {
    return this.container.id;
  }

  get group(): string {
    return this.container.plan.group;
  }

  get connection(): string {
    return this.container.plan.connection.settings.name;
  }

  get subscriptions(): readonly Subscription[] {
    return this.container.plan.subscriptions;
  }

  get state(): ListenerState {
    return this.consumer?.state ?? 'disabled';
  }

  get inHand(): number {
    return this.container.inHand;
  }

  get client(): PushConsumer | undefined {
    return this.consumer?.port?.client?.();
  }

  async start(): Promise<void> {
    if (this.consumer !== undefined) return this.consumer.start();
    const { id } = this;
    throw new ListenerDisabledError(
      `The listener '${id}' is disabled ('enabled' or 'listeners' is false); use autoStart: false ` +
        'for one that is started by hand.',
      { details: { id } },
    );
  }

  async stop(): Promise<void> {
    await this.consumer?.stop();
  }

  pause(): void {
    this.consumer?.pause();
  }

  resume(): void {
    this.consumer?.resume();
  }

  inspect(): ListenerReport {
    const { id, group, connection, subscriptions, state, inHand } = this;
    const queues = this.queues();
    const lags = queues.map(({ lag }) => lag);
    const isKnown = queues.length > 0 && !lags.includes(undefined);
    const pulls = queues.map(({ lastPulledAt }) => Number(lastPulledAt ?? 0));
    return {
      id,
      group,
      connection,
      subscriptions,
      state,
      inHand,
      counters: { ...this.container.counters },
      queues,
      lag: isKnown ? lags.reduce<number>((sum, lag) => sum + (lag ?? 0), 0) : undefined,
      lastPulledAt: dateOf(Math.max(0, ...pulls)),
    };
  }

  /** Of the topics of this listener, and of the retry topic that its group shares. */
  private queues(): ListenerQueue[] {
    const all = this.consumer?.port?.status?.().queues ?? [];
    const others = new Set<string>();
    for (const { plan } of this.consumer?.members ?? []) {
      if (plan === this.container.plan) continue;
      for (const { topic } of plan.subscriptions) others.add(topic);
    }
    return all
      .filter(({ queue }) => !others.has(queue.topic))
      .map(({ queue, committed, end, held, isPaused, pulledAt, consumedAt }) => ({
        queue,
        committed,
        end,
        lag: committed === undefined ? undefined : Math.max(end - committed, 0),
        held,
        isPaused,
        lastPulledAt: dateOf(pulledAt),
        lastConsumedAt: dateOf(consumedAt),
      }));
  }
}

function dateOf(ms: number): Date | undefined {
  return ms === 0 ? undefined : new Date(ms);
}
