import { silentLogger, type Clock } from '@nestjs-rocketmq/foundation';
import { queueKey, type MessageQueue } from '@nestjs-rocketmq/message';
import type { ClientInstance } from '../client-instance.js';
import { AssignedQueue } from '../consumer/assigned-queue.js';
import {
  pushConsumerOptionSet,
  type MessageListener,
  type PushConsumerOptions,
} from '../consumer/consumer-options.js';
import { ConsumeHooks } from '../consumer/consume-hooks.js';
import { newStatistics } from '../consumer/push-state.js';
import { GroupMeasures } from '../consumer/topic-measures.js';
import type { GroupState, MessageDelivery } from '../consumer/group-state.js';
import { OffsetTable } from '../consumer/offset-store.js';
import { storedMessageOf } from './records.js';

/** A message that a scripted broker got back. */
export interface GivenBack {
  readonly text: number;
  readonly delayLevel: number;
}

/**
 * For specs: the state of a consumer group with one queue, no network, and brokers that take back
 * what is given to them unless `refuses` is set.
 */
export class FakeGroup {
  readonly givenBack: GivenBack[] = [];
  refuses = false;
  readonly queue: MessageQueue = { topic: 't', brokerName: 'b', queueId: 0 };
  readonly assigned = new AssignedQueue(this.queue, 0);
  readonly state: GroupState;

  constructor(clock: Clock, listener: MessageListener, options: Partial<PushConsumerOptions> = {}) {
    const given = { group: 'g', listener, subscriptions: [{ topic: 't' }], ...options };
    const settings = pushConsumerOptionSet.load(given);
    this.state = {
      group: 'g',
      settings,
      instance: this.instance(clock),
      clock,
      logger: silentLogger,
      listener,
      isClustering: settings.model === 'clustering',
      isOrderly: settings.mode === 'orderly',
      lockInterval: undefined,
      subscriptions: new Map(),
      offsets: new OffsetTable({
        read: () => Promise.resolve(undefined),
        write: () => Promise.resolve(),
      }),
      statistics: newStatistics(),
      hooks: new ConsumeHooks(silentLogger),
      measures: new GroupMeasures(),
      watch: { begins: () => undefined, ends: () => undefined },
      assigned: new Map([[queueKey(this.queue), this.assigned]]),
      isPaused: false,
    };
    this.assigned.lockedUntil = Number.POSITIVE_INFINITY;
  }

  /** Where the group stands in the queue. */
  get offset(): number | undefined {
    return this.state.offsets.known(this.queue);
  }

  /** Brings messages with the texts 0, 1, 2 ... */
  deliver(delivery: MessageDelivery, count: number, reconsumeTimes = 0): void {
    const from = this.assigned.process.pullOffset;
    const messages = Array.from({ length: count }, (_, i) =>
      storedMessageOf({ topic: 't', text: `${from + i}`, queueOffset: from + i, reconsumeTimes }),
    );
    const fresh = this.assigned.process.put(messages, from + count);
    delivery.accept(this.assigned, fresh);
  }

  private instance(clock: Clock): ClientInstance {
    const unreachable = () => Promise.reject(new Error('no broker'));
    return {
      clock,
      clientId: 'me',
      routes: {
        masterAddress: () => 'b:1',
        known: () => undefined,
        find: unreachable,
        refresh: unreachable,
      },
      calls: {
        sendBack: (_: string, asked: { offset: number; delayLevel: number }) => {
          if (this.refuses) return unreachable();
          this.givenBack.push({ text: asked.offset - 1000, delayLevel: asked.delayLevel });
          return Promise.resolve();
        },
      },
    } as unknown as ClientInstance;
  }
}
