import type { Clock, Logger } from '@nestjs-rocketmq/foundation';
import {
  type ConsumerData,
  type HeartbeatData,
  NotifyConsumerIdsChanged,
  type SubscriptionData,
} from '@nestjs-rocketmq/protocol';
import type { Peer } from '@nestjs-rocketmq/remoting';
import type { ConsumerFilters } from '../filters/consumer-filters.js';
import { ConsumerGroup, type Member } from './consumer-group.js';

export interface ClientDirectoryOptions {
  /** Silence after which a client is forgotten, ms. */
  readonly channelExpiredTimeout: number;
  /** Age after which a subscription that nobody repeats is forgotten, ms. */
  readonly subscriptionExpiredTimeout: number;
  readonly notifyConsumerIdsChangedEnable: boolean;
  readonly realTimeNotifyConsumerChange: boolean;
}

/** What a heartbeat says beside its body. */
export interface Sender {
  readonly peer: Peer;
  readonly language: string;
  readonly version: number;
}

/**
 * Which clients are here and in which groups. Members of a consumer group are told when somebody
 * comes, goes or changes what the group listens to, so that they divide the queues anew at once.
 */
export class ClientDirectory {
  private readonly consumers = new Map<string, ConsumerGroup>();
  private readonly producers = new Map<string, Map<Peer, Member>>();
  private readonly watched = new WeakSet<Peer>();
  private readonly nextProducer = new Map<string, number>();
  /** Groups whose members are to be told of a change. */
  private readonly changed = new Set<string>();

  constructor(
    private readonly clock: Clock,
    private readonly logger: Logger,
    private readonly options: ClientDirectoryOptions,
    /** May members of this group be told of changes? */
    private readonly wantsNotice: (group: string) => boolean,
    private readonly filters: Pick<ConsumerFilters, 'register' | 'unregister'>,
  ) {}

  registerProducers(sender: Sender, heartbeat: HeartbeatData): void {
    this.watch(sender.peer);
    for (const { groupName } of heartbeat.producerDataSet) {
      let group = this.producers.get(groupName);
      if (group === undefined) this.producers.set(groupName, (group = new Map()));
      group.set(sender.peer, this.memberOf(sender, heartbeat.clientID));
    }
  }

  /** Takes one group of a heartbeat; true when the group changed by it. */
  registerConsumer(
    sender: Sender,
    clientId: string,
    consumer: ConsumerData,
    withoutSubscriptions = false,
  ): boolean {
    this.watch(sender.peer);
    const name = consumer.groupName;
    let group = this.consumers.get(name);
    if (group === undefined) this.consumers.set(name, (group = new ConsumerGroup(name)));
    const isNew = group.join(this.memberOf(sender, clientId), consumer);
    const now = this.clock.monotonic();
    if (withoutSubscriptions) group.repeat(sender.peer, now);
    const isOther =
      !withoutSubscriptions &&
      this.subscribe(group, sender.peer, consumer.subscriptionDataSet, now);
    if (isNew || isOther) this.announce(group);
    return isNew || isOther;
  }

  unregisterProducer(group: string, peer: Peer): void {
    this.removeProducer(group, peer);
  }

  unregisterConsumer(group: string, peer: Peer): void {
    const members = this.consumers.get(group);
    if (members?.leave(peer) === true) this.left(members);
  }

  /** The consumers of a group that is online, else undefined. */
  consumerGroup(name: string): ConsumerGroup | undefined {
    return this.consumers.get(name);
  }

  consumerGroups(): IterableIterator<ConsumerGroup> {
    return this.consumers.values();
  }

  producerGroups(): string[] {
    return [...this.producers.keys()];
  }

  producersOf(group: string): Member[] {
    return [...(this.producers.get(group)?.values() ?? [])];
  }

  /** A living producer of the group, a different one each time where there are several. */
  someProducer(group: string): Member | undefined {
    const members = this.producersOf(group).filter(({ peer }) => !peer.closed);
    if (members.length === 0) return undefined;
    const turn = (this.nextProducer.get(group) ?? -1) + 1;
    this.nextProducer.set(group, turn);
    return members[turn % members.length];
  }

  /** The connection of a client that is here as a producer; of several the one heard last. */
  producerClient(clientId: string): Peer | undefined {
    let found: Member | undefined;
    for (const members of this.producers.values()) {
      for (const one of members.values()) {
        if (one.clientId !== clientId || one.peer.closed) continue;
        if (found === undefined || one.lastSeen > found.lastSeen) found = one;
      }
    }
    return found?.peer;
  }

  /** Epoch ms of a member's last heartbeat. */
  lastSeenAt({ lastSeen }: Pick<Member, 'lastSeen'>): number {
    return Math.round(this.clock.now() - this.clock.monotonic() + lastSeen);
  }

  subscriptionOf(group: string, topic: string): SubscriptionData | undefined {
    return this.consumers.get(group)?.subscriptionOf(topic);
  }

  /** Groups that are online and listen to a topic. */
  groupsListeningTo(topic: string): string[] {
    return [...this.consumers.values()]
      .filter((group) => group.subscriptionOf(topic) !== undefined)
      .map(({ name }) => name);
  }

  /**
   * Forgets memberships and subscriptions of which nothing was heard for too long. A client of which
   * nothing at all was heard loses its connection too.
   */
  sweep(): void {
    const { channelExpiredTimeout, subscriptionExpiredTimeout } = this.options;
    const now = this.clock.monotonic();
    const heard = this.lastHeard();
    const isSilent = ({ lastSeen }: Pick<Member, 'lastSeen'>): boolean =>
      now - lastSeen > channelExpiredTimeout;
    for (const [name, members] of this.producers) {
      for (const member of members.values()) {
        if (isSilent(member)) this.removeProducer(name, member.peer);
      }
    }
    for (const group of this.consumers.values()) {
      group.expireSubscriptions(now - subscriptionExpiredTimeout);
      for (const member of group.members().filter(isSilent)) {
        if (group.leave(member.peer)) this.left(group);
      }
    }
    for (const [peer, lastSeen] of heard) {
      if (!isSilent({ lastSeen })) continue;
      this.logger.warn('a client sent no heartbeat for too long; closing its connection', {
        client: peer.remoteAddress,
      });
      peer.close();
    }
  }

  /** When each client sent its last heartbeat, for whatever group. */
  private lastHeard(): Map<Peer, number> {
    const heard = new Map<Peer, number>();
    const hear = ({ peer, lastSeen }: Member): void => {
      heard.set(peer, Math.max(lastSeen, heard.get(peer) ?? 0));
    };
    for (const members of this.producers.values()) for (const one of members.values()) hear(one);
    for (const group of this.consumers.values()) for (const one of group.members()) hear(one);
    return heard;
  }

  private memberOf(sender: Sender, clientId: string): Member {
    const { peer, language, version } = sender;
    return { clientId, peer, language, version, lastSeen: this.clock.monotonic() };
  }

  private watch(peer: Peer): void {
    if (this.watched.has(peer)) return;
    this.watched.add(peer);
    peer.onClose(() => this.gone(peer));
  }

  private gone(peer: Peer): void {
    for (const group of this.producers.keys()) this.removeProducer(group, peer);
    for (const group of this.consumers.values()) if (group.leave(peer)) this.left(group);
  }

  private removeProducer(name: string, peer: Peer): void {
    const group = this.producers.get(name);
    group?.delete(peer);
    if (group?.size !== 0) return;
    this.producers.delete(name);
    this.nextProducer.delete(name);
  }

  private left(group: ConsumerGroup): void {
    if (!group.isEmpty) return this.announce(group);
    this.consumers.delete(group.name);
    this.filters.unregister(group.name);
  }

  private subscribe(
    group: ConsumerGroup,
    peer: Peer,
    subscriptions: readonly SubscriptionData[],
    now: number,
  ): boolean {
    const conflict = group.conflictWith(peer, subscriptions);
    if (conflict !== undefined) {
      this.logger.warn(
        'members of one consumer group listen to different things, so messages will be missed; ' +
          'give each kind of consumer a group of its own',
        { group: group.name, client: peer.remoteAddress, subscriptions: conflict },
      );
    }
    this.filters.register(group.name, subscriptions);
    return group.subscribe(subscriptions, now);
  }

  /** With `realTimeNotifyConsumerChange` off, members are told of changes in rounds only. */
  tellOfChanges(): void {
    for (const name of this.changed) {
      const group = this.consumers.get(name);
      if (group !== undefined) this.tell(group);
    }
    this.changed.clear();
  }

  private announce(group: ConsumerGroup): void {
    if (!this.options.notifyConsumerIdsChangedEnable || !this.wantsNotice(group.name)) return;
    if (group.messageModel === 'BROADCASTING') return;
    if (this.options.realTimeNotifyConsumerChange) this.tell(group);
    else this.changed.add(group.name);
  }

  private tell(group: ConsumerGroup): void {
    for (const { peer } of group.members()) {
      if (peer.closed) continue;
      try {
        peer.notify(NotifyConsumerIdsChanged, { consumerGroup: group.name });
      } catch (error) {
        // Whoever misses the notice divides the queues anew within 20 s by itself.
        this.logger.warn('could not tell a consumer of a change in its group', {
          group: group.name,
          client: peer.remoteAddress,
          error,
        });
      }
    }
  }
}
