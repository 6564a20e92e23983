import net from 'node:net';
import { ConnectError, ListenError, RequestAbortedError } from './remoting.errors.js';
import { connectSecurely, tlsProblem } from './tls.js';
import {
  formatAddress,
  hostBytes,
  type ConnectTarget,
  type ListenAddress,
  type Listener,
  type Network,
  type Wire,
} from './network.js';

/**
 * What is read lies here during the call of the data listener, for all sockets of the process: no
 * allocation for each chunk, and always the same warm memory. Listeners copy what they keep.
 */
const readBuffer = Buffer.allocUnsafeSlow(64 * 1024);

/** Where a socket hands what it has read; a wire takes the place of `deliver`. */
class ReadSlot {
  deliver: (chunk: Uint8Array) => void = () => undefined;
  readonly options = {
    buffer: readBuffer,
    callback: (size: number): boolean => {
      this.deliver(size === readBuffer.length ? readBuffer : readBuffer.subarray(0, size));
      return true;
    },
  };
}

class SocketWire implements Wire {
  readonly remoteAddress: string;
  readonly remoteHost: Uint8Array;
  readonly remotePort: number;
  readonly localAddress: string;
  private error: Error | undefined;

  /** Without a slot the socket emits chunks of its own. */
  constructor(
    private readonly socket: net.Socket,
    private readonly slot: ReadSlot | undefined,
    isSecure = false,
  ) {
    const host = (socket.remoteAddress ?? '0.0.0.0').replace(/^::ffff:(?=\d+\.)/, '');
    this.remoteHost = hostBytes(host);
    this.remotePort = socket.remotePort ?? 0;
    this.remoteAddress = formatAddress(host, this.remotePort);
    const local = (socket.localAddress ?? '0.0.0.0').replace(/^::ffff:(?=\d+\.)/, '');
    this.localAddress = formatAddress(local, socket.localPort ?? 0);
    // Without a listener a reset connection would end the process; 'close' follows and reports it.
    socket.on('error', (error) => {
      this.error ??= (isSecure && tlsProblem(error, this.remoteAddress, true)) || error;
    });
    socket.setNoDelay(true);
  }

  get writableLength(): number {
    return this.socket.writableLength;
  }

  onData(listener: (chunk: Uint8Array) => void): void {
    if (this.slot === undefined) return void this.socket.on('data', listener);
    this.slot.deliver = listener;
    this.socket.resume();
  }

  onDrain(listener: () => void): void {
    this.socket.on('drain', listener);
  }

  onClose(listener: (error?: Error) => void): void {
    this.socket.once('close', () => listener(this.error));
  }

  write(bytes: Uint8Array): void {
    if (!this.socket.destroyed && !this.socket.writableEnded) this.socket.write(bytes);
  }

  pause(): void {
    this.socket.pause();
  }

  resume(): void {
    this.socket.resume();
  }

  end(): void {
    this.socket.end();
  }

  destroy(): void {
    this.socket.destroy();
  }
}

/** A socket on its way; secured ones cannot read into a buffer of ours. */
function opened(target: ConnectTarget): { socket: net.Socket; slot: ReadSlot | undefined } {
  const { host, port, tls } = target;
  if (tls !== undefined) return { socket: connectSecurely(host, port, tls), slot: undefined };
  const slot = new ReadSlot();
  return { socket: net.connect({ host, port, noDelay: true, onread: slot.options }), slot };
}

function connect(target: ConnectTarget): Promise<Wire> {
  const { host, port, timeoutMs, signal, tls } = target;
  const address = formatAddress(host, port);
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(aborted(address, signal));
    const { socket, slot } = opened(target);
    const deadline = AbortSignal.timeout(timeoutMs);
    const settle = (finish: () => void): void => {
      socket.removeAllListeners();
      deadline.removeEventListener('abort', onDeadline);
      signal?.removeEventListener('abort', onAbort);
      finish();
    };
    const fail = (error: Error): void =>
      settle(() => {
        socket.on('error', () => undefined);
        socket.destroy();
        reject(error);
      });
    const hint = tls === undefined ? '' : ' (does it speak TLS there?)';
    const onAbort = (): void => fail(aborted(address, signal));
    const onDeadline = (): void =>
      fail(failed(address, `no connection within ${timeoutMs} ms${hint}`, undefined));
    signal?.addEventListener('abort', onAbort, { once: true });
    deadline.addEventListener('abort', onDeadline, { once: true });
    socket.once('error', (cause) => {
      const ofTls = tls === undefined ? undefined : tlsProblem(cause, address, false);
      fail(ofTls ?? failed(address, cause.message, cause));
    });
    socket.once(tls === undefined ? 'connect' : 'secureConnect', () =>
      settle(() => resolve(new SocketWire(socket, slot, tls !== undefined))),
    );
  });
}

function failed(address: string, reason: string, cause: Error | undefined): ConnectError {
  const { code } = (cause ?? {}) as NodeJS.ErrnoException;
  const isUnknown = code === 'ENOTFOUND' || code === 'EAI_AGAIN';
  const advice = isUnknown
    ? 'The name cannot be resolved: check how it is written, and DNS'
    : 'Is it running and reachable?';
  // Several addresses that all fail come as one error without a message.
  const why = reason === '' ? (code ?? 'all of its addresses refuse') : reason;
  return new ConnectError(`Cannot connect to ${address}: ${why}. ${advice}`, {
    cause,
    details: { address },
    retriable: true,
  });
}

function aborted(address: string, signal: AbortSignal | undefined): RequestAbortedError {
  return new RequestAbortedError(`The connection to ${address} is no longer wanted.`, {
    cause: signal?.reason,
    details: { address },
  });
}

interface InnerSocket {
  _handle: { useUserBuffer?: unknown } | null;
}

/**
 * A server cannot give its sockets a buffer to read into, only `net.Socket` can. So the accepted
 * connection gets a new socket around its handle. The handle is no public interface: where it is
 * not as expected, the socket stays as it is and allocates for each chunk.
 */
function withReadSlot(accepted: net.Socket): SocketWire {
  const inner = accepted as unknown as InnerSocket;
  const handle = inner._handle;
  if (typeof handle?.useUserBuffer !== 'function') {
    accepted.resume();
    return new SocketWire(accepted, undefined);
  }
  const slot = new ReadSlot();
  inner._handle = null;
  const options = { handle, onread: slot.options, readable: true, writable: true };
  return new SocketWire(new net.Socket(options as net.SocketConstructorOpts), slot);
}

function listen(address: ListenAddress, onWire: (wire: Wire) => void): Promise<Listener> {
  return new Promise((resolve, reject) => {
    const server = net.createServer({ noDelay: true, pauseOnConnect: true }, (socket) => {
      // A connection that is already gone has no address; nobody is there to be served.
      if (socket.remoteAddress === undefined) return void socket.destroy();
      onWire(withReadSlot(socket));
    });
    server.once('error', (cause: NodeJS.ErrnoException) => {
      const inUse = cause.code === 'EADDRINUSE';
      const where = formatAddress(address.host, address.port);
      const why = inUse ? 'another process listens there' : cause.message;
      reject(
        new ListenError(`Cannot listen on ${where}: ${why}.`, { cause, details: { ...address } }),
      );
    });
    server.listen({ host: address.host, port: address.port, backlog: 1024 }, () => {
      server.removeAllListeners('error');
      // Accepting may fail for a moment (no file descriptors left); the listener stays.
      server.on('error', () => undefined);
      const bound = server.address() as net.AddressInfo;
      resolve({
        address: { host: address.host, port: bound.port },
        close: () => {
          // The callback of `close` waits for the last connection; the port is free before that.
          server.close();
          return new Promise((done) => setImmediate(done));
        },
      });
    });
  });
}

/** TCP through `node:net`. */
export const nodeNetwork: Network = { connect, listen };
