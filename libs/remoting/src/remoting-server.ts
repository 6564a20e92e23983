import type { Clock, Logger, Turn } from '@nestjs-rocketmq/foundation';
import { currentVersion, defaultLanguage, defaultMaxFrameBytes } from '@nestjs-rocketmq/protocol';
import { HotDoor } from './hot-door.js';
import { IdleWatch } from './idle-watch.js';
import { formatAddress, type ListenAddress, type Listener, type Network } from './network.js';
import { nodeNetwork } from './node-network.js';
import { ConnectedPeer, Opaques, type PeerContext } from './connected-peer.js';
import type { Peer } from './peer.js';
import { ReadingPace } from './reading-pace.js';
import type { RequestLatencies } from './request-latencies.js';
import { RequestCodec, type ExtraFields } from './request-codec.js';
import type { Router } from './router.js';
import { SendStage } from './send-stage.js';
import type { StorageGate } from './storage-gate.js';
import { TimerWheel } from './timer-wheel.js';

export interface RemotingServerLimits {
  /** Default 16 MiB, the length word included. */
  readonly maxFrameBytes?: number | undefined;
  /** Connections without traffic for this long are closed. Default 120000; 0 keeps them. */
  readonly idleMs?: number | undefined;
  /** Unsent bytes above which a connection is not read. Default 4 MiB. */
  readonly maxWritable?: number | undefined;
}

export interface RemotingServerOptions {
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  readonly router: Router;
  /** Answers leave in its stage `send`. */
  readonly turn: Turn;
  /** Without one, answers leave at the end of their turn. */
  readonly gate?: StorageGate | undefined;
  readonly network?: Network | undefined;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly limits?: RemotingServerLimits | undefined;
  /** For what the server asks of its clients. */
  readonly extra?: ExtraFields | undefined;
  /** Counts how long requests take; several servers of one turn may share it. Default: nobody does. */
  readonly latencies?: RequestLatencies | undefined;
}

/** Unsent bytes of all connections together, about: each may keep its share, and one answer more. */
const unsentOfAll = 64 * 1024 * 1024;
const leastShare = 64 * 1024;

/** Accepts peers and answers them through a router. */
export class RemotingServer {
  private readonly open = new Set<ConnectedPeer>();
  private readonly closeListeners: ((peer: Peer, error?: Error) => void)[] = [];
  private readonly limits: { maxFrameBytes: number; maxWritable: number; pace: ReadingPace };
  private readonly mostWritable: number;
  private readonly context: PeerContext;
  private readonly wheel: TimerWheel;
  private readonly idleWatch: IdleWatch;
  private readonly sendStage: SendStage;
  private readonly pace: ReadingPace;
  private listener: Listener | undefined;
  private closing: Promise<void> | undefined;

  private constructor(private readonly options: RemotingServerOptions) {
    const { limits = {}, clock, turn } = options;
    this.wheel = new TimerWheel(clock);
    this.idleWatch = new IdleWatch(clock, limits.idleMs ?? 120_000, () => this.open);
    this.sendStage = new SendStage(turn, options.gate, options.latencies);
    this.pace = new ReadingPace(turn);
    this.mostWritable = limits.maxWritable ?? 4 * 1024 * 1024;
    this.limits = {
      maxFrameBytes: limits.maxFrameBytes ?? defaultMaxFrameBytes,
      maxWritable: this.mostWritable,
      pace: this.pace,
    };
    this.context = {
      side: 'server',
      router: options.router,
      schedule: this.sendStage,
      limits: this.limits,
      wheel: this.wheel,
      opaques: new Opaques(),
      logger: options.logger,
      form: 'json',
      codec: new RequestCodec(defaultLanguage, currentVersion, options.extra),
      maxUnsent: this.mostWritable,
      isSecure: false,
      work: { bytes: 0 },
      hot: new HotDoor(options.router, this.sendStage, options.logger),
      latencies: options.latencies,
    };
  }

  /** Rejects with `ListenError` when the port cannot be taken. */
  static async listen(options: RemotingServerOptions): Promise<RemotingServer> {
    const server = new RemotingServer(options);
    const network = options.network ?? nodeNetwork;
    const { host, port } = options;
    try {
      server.listener = await network.listen({ host, port }, (wire) =>
        server.accept(new ConnectedPeer(wire, server.context)),
      );
    } catch (error) {
      server.idleWatch.close();
      server.sendStage.close();
      server.pace.close();
      throw error;
    }
    return server;
  }

  /** With the port really taken. */
  get address(): ListenAddress {
    return (this.listener as Listener).address;
  }

  /** From the next frame on, on every connection. */
  limitFrames(maxFrameBytes: number): void {
    this.limits.maxFrameBytes = maxFrameBytes;
  }

  peers(): ReadonlySet<Peer> {
    return this.open;
  }

  /** Runs whenever a connection has gone, whoever closed it. */
  onPeerClose(listener: (peer: Peer, error?: Error) => void): void {
    this.closeListeners.push(listener);
  }

  /**
   * Accepts and reads nothing more, answers what is being worked on, sends what is unsent, closes.
   * After `deadlineMs` (default 3000) connections are cut.
   */
  close(options: { deadlineMs?: number } = {}): Promise<void> {
    this.closing ??= this.shut(options.deadlineMs ?? 3_000);
    return this.closing;
  }

  private accept(peer: ConnectedPeer): void {
    if (this.closing !== undefined) return peer.close();
    this.open.add(peer);
    this.share();
    peer.onClose((error) => {
      this.open.delete(peer);
      this.share();
      for (const listener of this.closeListeners) listener(peer, error);
    });
    peer.open();
  }

  /** The more connections there are, the less each may bring in a turn and leave unread. */
  private share(): void {
    this.pace.shareAmong(this.open.size);
    const share = Math.max(leastShare, Math.floor(unsentOfAll / Math.max(1, this.open.size)));
    this.limits.maxWritable = Math.min(this.mostWritable, share);
  }

  private async shut(deadlineMs: number): Promise<void> {
    this.idleWatch.close();
    await this.listener?.close();
    const peers = [...this.open];
    let unsent = 0;
    const cut = this.options.clock.after(deadlineMs, () => {
      for (const peer of peers) {
        if (!peer.closed) unsent += 1;
        peer.close();
      }
    });
    await Promise.all(peers.map((peer) => this.part(peer)));
    cut.cancel();
    if (unsent > 0) {
      const { host, port } = this.address;
      const where = formatAddress(host, port);
      this.options.logger.warn(`${unsent} connections to ${where} were cut with answers unsent`);
    }
    this.wheel.close();
    this.sendStage.close();
    this.pace.close();
  }

  private async part(peer: ConnectedPeer): Promise<void> {
    const gone = new Promise<void>((resolve) => peer.onClose(() => resolve()));
    await peer.drain();
    await gone;
  }
}
