import type { MessageQueue } from '@nestjs-rocketmq/message';
import { averagely } from './allocation/averagely.js';
import { allocateQueues, type AllocationStrategy } from './allocation/strategy.js';
import type { ConsumerGroup } from './group-state.js';

/** Which queues this member is to have. */
export interface QueueShare {
  topics(): Iterable<string>;
  /** The queues of a topic; undefined when that cannot be known now. */
  of(topic: string): Promise<readonly MessageQueue[] | undefined>;
}

/** The share in the group: every queue when broadcasting, else what the strategy allots. */
export class GroupShare implements QueueShare {
  constructor(
    private readonly state: ConsumerGroup,
    private readonly strategy: AllocationStrategy = averagely,
  ) {}

  topics(): Iterable<string> {
    return this.state.subscriptions.keys();
  }

  async of(topic: string): Promise<readonly MessageQueue[] | undefined> {
    const { instance, group, isClustering } = this.state;
    const route = await instance.routes.find(topic);
    if (route === undefined || route.isTemplate || route.subscribe.length === 0) return undefined;
    if (!isClustering) return route.subscribe;
    const address = instance.routes.anyAddress(topic);
    if (address === undefined) return undefined;
    const members = await instance.calls.consumerIds(address, group);
    instance.namesakes.look(group, members);
    if (!members.includes(instance.clientId)) {
      // A broker that restarted and does not know us yet is no reason to let go of everything.
      await instance.greet(address);
      return undefined;
    }
    return allocateQueues(this.strategy, group, instance.clientId, route.subscribe, members);
  }
}
