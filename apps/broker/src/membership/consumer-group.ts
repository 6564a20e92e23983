import type {
  ConsumeFromWhere,
  ConsumerData,
  ConsumeType,
  MessageModel,
  SubscriptionData,
} from '@nestjs-rocketmq/protocol';
import type { Peer } from '@nestjs-rocketmq/remoting';

/** A client in a group. */
export interface Member {
  readonly clientId: string;
  readonly peer: Peer;
  /** As its heartbeats say, such as JAVA. */
  readonly language: string;
  /** Ordinal of Apache's version enum. */
  readonly version: number;
  /** When its last heartbeat came, on the clock that nobody can set. */
  readonly lastSeen: number;
}

interface Subscription {
  data: SubscriptionData;
  lastSeen: number;
}

/** The clients of one consumer group, and what the group listens to. */
export class ConsumerGroup {
  consumeType: ConsumeType = 'CONSUME_PASSIVELY';
  messageModel: MessageModel = 'CLUSTERING';
  consumeFromWhere: ConsumeFromWhere = 'CONSUME_FROM_LAST_OFFSET';
  /** The fingerprint of the last heartbeat V2. */
  fingerprint = 0;
  private readonly byPeer = new Map<Peer, Member>();
  private readonly byTopic = new Map<string, Subscription>();
  /** What each member said it listens to. */
  private readonly wishes = new Map<Peer, readonly SubscriptionData[]>();
  private knownConflict = '';

  constructor(readonly name: string) {}

  get isEmpty(): boolean {
    return this.byPeer.size === 0;
  }

  get size(): number {
    return this.byPeer.size;
  }

  members(): Member[] {
    return [...this.byPeer.values()];
  }

  /** Each id once, in the order of joining. */
  clientIds(): string[] {
    return [...new Set(this.members().map(({ clientId }) => clientId))];
  }

  member(clientId: string): Member | undefined {
    return this.members().find((member) => member.clientId === clientId);
  }

  /** True when the client was not a member before. */
  join(member: Member, consumer: ConsumerData): boolean {
    this.consumeType = consumer.consumeType;
    this.messageModel = consumer.messageModel;
    this.consumeFromWhere = consumer.consumeFromWhere;
    const known = this.byPeer.get(member.peer);
    this.byPeer.set(member.peer, member);
    return known?.clientId !== member.clientId;
  }

  has(peer: Peer): boolean {
    return this.byPeer.has(peer);
  }

  leave(peer: Peer): boolean {
    this.wishes.delete(peer);
    return this.byPeer.delete(peer);
  }

  subscriptionOf(topic: string): SubscriptionData | undefined {
    return this.byTopic.get(topic)?.data;
  }

  subscriptions(): SubscriptionData[] {
    return [...this.byTopic.values()].map(({ data }) => data);
  }

  /**
   * Takes the subscriptions of a heartbeat for the group's; true when topics came or went. Of two
   * for one topic the newer one counts (its `subVersion` is higher).
   */
  subscribe(subscriptions: readonly SubscriptionData[], now: number): boolean {
    let changed = false;
    const named = new Set<string>();
    for (const data of subscriptions) {
      named.add(data.topic);
      const known = this.byTopic.get(data.topic);
      if (known === undefined) {
        this.byTopic.set(data.topic, { data, lastSeen: now });
        changed = true;
        continue;
      }
      known.lastSeen = now;
      if (data.subVersion > known.data.subVersion) known.data = data;
    }
    for (const topic of this.byTopic.keys()) {
      if (named.has(topic)) continue;
      this.byTopic.delete(topic);
      changed = true;
    }
    return changed;
  }

  /** A heartbeat that leaves the subscriptions out says again what its sender said before. */
  repeat(peer: Peer, now: number): void {
    for (const { topic } of this.wishes.get(peer) ?? []) {
      const subscription = this.byTopic.get(topic);
      if (subscription !== undefined) subscription.lastSeen = now;
    }
  }

  /**
   * Notes what a member listens to. Members that differ overwrite each other's subscriptions again
   * and again: answers what they say then, once for each such state.
   */
  conflictWith(peer: Peer, subscriptions: readonly SubscriptionData[]): string[] | undefined {
    this.wishes.set(peer, subscriptions);
    const different = [...new Set(Array.from(this.wishes.values(), wishOf))].toSorted();
    const conflict = different.length > 1 ? different.join('\n') : '';
    if (conflict === this.knownConflict) return undefined;
    this.knownConflict = conflict;
    return conflict === '' ? undefined : different;
  }

  /** Forgets subscriptions that no heartbeat has repeated since `before` (epoch ms). */
  expireSubscriptions(before: number): void {
    for (const [topic, { lastSeen }] of this.byTopic) {
      if (lastSeen < before) this.byTopic.delete(topic);
    }
  }
}

function wishOf(subscriptions: readonly SubscriptionData[]): string {
  return subscriptions
    .map(({ topic, expressionType, subString }) => `${topic} by ${expressionType} ${subString}`)
    .toSorted()
    .join(', ');
}
