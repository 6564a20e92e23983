import type { TlsOptions } from './tls.js';

/**
 * One open byte stream to a peer, as the connection sees it. Each listener is set once.
 *
 * `write` takes bytes that must not change before `writableLength` is 0 again: when it is 0 right
 * after the call, the bytes are out of the caller's hands and the buffer may be filled anew.
 */
export interface Wire {
  /** `host:port` of the other side; an IPv6 host stands in brackets. */
  readonly remoteAddress: string;
  /** The other side's address, 4 or 16 bytes. */
  readonly remoteHost: Uint8Array;
  readonly remotePort: number;
  /** `host:port` of this side. */
  readonly localAddress: string;
  /** Bytes given to `write` that the system has not taken yet. */
  readonly writableLength: number;
  onData(listener: (chunk: Uint8Array) => void): void;
  /** Called when everything written has been taken by the system, after it had to wait. */
  onDrain(listener: () => void): void;
  /** Called once, whoever closed; with the error when something went wrong. */
  onClose(listener: (error?: Error) => void): void;
  write(bytes: Uint8Array): void;
  /** No more `onData` until `resume`. */
  pause(): void;
  resume(): void;
  /** Sends what was written, then closes. */
  end(): void;
  /** Closes at once. */
  destroy(): void;
}

export interface ConnectTarget {
  readonly host: string;
  readonly port: number;
  /** Milliseconds until the attempt fails. */
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
  /** Secured when given; a network that cannot do that must reject. */
  readonly tls?: TlsOptions | undefined;
}

/** Where a listener stands. */
export interface ListenAddress {
  readonly host: string;
  readonly port: number;
}

export interface Listener {
  /** With the port really taken, when 0 was asked for. */
  readonly address: ListenAddress;
  /** Accepts nobody any more. Open wires stay. */
  close(): Promise<void>;
}

/** The network as a port: `nodeNetwork`, or a loopback in specs. */
export interface Network {
  /** Rejects with `ConnectError`, `TlsError` or `RequestAbortedError`. */
  connect(target: ConnectTarget): Promise<Wire>;
  /** Port 0 takes a free one. Rejects with `ListenError`. */
  listen(address: ListenAddress, onWire: (wire: Wire) => void): Promise<Listener>;
}

/** `host:port` apart; an IPv6 host may stand in brackets. Undefined when it is no such thing. */
export function parseAddress(address: string): ListenAddress | undefined {
  const colon = address.lastIndexOf(':');
  if (colon <= 0) return undefined;
  const port = Number(address.slice(colon + 1));
  if (!/^\d{1,5}$/.test(address.slice(colon + 1)) || port > 65_535) return undefined;
  const host = address.slice(0, colon);
  return { host: host.startsWith('[') && host.endsWith(']') ? host.slice(1, -1) : host, port };
}

/** The inverse of `parseAddress`. */
export function formatAddress(host: string, port: number): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

/** The bytes of a numeric address: 4 for IPv4 (also when mapped into IPv6), else 16. */
export function hostBytes(host: string): Uint8Array {
  const plain = host.startsWith('::ffff:') && host.includes('.') ? host.slice(7) : host;
  if (!plain.includes(':')) {
    const parts = plain.split('.').map(Number);
    const isAddress = parts.length === 4 && parts.every((part) => part >= 0 && part <= 255);
    return Uint8Array.from(isAddress ? parts : [0, 0, 0, 0]);
  }
  return ipv6Bytes(plain);
}

function ipv6Bytes(host: string): Uint8Array {
  const bytes = new Uint8Array(16);
  const [head = '', tail] = (host.split('%')[0] as string).split('::');
  const words = (text: string): number[] =>
    text === '' ? [] : text.split(':').flatMap((part) => ipv6Words(part));
  const first = words(head);
  const last = tail === undefined ? [] : words(tail);
  first.forEach((word, i) => i < 8 && setWord(bytes, i, word));
  last.forEach((word, i) => i < 8 && setWord(bytes, 8 - last.length + i, word));
  return bytes;
}

function ipv6Words(part: string): number[] {
  if (!part.includes('.')) return [Number.parseInt(part, 16) & 0xffff];
  const [a = 0, b = 0, c = 0, d = 0] = part.split('.').map(Number);
  return [(a << 8) | b, (c << 8) | d];
}

function setWord(bytes: Uint8Array, index: number, word: number): void {
  bytes[index * 2] = word >>> 8;
  bytes[index * 2 + 1] = word & 0xff;
}
