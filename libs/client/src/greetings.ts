import { messageOf, type Clock, type Logger, type Timer } from '@nestjs-rocketmq/foundation';
import type { HeartbeatData } from '@nestjs-rocketmq/protocol';
import type { RemotingClient } from '@nestjs-rocketmq/remoting';
import type { BrokerCalls } from './broker-calls.js';
import type { ConsumerMember } from './broker-requests.js';
import { AccessDeniedError } from './client.errors.js';
import type { RouteTable } from './route-table.js';

const firstReconnectDelay = 500;
const longestReconnectDelay = 30_000;

/** Who greets, as this file needs it. */
export interface Greeter {
  readonly clientId: string;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly calls: BrokerCalls;
  readonly routes: RouteTable;
  readonly isRunning: boolean;
  readonly isClosed: boolean;
  readonly producerGroups: readonly string[];
  readonly consumerMembers: readonly ConsumerMember[];
}

/** Sees to it that brokers know this client: heartbeats, and a word to those who are new or were lost. */
export class Greetings {
  /** Brokers that know this client; lost with the connection. */
  private readonly greeted = new Set<string>();
  private readonly reconnecting = new Map<string, Timer>();

  constructor(
    private readonly client: Greeter,
    private readonly remoting: RemotingClient,
  ) {}

  /** Brokers that know this client. */
  get known(): ReadonlySet<string> {
    return this.greeted;
  }

  /** Tells every broker who we are; failures are logged and tried again at the next beat. */
  async beat(): Promise<void> {
    await Promise.all(this.addresses().map((address) => this.greet(address)));
  }

  /** The same; rejects with `AccessDeniedError` when nobody took it and somebody refused access. */
  async introduce(): Promise<void> {
    if (this.isAlone()) return;
    const failures = await Promise.all(this.addresses().map((address) => this.tell(address)));
    if (failures.includes(undefined)) return;
    const denied = failures.find((failure) => failure instanceof AccessDeniedError);
    if (denied !== undefined) throw denied;
  }

  /** Tells one broker; answers whether it took it. */
  async greet(address: string): Promise<boolean> {
    return this.isAlone() ? false : (await this.tell(address)) === undefined;
  }

  /** A broker that appears in a route gets to know us at once, not at the next beat. */
  greetNew(): void {
    if (!this.client.isRunning) return;
    for (const address of this.addresses()) {
      if (!this.greeted.has(address) && !this.reconnecting.has(address)) {
        this.greeted.add(address);
        void this.greet(address).then((isKnown) => isKnown || this.greetLater(address));
      }
    }
  }

  /** With the connection the broker forgets this client: come back soon and say who we are. */
  lookForLost(): void {
    if (!this.client.isRunning) return;
    const open = this.remoting.openPeers();
    for (const address of this.greeted) {
      const peer = open.get(address);
      if (peer === undefined || peer.closed) this.greetLater(address);
    }
  }

  close(): void {
    for (const timer of this.reconnecting.values()) timer.cancel();
    this.reconnecting.clear();
  }

  /** Nobody here whom a broker should know. */
  private isAlone(): boolean {
    const { isClosed, producerGroups, consumerMembers } = this.client;
    return isClosed || producerGroups.length + consumerMembers.length === 0;
  }

  /** Every broker when there are consumers, masters otherwise. */
  private addresses(): string[] {
    return this.client.routes.brokerAddresses(this.client.consumerMembers.length === 0);
  }

  /** Undefined when the broker took it, else why not. */
  private async tell(address: string): Promise<unknown> {
    const { calls, logger } = this.client;
    try {
      await calls.heartbeat(address, this.heartbeatData());
      this.greeted.add(address);
      return undefined;
    } catch (error) {
      const level = error instanceof AccessDeniedError ? 'error' : 'warn';
      logger[level]('A heartbeat failed.', { address, error: messageOf(error) });
      return error;
    }
  }

  private heartbeatData(): HeartbeatData {
    const { clientId, producerGroups, consumerMembers } = this.client;
    return {
      clientID: clientId,
      producerDataSet: producerGroups.map((groupName) => ({ groupName })),
      consumerDataSet: consumerMembers.map((one) => one.data()),
      heartbeatFingerprint: 0,
      withoutSub: false,
    };
  }

  private greetLater(address: string, delay = firstReconnectDelay): void {
    if (!this.client.isRunning || this.reconnecting.has(address)) return;
    this.greeted.delete(address);
    const timer = this.client.clock.after(delay, () => {
      const isWanted = this.addresses().includes(address);
      if (!isWanted) return void this.reconnecting.delete(address);
      void this.greet(address).then((isKnown) => {
        this.reconnecting.delete(address);
        if (!isKnown) return this.greetLater(address, Math.min(delay * 2, longestReconnectDelay));
        for (const consumer of this.client.consumerMembers) consumer.membersChanged();
      });
    });
    this.reconnecting.set(address, timer);
  }
}
