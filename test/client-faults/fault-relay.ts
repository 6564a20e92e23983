import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { nodeNetwork, type Network } from '@nestjs-rocketmq/remoting';

/** Who wrote a frame. */
export type Side = 'client' | 'server';

/** A frame on its way, length word included. */
export class PassingFrame {
  private parsed: { code: number; flag: number; opaque: number } | undefined;

  constructor(
    readonly pair: Pair,
    readonly from: Side,
    readonly bytes: Buffer,
  ) {}

  /** The fields of a JSON header. */
  get header(): { readonly code: number; readonly flag: number; readonly opaque: number } {
    const length = this.bytes.readInt32BE(4) & 0xffffff;
    this.parsed ??= JSON.parse(this.bytes.toString('utf8', 8, 8 + length)) as NonNullable<
      typeof this.parsed
    >;
    return this.parsed;
  }

  get isAnswer(): boolean {
    return (this.header.flag & 1) !== 0;
  }

  /** The same frame under another number. */
  renumbered(opaque: number): Buffer {
    const { bytes } = this;
    const length = bytes.readInt32BE(4) & 0xffffff;
    const header = JSON.parse(bytes.toString('utf8', 8, 8 + length)) as { opaque: number };
    const text = Buffer.from(JSON.stringify({ ...header, opaque }));
    const body = bytes.subarray(8 + length);
    const head = Buffer.alloc(8);
    head.writeInt32BE(4 + text.length + body.length, 0);
    head.writeInt32BE(text.length, 4);
    return Buffer.concat([head, text, body]);
  }
}

/** What a relay does with the frames that pass; `pass` sends bytes on. */
export interface WireFault {
  frame(frame: PassingFrame, pass: (bytes: Buffer) => void): void;
}

/** One connection through a relay. */
export class Pair {
  /** Nothing comes through any more, and nobody is told. */
  private isFrozen = false;
  private readonly rests = new Map<Side, Buffer>();
  private paceMs = 0;

  constructor(
    private readonly relay: FaultRelay,
    readonly client: Socket,
    readonly server: Socket,
  ) {
    this.join('client', client, server);
    this.join('server', server, client);
  }

  /** Both ends see the connection end; `how` as the peer would do it. */
  cut(how: 'end' | 'reset'): void {
    for (const socket of [this.client, this.server]) {
      if (how === 'reset') socket.resetAndDestroy();
      else socket.destroySoon();
    }
  }

  freeze(): void {
    this.isFrozen = true;
    this.client.pause();
    this.server.pause();
  }

  /** From now on at most a chunk in so many milliseconds; 0: as fast as it goes. */
  slow(ms: number): void {
    this.paceMs = ms;
  }

  /** The other side of a frame's writer. */
  target(from: Side): Socket {
    return from === 'client' ? this.server : this.client;
  }

  private join(from: Side, source: Socket, target: Socket): void {
    source.on('data', (chunk: Buffer) => {
      if (this.isFrozen) return;
      this.frames(from, chunk, target);
      if (this.paceMs > 0) this.breathe(source, this.paceMs);
      else if (target.writableNeedDrain) {
        source.pause();
        target.once('drain', () => this.isFrozen || source.resume());
      }
    });
    source.on('error', () => undefined);
    source.on('close', () => {
      // Whoever was cut off by a half-open connection is not told of the other side's end.
      if (!this.isFrozen) target.destroySoon();
      this.relay.left(this);
    });
  }

  private breathe(source: Socket, ms: number): void {
    source.pause();
    setTimeout(() => this.isFrozen || source.resume(), ms);
  }

  private frames(from: Side, chunk: Buffer, target: Socket): void {
    const { fault } = this.relay;
    let rest = Buffer.concat([this.rests.get(from) ?? Buffer.alloc(0), chunk]);
    while (rest.length >= 4 && rest.length >= 4 + rest.readInt32BE(0)) {
      const bytes = rest.subarray(0, 4 + rest.readInt32BE(0));
      rest = rest.subarray(bytes.length);
      const pass = (out: Buffer): void => void (target.writable && target.write(out));
      if (fault === undefined) pass(bytes);
      else fault.frame(new PassingFrame(this, from, bytes), pass);
    }
    this.rests.set(from, rest);
  }
}

/** A TCP relay in front of one server that does to its frames what it is told. */
export class FaultRelay {
  fault: WireFault | undefined;
  /** How many connections it took since the beginning. */
  connections = 0;
  private readonly pairs = new Set<Pair>();

  private constructor(
    private readonly listener: Server,
    private target: string,
  ) {
    listener.on('connection', (client) => {
      const [host = '', port] = this.target.split(':');
      const server = connect({ host, port: Number(port), noDelay: true });
      this.connections += 1;
      this.pairs.add(new Pair(this, client, server));
    });
  }

  static async start(target: string): Promise<FaultRelay> {
    const listener = createServer({ noDelay: true });
    await new Promise<void>((resolve, reject) => {
      listener.once('error', reject);
      listener.listen(0, '127.0.0.1', resolve);
    });
    return new FaultRelay(listener, target);
  }

  get port(): number {
    return (this.listener.address() as AddressInfo).port;
  }

  get open(): readonly Pair[] {
    return [...this.pairs];
  }

  left(pair: Pair): void {
    this.pairs.delete(pair);
  }

  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.listener.close(() => resolve()));
    for (const { client, server } of this.pairs) {
      client.destroy();
      server.destroy();
    }
    await closed;
  }
}

/** Leads the connections of clients through relays, by the address they ask for. */
export class RelayNetwork implements Network {
  readonly relays = new Map<string, FaultRelay>();
  readonly listen: Network['listen'] = (address, onWire) => nodeNetwork.listen(address, onWire);
  readonly connect: Network['connect'] = (target) => {
    const relay = this.relays.get(`${target.host}:${target.port}`);
    return nodeNetwork.connect({ ...target, port: relay?.port ?? target.port });
  };

  /** The relay in front of an address; made when first asked for. */
  async before(address: string): Promise<FaultRelay> {
    let relay = this.relays.get(address);
    if (relay === undefined) this.relays.set(address, (relay = await FaultRelay.start(address)));
    return relay;
  }

  async close(): Promise<void> {
    await Promise.all([...this.relays.values()].map((relay) => relay.close()));
    this.relays.clear();
  }
}
