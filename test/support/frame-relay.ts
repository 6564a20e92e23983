import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

/** One frame that went through a relay, length word included. */
export interface RelayedFrame {
  readonly connection: number;
  /** Who wrote it: the side that connected to the relay or the server behind it. */
  readonly from: 'caller' | 'server';
  readonly bytes: Buffer;
}

export interface RelayOptions {
  /** `host:port` of the server behind the relay. */
  target: string;
  port?: number;
  /** Called for each frame with the bytes as their writer made them. */
  onFrame?: (frame: RelayedFrame) => void;
  /**
   * Texts of equal length that are exchanged in frames towards the caller, so that it comes to relays
   * instead of the addresses a route names. `onFrame` sees the bytes before.
   */
  replace?: ReadonlyArray<readonly [from: string, to: string]>;
}

/** A TCP relay that cuts the stream of both directions into remoting frames. */
export class FrameRelay {
  private readonly sockets = new Set<Socket>();
  private connections = 0;

  private constructor(
    private readonly server: Server,
    private readonly options: RelayOptions,
  ) {
    server.on('connection', (caller) => this.join(caller));
  }

  static async start(options: RelayOptions): Promise<FrameRelay> {
    for (const [from, to] of options.replace ?? []) {
      if (from.length !== to.length) throw new Error(`"${from}" and "${to}" differ in length`);
    }
    const server = createServer({ noDelay: true });
    const relay = new FrameRelay(server, options);
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(options.port ?? 0, '127.0.0.1', resolve);
    });
    return relay;
  }

  get address(): string {
    return `127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  private join(caller: Socket): void {
    const [host, port] = this.options.target.split(':');
    const server = connect({ host: host ?? '127.0.0.1', port: Number(port), noDelay: true });
    const connection = this.connections++;
    this.pass(connection, 'caller', caller, server);
    this.pass(connection, 'server', server, caller);
  }

  private pass(
    connection: number,
    from: 'caller' | 'server',
    source: Socket,
    target: Socket,
  ): void {
    let rest: Buffer = Buffer.alloc(0);
    this.sockets.add(source);
    source.on('data', (chunk: Buffer) => {
      rest = Buffer.concat([rest, chunk]);
      while (rest.length >= 4 && rest.length >= 4 + rest.readInt32BE(0)) {
        const bytes = Buffer.from(rest.subarray(0, 4 + rest.readInt32BE(0)));
        rest = rest.subarray(bytes.length);
        this.options.onFrame?.({ connection, from, bytes });
        target.write(from === 'server' ? this.replaced(bytes) : bytes);
      }
    });
    source.on('error', () => undefined);
    source.on('close', () => {
      this.sockets.delete(source);
      target.destroy();
    });
  }

  private replaced(bytes: Buffer): Buffer {
    let text: string | undefined;
    for (const [from, to] of this.options.replace ?? []) {
      if (bytes.includes(from)) text = (text ?? bytes.toString('latin1')).replaceAll(from, to);
    }
    return text === undefined ? bytes : Buffer.from(text, 'latin1');
  }

  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.server.close(() => resolve()));
    for (const socket of this.sockets) socket.destroy();
    await closed;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}
