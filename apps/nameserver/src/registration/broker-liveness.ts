import type { Clock } from '@nestjs-rocketmq/foundation';
import type { BrokerIdentity } from '../route/route-table.js';

/** What is known of a connection here; a `Peer` is one. */
export interface BrokerConnection {
  readonly closed: boolean;
  onClose(listener: () => void): void;
  close(): void;
}

/** How long a broker may be silent when it does not say. Source: `RouteInfoManager` of 5.3.3. */
export const defaultSilenceMs = 120_000;

interface Living {
  readonly broker: BrokerIdentity;
  readonly connection: BrokerConnection;
  readonly silenceMs: number;
  heardAt: number;
}

const keyOf = (cluster: string, address: string): string => `${cluster}\u0000${address}`;

/**
 * Who has not been heard of. A broker is gone when the connection over which it last registered
 * closes, or when it has been silent for too long; `onGone` is told once.
 */
export class BrokerLiveness {
  private readonly living = new Map<string, Living>();
  private readonly watched = new WeakSet<BrokerConnection>();

  constructor(
    private readonly clock: Clock,
    private readonly onGone: (broker: BrokerIdentity, why: string) => void,
  ) {}

  get size(): number {
    return this.living.size;
  }

  /** A broker registered over a connection. `silenceMs`: how long it may be silent. */
  came(broker: BrokerIdentity, connection: BrokerConnection, silenceMs = defaultSilenceMs): void {
    const heardAt = this.clock.monotonic();
    const key = keyOf(broker.cluster, broker.address);
    this.living.set(key, { broker, connection, silenceMs, heardAt });
    if (this.watched.has(connection)) return;
    this.watched.add(connection);
    connection.onClose(() => this.connectionGone(connection));
  }

  /** A broker gave a sign of life. False when it is not registered. */
  beat(cluster: string, address: string): boolean {
    const living = this.living.get(keyOf(cluster, address));
    if (living === undefined) return false;
    living.heardAt = this.clock.monotonic();
    return true;
  }

  /** A broker said goodbye. */
  left(broker: BrokerIdentity): void {
    this.living.delete(keyOf(broker.cluster, broker.address));
  }

  /** Looks for those who fell silent. */
  sweep(): void {
    const now = this.clock.monotonic();
    for (const [key, { broker, connection, silenceMs, heardAt }] of this.living) {
      if (now - heardAt <= silenceMs) continue;
      this.living.delete(key);
      this.onGone(broker, `it was silent for ${now - heardAt} ms`);
      connection.close();
    }
  }

  private connectionGone(connection: BrokerConnection): void {
    for (const [key, living] of this.living) {
      // A broker that has since registered over another connection is not meant.
      if (living.connection !== connection) continue;
      this.living.delete(key);
      this.onGone(living.broker, 'its connection closed');
    }
  }
}
