import type { Clock, Logger } from '@nestjs-rocketmq/foundation';
import {
  currentVersion,
  defaultLanguage,
  defaultMaxFrameBytes,
  type Asking,
  type CommandDefinition,
  type HeaderForm,
} from '@nestjs-rocketmq/protocol';
import { NextTickSchedule } from './connection.js';
import { IdleWatch } from './idle-watch.js';
import { parseAddress, type Network } from './network.js';
import { nodeNetwork } from './node-network.js';
import { ConnectedPeer, Opaques, type PeerContext } from './connected-peer.js';
import type { Answer, InvokeOptions, NotifyOptions, Peer } from './peer.js';
import {
  AddressError,
  RemotingClosedError,
  RequestTimeoutError,
  RouteError,
} from './remoting.errors.js';
import { RequestCodec, type ExtraFields } from './request-codec.js';
import { emptyRouter, type Router } from './router.js';
import { checkTls, tlsOptionsOf, type TlsSetting } from './tls.js';
import { TimerWheel } from './timer-wheel.js';

export interface RemotingClientOptions {
  readonly network?: Network | undefined;
  readonly clock: Clock;
  readonly logger: Logger;
  /** How headers of requests are written. Default `json`. */
  readonly form?: HeaderForm | undefined;
  /** What requests say of this side. Default `OTHER`: some servers fail on names they do not know. */
  readonly language?: string | undefined;
  /** Default V5_3_3. */
  readonly version?: number | undefined;
  /** Default 3000. */
  readonly connectTimeoutMs?: number | undefined;
  /** Answers what servers ask of this client. Default: nothing is supported. */
  readonly router?: Router | undefined;
  readonly extra?: ExtraFields | undefined;
  /** Secures every connection. */
  readonly tls?: TlsSetting | undefined;
  /** Connections without traffic for this long are closed. Default 120000; 0 keeps them. */
  readonly idleMs?: number | undefined;
  /** Default 16 MiB, the length word included. */
  readonly maxFrameBytes?: number | undefined;
  /** Unsent bytes to one address above which requests are refused. Default 64 MiB. */
  readonly maxUnsent?: number | undefined;
}

/** Reading stops while this much of our own answers is unsent. */
const maxWritable = 4 * 1024 * 1024;

/** One connection per address: made when first needed, shared, made anew after a loss. */
export class RemotingClient {
  private readonly peers = new Map<string, ConnectedPeer>();
  private readonly connecting = new Map<string, Promise<ConnectedPeer>>();
  private readonly closeListeners: ((peer: Peer, error?: Error) => void)[] = [];
  private readonly network: Network;
  private readonly connectTimeoutMs: number;
  private readonly context: PeerContext;
  private readonly wheel: TimerWheel;
  private readonly idleWatch: IdleWatch;
  private readonly closing = new AbortController();

  /**
   * Throws `RouteError` for hot routes, which need the turn of a server, and `TlsError` for
   * certificates or keys that cannot be read.
   */
  constructor(private readonly options: RemotingClientOptions) {
    for (const [code, { kind }] of options.router?.all() ?? []) {
      if (kind === 'hot') {
        throw new RouteError(`Code ${code} has a hot route; a client answers through cold ones.`);
      }
    }
    checkTls(options.tls);
    this.network = options.network ?? nodeNetwork;
    this.connectTimeoutMs = options.connectTimeoutMs ?? 3_000;
    this.wheel = new TimerWheel(options.clock);
    this.idleWatch = new IdleWatch(options.clock, options.idleMs ?? 120_000, () =>
      this.peers.values(),
    );
    this.context = {
      side: 'client',
      router: options.router ?? emptyRouter(),
      schedule: new NextTickSchedule(),
      limits: { maxFrameBytes: options.maxFrameBytes ?? defaultMaxFrameBytes, maxWritable },
      wheel: this.wheel,
      opaques: new Opaques(),
      logger: options.logger,
      form: options.form ?? 'json',
      codec: new RequestCodec(
        options.language ?? defaultLanguage,
        options.version ?? currentVersion,
        options.extra,
      ),
      maxUnsent: options.maxUnsent ?? 64 * 1024 * 1024,
      isSecure: options.tls !== undefined && options.tls !== false,
      work: { bytes: 0 },
      hot: undefined,
    };
  }

  /** Asks whoever listens at `host:port`; see `Peer.invoke`. Also rejects with `ConnectError`. */
  invoke<C extends CommandDefinition>(
    address: string,
    definition: C,
    asked: Asking<C>,
    options: InvokeOptions<C>,
  ): Promise<Answer<C>> {
    const peer = this.peers.get(address);
    if (peer !== undefined && !peer.closed) return peer.invoke(definition, asked, options);
    return this.invokeLater(address, definition, asked, options);
  }

  /** Asks without wanting an answer; resolves when the request is on its way. */
  async notify<C extends CommandDefinition>(
    address: string,
    definition: C,
    asked: Asking<C>,
    options: NotifyOptions<C> = {},
  ): Promise<void> {
    const peer = await this.peer(address);
    peer.notify(definition, asked, options);
  }

  /** The open connection to an address; connects if there is none. */
  peer(address: string): Promise<Peer> {
    const open = this.peers.get(address);
    if (open !== undefined && !open.closed) return Promise.resolve(open);
    let attempt = this.connecting.get(address);
    if (attempt === undefined) {
      attempt = this.connect(address).finally(() => this.connecting.delete(address));
      this.connecting.set(address, attempt);
    }
    return attempt;
  }

  /** Open connections by address. */
  openPeers(): ReadonlyMap<string, Peer> {
    return this.peers;
  }

  /** Closes the connection to an address at once, if there is one. */
  closeAddress(address: string): void {
    this.peers.get(address)?.close();
  }

  /** Runs whenever a connection has gone, whoever closed it. */
  onPeerClose(listener: (peer: Peer, error?: Error) => void): void {
    this.closeListeners.push(listener);
  }

  /**
   * Sends what is unsent and answers what handlers are working on, then closes every connection.
   * Whoever still waits for an answer gets `ConnectionLostError`; so end your requests before.
   * After `deadlineMs` (default 3000) connections are cut.
   */
  async close(options: { deadlineMs?: number } = {}): Promise<void> {
    if (this.closing.signal.aborted) return;
    this.closing.abort(closedError());
    this.idleWatch.close();
    const peers = [...this.peers.values()];
    const cut = this.options.clock.after(options.deadlineMs ?? 3_000, () =>
      peers.forEach((peer) => peer.close()),
    );
    await Promise.allSettled(peers.map((peer) => peer.drain()));
    for (const peer of peers) peer.close();
    await Promise.allSettled(this.connecting.values());
    cut.cancel();
    this.wheel.close();
  }

  private async invokeLater<C extends CommandDefinition>(
    address: string,
    definition: C,
    asked: Asking<C>,
    options: InvokeOptions<C>,
  ): Promise<Answer<C>> {
    const { clock } = this.options;
    const start = clock.monotonic();
    const peer = await this.peerWithin(address, definition, options.timeoutMs);
    const timeoutMs = options.timeoutMs - (clock.monotonic() - start);
    if (timeoutMs <= 0) throw lateError(address, definition, options.timeoutMs);
    return peer.invoke(definition, asked, { ...options, timeoutMs });
  }

  /** The shared attempt to connect may take longer than this caller's time. */
  private async peerWithin(
    address: string,
    definition: CommandDefinition,
    timeoutMs: number,
  ): Promise<Peer> {
    let fail: (error: Error) => void = () => undefined;
    const late = new Promise<never>((_, reject) => (fail = reject));
    const timer = this.options.clock.after(timeoutMs, () =>
      fail(lateError(address, definition, timeoutMs)),
    );
    try {
      return await Promise.race([this.peer(address), late]);
    } finally {
      timer.cancel();
    }
  }

  private async connect(address: string): Promise<ConnectedPeer> {
    const { signal } = this.closing;
    if (signal.aborted) throw closedError();
    const target = parseAddress(address);
    if (target === undefined) {
      throw new AddressError(`'${address}' is no address; write host:port.`, {
        details: { address },
      });
    }
    const timeoutMs = this.connectTimeoutMs;
    const tls = tlsOptionsOf(this.options.tls);
    const wire = await this.network.connect({ ...target, timeoutMs, signal, tls });
    if (signal.aborted) {
      wire.destroy();
      throw closedError();
    }
    const peer = new ConnectedPeer(wire, this.context);
    this.peers.set(address, peer);
    peer.onClose((error) => {
      if (this.peers.get(address) === peer) this.peers.delete(address);
      for (const listener of this.closeListeners) listener(peer, error);
    });
    peer.open();
    return peer;
  }
}

function closedError(): RemotingClosedError {
  return new RemotingClosedError('This remoting client is closed.');
}

function lateError(
  address: string,
  definition: CommandDefinition,
  timeoutMs: number,
): RequestTimeoutError {
  return new RequestTimeoutError(
    `No connection to ${address} for ${definition.name} within ${timeoutMs} ms.`,
    { details: { address, request: definition.name, timeoutMs }, retriable: true },
  );
}
