import { type Clock, Deferred, type Logger, type Timer } from '@nestjs-rocketmq/foundation';
import type { RemotingClient } from '@nestjs-rocketmq/remoting';
import type { TopicTable } from '../topics/topic-table.js';
import { type LinkParts, NameServerLink } from './name-server-link.js';
import { RegistrationBodies } from './registration-bodies.js';
import type { RegistrationSettings } from './registration.options.js';

export interface RegistrationParts {
  readonly client: RemotingClient;
  readonly topics: TopicTable;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly identity: LinkParts['identity'];
  /** Read whenever something is told, so that changes of settings count at once. */
  readonly settings: RegistrationSettings;
}

/** Whoever changed a topic waits no longer for name servers to know. */
const longestTellMillis = 3000;
/** How soon a name server that was lost, or never there, is tried again. */
const retryMillis = 3000;

/**
 * Tells every name server that this broker lives and what topics it has: at the start, every
 * `registerNameServerPeriod`, whenever the topic table changes, and soon after a name server has
 * come back; and that it goes, at the end. Name servers do not know of each other, and none waits
 * for another here.
 */
export class RegistrationService {
  private readonly links = new Map<string, NameServerLink>();
  private readonly bodies: RegistrationBodies;
  private timers: Timer[] = [];
  private isClosed = false;

  constructor(private readonly parts: RegistrationParts) {
    const { topics, settings, clock, identity } = parts;
    this.bodies = new RegistrationBodies(topics, settings, identity.brokerName, clock);
  }

  /** Resolves when every name server was told once, or did not answer. */
  async open(): Promise<void> {
    const { topics, client } = this.parts;
    topics.onChange((topic) => this.announce(topic));
    client.onPeerClose(() => this.forgetLost());
    this.repeat();
    await this.tellAll();
  }

  /** Has every name server that is set taken what it was told last? */
  get isRegistered(): boolean {
    const { namesrvAddr } = this.parts.settings;
    return namesrvAddr.every((address) => this.links.get(address)?.isRegistered === true);
  }

  /** Settings were changed: times begin anew, former name servers are left, all others told. */
  async settingsChanged(): Promise<void> {
    if (this.isClosed) return;
    this.repeat();
    await this.tellAll();
  }

  private repeat(): void {
    const { clock, settings } = this.parts;
    for (const timer of this.timers) timer.cancel();
    this.timers = [
      clock.every(settings.registerNameServerPeriod, () => void this.renew()),
      clock.every(retryMillis, () => this.retry()),
    ];
    if (settings.enableSlaveActingMaster) {
      this.timers.push(clock.every(settings.brokerHeartbeatInterval, () => this.beat()));
    }
  }

  async close(): Promise<void> {
    this.isClosed = true;
    for (const timer of this.timers) timer.cancel();
    const links = [...this.links.values()];
    for (const link of links) link.close();
    await Promise.all(links.map((link) => link.sayGoodbye()));
  }

  /** Tells everything everywhere; for settings that change what is told. */
  async tellAll(): Promise<void> {
    if (this.isClosed) return;
    await Promise.all(this.present().map((link) => link.tell('all')));
  }

  private async renew(): Promise<void> {
    const { forceRegister, enableSplitRegistration } = this.parts.settings;
    const wanted = forceRegister || enableSplitRegistration ? 'all' : 'check';
    await Promise.all(this.present().map((link) => link.tell(wanted)));
  }

  /**
   * Tells the name servers of a change. Resolves when they know, as far as they answer, so that an
   * operator who created a topic can be told when its route is there.
   */
  private async announce(topic: string): Promise<void> {
    if (this.isClosed) return;
    const wanted = this.parts.settings.enableSingleTopicRegister ? 'changes' : 'all';
    const told = Promise.all(this.present().map((link) => link.tell(wanted, [topic])));
    const late = new Deferred<void>();
    const timer = this.parts.clock.after(longestTellMillis, () => late.resolve());
    await Promise.race([told, late.promise]);
    timer.cancel();
  }

  private retry(): void {
    for (const link of this.links.values()) {
      if (link.isRegistered === false) void link.tell('all');
    }
  }

  private beat(): void {
    for (const link of this.links.values()) void link.beat();
  }

  private forgetLost(): void {
    const open = this.parts.client.openPeers();
    for (const link of this.links.values()) {
      if (!open.has(link.address)) link.lost();
    }
  }

  /** A link for each name server that the settings name now; others are left. */
  private present(): NameServerLink[] {
    const { settings } = this.parts;
    const named = new Set(settings.namesrvAddr);
    for (const [address, link] of this.links) {
      if (named.has(address)) continue;
      link.close();
      void link.sayGoodbye();
      this.links.delete(address);
    }
    for (const address of named) {
      if (!this.links.has(address)) this.links.set(address, this.linkTo(address));
    }
    return [...this.links.values()];
  }

  private linkTo(address: string): NameServerLink {
    const { client, topics, settings, identity, logger } = this.parts;
    const { bodies } = this;
    const onOrderTopics = (names: readonly string[]): void => this.takeOrder(names);
    return new NameServerLink(address, {
      client,
      topics,
      bodies,
      settings,
      identity,
      logger,
      onOrderTopics,
    });
  }

  /** Topics that an operator gave an order at the name server are ordered here too. */
  private takeOrder(names: readonly string[]): void {
    const { topics, logger } = this.parts;
    for (const name of names) {
      const topic = topics.get(name);
      if (topic === undefined || topic.config.order) continue;
      logger.info('a topic has an order by the configuration of a name server', { topic: name });
      topics.update({ ...topic.config, order: true });
    }
  }
}
