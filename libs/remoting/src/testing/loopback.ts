import { ConnectError, ListenError } from '../remoting.errors.js';
import {
  formatAddress,
  hostBytes,
  type ConnectTarget,
  type ListenAddress,
  type Listener,
  type Network,
  type Wire,
} from '../network.js';

/** One end of a pair in memory. Bytes arrive in a later turn of the event loop, as on a socket. */
export class LoopbackWire implements Wire {
  readonly remoteHost: Uint8Array = hostBytes('127.0.0.1');
  other!: LoopbackWire;
  private data: (chunk: Uint8Array) => void = () => undefined;
  private drainListener: () => void = () => undefined;
  private closeListener: (error?: Error) => void = () => undefined;
  /** Written by this end, not yet read by the other. */
  private underWay: Uint8Array[] = [];
  private bytesUnderWay = 0;
  private isPaused = false;
  private isDelivering = false;
  private isEnding = false;
  private isClosed = false;
  private mustDrain = false;
  private bytesLeft = Number.POSITIVE_INFINITY;
  private isMuted = false;
  private isStalled = false;

  constructor(
    readonly remoteAddress: string,
    readonly remotePort: number,
    readonly localAddress: string,
    private readonly network: LoopbackNetwork,
  ) {}

  get writableLength(): number {
    return this.bytesUnderWay > this.network.bufferBytes ? this.bytesUnderWay : 0;
  }

  onData(listener: (chunk: Uint8Array) => void): void {
    this.data = listener;
    this.other.deliverSoon();
  }

  onDrain(listener: () => void): void {
    this.drainListener = listener;
  }

  onClose(listener: (error?: Error) => void): void {
    this.closeListener = listener;
  }

  write(bytes: Uint8Array): void {
    if (this.isClosed || this.isEnding || this.isMuted) return;
    // The sender may fill its buffer anew, so these bytes are copied, as a kernel does.
    for (const chunk of this.network.cut(bytes, this)) {
      this.underWay.push(chunk);
      this.bytesUnderWay += chunk.length;
    }
    if (this.bytesUnderWay > this.network.bufferBytes) this.mustDrain = true;
    this.deliverSoon();
  }

  pause(): void {
    this.isPaused = true;
  }

  resume(): void {
    this.isPaused = false;
    this.other.deliverSoon();
  }

  end(): void {
    this.isEnding = true;
    this.deliverSoon();
  }

  destroy(error?: Error): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.underWay = [];
    this.network.later(() => {
      this.closeListener(error);
      if (!this.isMuted) this.other.destroy(error);
    });
  }

  /** The connection is reset when so many more bytes of this end have arrived. */
  breakAfter(bytes: number): void {
    this.bytesLeft = bytes;
    this.deliverSoon();
  }

  /** Something is between the ends: nothing arrives from this one any more, nor that it is gone. */
  mute(): void {
    this.isMuted = true;
    this.underWay = [];
    this.bytesUnderWay = 0;
    this.deliverSoon();
  }

  /** This end reads nothing for a while, whatever its user wants. */
  stall(): void {
    this.isStalled = true;
  }

  goOn(): void {
    this.isStalled = false;
    this.other.deliverSoon();
  }

  /** Whether what the other end writes does not come here just now. */
  get isDeaf(): boolean {
    return this.isStalled || this.other.isMuted;
  }

  /** The process of this end is dead: nobody hears of anything any more. */
  forget(): void {
    this.isClosed = true;
    this.underWay = [];
  }

  private deliverSoon(): void {
    if (this.isDelivering) return;
    this.isDelivering = true;
    this.network.later(() => this.deliver());
  }

  private deliver(): void {
    this.isDelivering = false;
    if (this.isClosed) return;
    let sent = 0;
    for (const chunk of this.underWay) {
      if (this.other.isPaused || this.other.isStalled || this.other.isClosed) break;
      sent += 1;
      this.bytesUnderWay -= chunk.length;
      const isLast = chunk.length >= this.bytesLeft;
      this.other.data(isLast ? chunk.subarray(0, this.bytesLeft) : chunk);
      this.bytesLeft -= chunk.length;
      if (isLast) return this.destroy(new Error('ECONNRESET'));
    }
    this.underWay = this.underWay.slice(sent);
    if (this.underWay.length > 0) return;
    if (this.mustDrain) {
      this.mustDrain = false;
      this.drainListener();
    }
    if (this.isEnding) this.destroy();
  }
}

export interface LoopbackOptions {
  /** What is written arrives in pieces of at most this size. Default: as written. */
  readonly chunkBytes?: number;
  /** What was written counts as unsent above so many bytes under way. Default 64 KiB. */
  readonly bufferBytes?: number;
  /** Runs its argument in a later turn of the event loop; default `setImmediate`. */
  readonly later?: (task: () => void) => unknown;
}

/** A network inside this process: no sockets, no ports taken. */
export class LoopbackNetwork implements Network {
  private readonly listeners = new Map<number, (wire: Wire) => void>();
  private nextPort = 40_000;
  /** Wires that were opened, two per connection; the connecting end first. */
  readonly wires: LoopbackWire[] = [];
  readonly later: (task: () => void) => unknown;
  readonly bufferBytes: number;

  constructor(private readonly options: LoopbackOptions = {}) {
    this.bufferBytes = options.bufferBytes ?? 64 * 1024;
    this.later = options.later ?? setImmediate;
  }

  connect({ host, port, tls }: ConnectTarget): Promise<Wire> {
    if (tls !== undefined) {
      return Promise.reject(new ConnectError('A network inside this process knows no TLS.'));
    }
    const onWire = this.listeners.get(port);
    const address = formatAddress(host, port);
    if (onWire === undefined) {
      const sentence = `Cannot connect to ${address}: nobody listens there.`;
      return Promise.reject(new ConnectError(sentence, { details: { address }, retriable: true }));
    }
    const own = this.nextPort++;
    const ownAddress = `127.0.0.1:${own}`;
    const near = new LoopbackWire(address, port, ownAddress, this);
    const far = new LoopbackWire(ownAddress, own, address, this);
    near.other = far;
    far.other = near;
    this.wires.push(near, far);
    onWire(far);
    return Promise.resolve(near);
  }

  listen(address: ListenAddress, onWire: (wire: Wire) => void): Promise<Listener> {
    const port = address.port === 0 ? this.nextPort++ : address.port;
    if (this.listeners.has(port)) {
      const where = formatAddress(address.host, port);
      return Promise.reject(new ListenError(`Cannot listen on ${where}: the port is taken.`));
    }
    this.listeners.set(port, onWire);
    return Promise.resolve({
      address: { host: address.host, port },
      close: () => {
        this.listeners.delete(port);
        return Promise.resolve();
      },
    });
  }

  /** The process that listens on a port dies: nobody listens, and its connections are reset. */
  kill(port: number): void {
    this.listeners.delete(port);
    for (const wire of this.wires) {
      if (wire.remotePort !== port) continue;
      wire.other.forget();
      wire.destroy(new Error('ECONNRESET'));
    }
  }

  /** Copies bytes into the pieces in which they will arrive; `from` writes them. */
  cut(bytes: Uint8Array, _from?: LoopbackWire): Uint8Array[] {
    const size = this.options.chunkBytes ?? Math.max(1, bytes.length);
    const chunks: Uint8Array[] = [];
    for (let at = 0; at < bytes.length; at += size) {
      chunks.push(Uint8Array.prototype.slice.call(bytes, at, at + size));
    }
    return chunks;
  }
}
