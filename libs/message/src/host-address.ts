import { networkInterfaces } from 'node:os';
import { MessageIdError } from './message.errors.js';

/**
 * The bytes of an IP address: 4 or 16. Throws `MessageIdError` when the text is not an address
 * (host names are not resolved). IPv4 addresses mapped into IPv6 (`::ffff:1.2.3.4`) give 4 bytes.
 */
export function hostBytes(address: string): Uint8Array {
  const text = address.replace(/^\[|\]$/g, '').replace(/%.*$/, '');
  const bytes = text.includes(':') ? v6Bytes(text) : v4Bytes(text);
  if (bytes === undefined) {
    throw new MessageIdError(`${JSON.stringify(address)} is not an IP address.`, {
      details: { address },
    });
  }
  return isMapped(bytes) ? bytes.slice(12) : bytes;
}

/** The text of 4 or 16 address bytes; IPv6 as eight groups, shortened by the longest run of zeros. */
export function hostText(bytes: Uint8Array): string {
  if (bytes.length === 4) return bytes.join('.');
  const groups = Array.from({ length: 8 }, (_, i) =>
    (((bytes[i * 2] as number) << 8) | (bytes[i * 2 + 1] as number)).toString(16),
  );
  const text = groups.join(':');
  const runs = [...text.matchAll(/\b0(:0\b)+/g)];
  const longest = runs.toSorted((a, b) => b[0].length - a[0].length)[0];
  if (longest === undefined) return text;
  const before = text.slice(0, longest.index).replace(/:$/, '');
  const after = text.slice(longest.index + longest[0].length).replace(/^:/, '');
  return `${before}::${after}`;
}

/**
 * The address under which other machines most likely reach this one: the first public IPv4, else
 * the first private IPv4, else the first IPv6 that is not local to its link, else 127.0.0.1.
 */
export function localAddress(): string {
  const outside = Object.values(networkInterfaces())
    .flatMap((list) => list ?? [])
    .filter((one) => !one.internal);
  const v4 = outside.filter((one) => one.family === 'IPv4').map((one) => one.address);
  const v6 = outside.filter((one) => one.family === 'IPv6').map((one) => one.address);
  return (
    v4.find((address) => !isPrivate(address)) ??
    v4[0] ??
    v6.find((address) => !address.toLowerCase().startsWith('fe80')) ??
    '127.0.0.1'
  );
}

function isPrivate(address: string): boolean {
  return /^(10\.|192\.168\.|169\.254\.|127\.|172\.(1[6-9]|2\d|3[01])\.)/.test(address);
}

function isMapped(bytes: Uint8Array): boolean {
  if (bytes.length !== 16 || bytes[10] !== 0xff || bytes[11] !== 0xff) return false;
  return bytes.subarray(0, 10).every((byte) => byte === 0);
}

function v4Bytes(text: string): Uint8Array | undefined {
  const parts = text.split('.');
  if (parts.length !== 4 || !parts.every((part) => /^\d{1,3}$/.test(part))) return undefined;
  const numbers = parts.map(Number);
  return numbers.every((number) => number < 256) ? Uint8Array.from(numbers) : undefined;
}

function v6Bytes(text: string): Uint8Array | undefined {
  const dotted = /^(.*:)(\d+\.\d+\.\d+\.\d+)$/.exec(text);
  const tail = dotted === null ? undefined : v4Bytes(dotted[2] as string);
  if (dotted !== null && tail === undefined) return undefined;
  const hex =
    tail === undefined ? text : `${dotted?.[1] ?? ''}${hexPair(tail, 0)}:${hexPair(tail, 2)}`;
  const halves = hex.split('::');
  if (halves.length > 2) return undefined;
  const [head, rest] = halves.map((half) => (half === '' ? [] : half.split(':')));
  const missing = 8 - (head?.length ?? 0) - (rest?.length ?? 0);
  if (rest === undefined ? missing !== 0 : missing < 1) return undefined;
  const groups = [...(head ?? []), ...Array<string>(missing).fill('0'), ...(rest ?? [])];
  if (!groups.every((group) => /^[0-9a-f]{1,4}$/i.test(group))) return undefined;
  return Uint8Array.from(
    groups.map((group) => parseInt(group, 16)).flatMap((n) => [n >> 8, n & 255]),
  );
}

function hexPair(bytes: Uint8Array, at: number): string {
  return (((bytes[at] as number) << 8) | (bytes[at + 1] as number)).toString(16);
}
