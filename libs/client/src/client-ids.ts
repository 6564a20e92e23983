import type { Logger } from '@nestjs-rocketmq/foundation';
import type { Network } from '@nestjs-rocketmq/remoting';
import { ClientConfigurationError } from './client.errors.js';

/** An instance, as those of the same id need to know it. */
export interface IdHolder {
  readonly clientId: string;
  /** Addresses of its name servers, or where their list is had. */
  readonly cluster: readonly string[];
  /** Whether a group, under its name on the wire, has a member here. */
  has(kind: 'producer' | 'consumer', wireGroup: string): boolean;
}

/**
 * The client ids in use over one network. Two instances of one id do not share anything here, so they
 * cannot mix clusters up; but brokers take two members of a group with one id for the same one.
 */
export class ClientIds {
  private readonly holders = new Map<string, Set<IdHolder>>();

  add(holder: IdHolder): void {
    const same = this.holders.get(holder.clientId) ?? new Set<IdHolder>();
    this.holders.set(holder.clientId, same.add(holder));
  }

  remove(holder: IdHolder): void {
    const same = this.holders.get(holder.clientId);
    same?.delete(holder);
    if (same?.size === 0) this.holders.delete(holder.clientId);
  }

  /** Throws `ClientConfigurationError` when a second member of the group would have the same id. */
  check(holder: IdHolder, kind: 'producer' | 'consumer', wireGroup: string): void {
    for (const other of this.holders.get(holder.clientId) ?? []) {
      if (other === holder || !other.has(kind, wireGroup)) continue;
      if (!other.cluster.some((address) => holder.cluster.includes(address))) continue;
      throw new ClientConfigurationError(
        `The ${kind} group '${wireGroup}' has a member with the client id '${holder.clientId}' in this ` +
          "process already, and brokers tell members apart by it; give each its own 'instanceName', " +
          'or none: then it gets one.',
        { details: { group: wireGroup, clientId: holder.clientId } },
      );
    }
  }
}

const ofNetwork = new WeakMap<Network, ClientIds>();

/** The ids in use over a network of this process. */
export function clientIdsOf(network: Network): ClientIds {
  const known = ofNetwork.get(network) ?? new ClientIds();
  ofNetwork.set(network, known);
  return known;
}

/** Looks one after the other in which an id stands twice, before it is told: a lost connection fades. */
const sightings = 3;

/** Tells when a group has a second member with this client's id, in another process. */
export class Namesakes {
  private readonly seen = new Map<string, number>();

  constructor(
    private readonly clientId: string,
    private readonly logger: Logger,
  ) {}

  /** The ids of the members of a group, as a broker lists them. */
  look(group: string, ids: readonly string[]): void {
    if (ids.indexOf(this.clientId) === ids.lastIndexOf(this.clientId)) {
      if (this.seen.size > 0) this.seen.delete(group);
      return;
    }
    const count = (this.seen.get(group) ?? 0) + 1;
    this.seen.set(group, count);
    if (count !== sightings) return;
    this.logger.warn(
      'Another process has a member of this group with the same client id: both take the same queues, ' +
        "others stay without a reader. Give each its own 'instanceName', or none.",
      { group, clientId: this.clientId },
    );
  }
}
