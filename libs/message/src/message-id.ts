import type { Clock } from '@nestjs-rocketmq/foundation';
import { hostBytes, hostText, localAddress } from './host-address.js';
import { MessageIdError } from './message.errors.js';

const hexOfByte: readonly string[] = Array.from({ length: 256 }, (_, i) =>
  i.toString(16).toUpperCase().padStart(2, '0'),
);

export interface UniqueKeysOptions {
  readonly clock: Clock;
  /** The process that makes the keys; 16 bits of it are used. */
  readonly pid: number;
  /** The address of this machine. Default `localAddress()`. */
  readonly ip?: string;
  /** 32 bits that tell two generators of one process apart. Default random. */
  readonly salt?: number;
}

/**
 * Makes unique keys: the id that a producer gives each message (property UNIQ_KEY).
 *
 * | bytes   | content                                                  |
 * | ------- | -------------------------------------------------------- |
 * | 4 or 16 | address of this machine                                  |
 * | 2       | process id                                               |
 * | 4       | salt (Java: hash of the class loader)                    |
 * | 4       | milliseconds since the first of this month, local time   |
 * | 2       | counter                                                  |
 *
 * Big-endian, as upper-case hex. Brokers and tools read time and address out of it.
 * Source: org.apache.rocketmq.common.message.MessageClientIDSetter.
 */
export class UniqueKeys {
  private readonly clock: Clock;
  private readonly prefix: string;
  private counter = 0;
  private monthStart = 0;
  private nextMonth = 0;
  private time = -1;
  private timeHex = '';

  constructor(options: UniqueKeysOptions) {
    this.clock = options.clock;
    const salt = options.salt ?? Math.floor(Math.random() * 2 ** 32);
    const ip = hostBytes(options.ip ?? localAddress());
    this.prefix = toHex(ip) + hex16(options.pid) + hex16(salt >>> 16) + hex16(salt);
  }

  /** A new key; 65,536 a millisecond are unique. */
  next(): string {
    const now = this.clock.now();
    if (now !== this.time) this.setTime(now);
    const counter = this.counter;
    this.counter = (counter + 1) & 0xffff;
    return this.prefix + this.timeHex + hex16(counter);
  }

  private setTime(now: number): void {
    this.time = now;
    if (now >= this.nextMonth) {
      this.monthStart = startOfMonth(now, 0);
      this.nextMonth = startOfMonth(now, 1);
    }
    let since = now - this.monthStart;
    // A clock that stepped back a little over the turn of the month must not give a huge time.
    if (since < 0 && since > -1_000_000) since = 0;
    this.timeHex = hex16(since >>> 16) + hex16(since);
  }
}

/**
 * When a unique key was made, in milliseconds since 1970. The key holds the time since the start of
 * a month only, so `now` decides which month; a time in the future is taken to be last month's.
 * Throws `MessageIdError` for other texts.
 */
export function uniqueKeyTime(key: string, now: number): number {
  const bytes = idBytes(key, 'unique key');
  const since = viewOfId(bytes).getUint32(bytes.length - 6);
  const time = startOfMonth(now, 0) + since;
  return time > now ? startOfMonth(now, -1) + since : time;
}

/** The address inside a unique key. Throws `MessageIdError` for other texts. */
export function uniqueKeyHost(key: string): string {
  const bytes = idBytes(key, 'unique key');
  return hostText(bytes.subarray(0, bytes.length - 12));
}

/** Where a message lies: the broker that stored it and the position in its commit log. */
export interface OffsetMessageId {
  /** Text of the address, without port. */
  readonly host: string;
  readonly port: number;
  /** Byte position in the commit log. */
  readonly position: number;
}

/** The offset id of a message: address (4 or 16 bytes), port, log position, as upper-case hex. */
export function offsetMessageId(host: Uint8Array, port: number, position: number): string {
  const high = Math.floor(position / 2 ** 32);
  return (
    toHex(host) +
    hex16(port >>> 16) +
    hex16(port) +
    hex16(high >>> 16) +
    hex16(high) +
    hex16((position >>> 16) & 0xffff) +
    hex16(position)
  );
}

/** Reads an offset id. Throws `MessageIdError` for other texts. */
export function parseOffsetMessageId(id: string): OffsetMessageId {
  const bytes = idBytes(id, 'offset message id');
  const view = viewOfId(bytes);
  const hostLength = bytes.length - 12;
  return {
    host: hostText(bytes.subarray(0, hostLength)),
    port: view.getInt32(hostLength),
    position: view.getInt32(hostLength + 4) * 2 ** 32 + view.getUint32(hostLength + 8),
  };
}

function idBytes(text: string, what: string): Uint8Array {
  if ((text.length !== 32 && text.length !== 56) || !/^[0-9A-Fa-f]+$/.test(text)) {
    throw new MessageIdError(
      `${JSON.stringify(text)} is not a ${what}: it must have 32 or 56 hexadecimal digits.`,
      { details: { text } },
    );
  }
  return Uint8Array.from(Buffer.from(text, 'hex'));
}

function viewOfId(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}

function startOfMonth(now: number, monthsLater: number): number {
  const date = new Date(now);
  return new Date(date.getFullYear(), date.getMonth() + monthsLater, 1).getTime();
}

function toHex(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) text += hexOfByte[byte] as string;
  return text;
}

function hex16(value: number): string {
  return (hexOfByte[(value >>> 8) & 0xff] as string) + (hexOfByte[value & 0xff] as string);
}
