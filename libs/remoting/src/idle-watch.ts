import type { Clock, Timer } from '@nestjs-rocketmq/foundation';
import type { ConnectedPeer } from './connected-peer.js';

/** How many looks make the idle time; a peer is closed at most one look late. */
const looks = 8;

/** Closes peers over which nothing came or went for a while. */
export class IdleWatch {
  private readonly quiet = new Map<ConnectedPeer, number>();
  private readonly timer: Timer | undefined;

  /** `idleMs` 0 closes nobody. */
  constructor(clock: Clock, idleMs: number, peers: () => Iterable<ConnectedPeer>) {
    if (idleMs <= 0) return;
    this.timer = clock.every(Math.max(1, idleMs / looks), () => this.look(peers()));
  }

  close(): void {
    this.timer?.cancel();
    this.quiet.clear();
  }

  private look(peers: Iterable<ConnectedPeer>): void {
    for (const peer of peers) {
      const { connection } = peer;
      const times =
        connection.wasActive || peer.busy + peer.waiting > 0 ? 0 : (this.quiet.get(peer) ?? 0) + 1;
      connection.wasActive = false;
      if (times < looks) {
        this.quiet.set(peer, times);
        continue;
      }
      this.quiet.delete(peer);
      peer.close();
    }
    for (const peer of this.quiet.keys()) if (peer.closed) this.quiet.delete(peer);
  }
}
