/** The bits that stand for a filter in the bit maps of messages. */
export interface BloomFilterData {
  readonly bitNum: number;
  readonly bitPos: readonly number[];
}

const encoder = new TextEncoder();
const all = 0xffff_ffff_ffff_ffffn;
const c1 = 0x87c3_7b91_1142_53d5n;
const c2 = 0x4cf5_ad43_2745_937fn;

/** The bits that stand for a text in the filters of Apache's broker. */
export class BloomFilter {
  private readonly hashes: number;
  private readonly bits: number;

  constructor(errorPercent: number, expected: number) {
    const rate = errorPercent / 100;
    this.hashes = Math.ceil(Math.log(rate) / Math.log(0.5));
    const wanted = Math.ceil(expected * (Math.log(1 / rate) / Math.log(2)) * Math.LOG2E);
    this.bits = 8 * Math.ceil(wanted / 8);
  }

  /** An empty bit map. */
  emptyMap(): Uint8Array {
    return new Uint8Array(this.bits / 8);
  }

  dataOf(text: string): BloomFilterData {
    const hash = murmur(encoder.encode(text));
    const low = Number(BigInt.asIntN(32, hash));
    const high = Number(BigInt.asIntN(32, hash >> 32n));
    const bitPos: number[] = [];
    for (let i = 1; i <= this.hashes; i += 1) {
      const mixed = (low + Math.imul(i, high)) | 0;
      bitPos.push((mixed < 0 ? ~mixed : mixed) % this.bits);
    }
    return { bitNum: this.bits, bitPos };
  }
}

/** Is that what a file has of these bits? */
export function isSameData(found: unknown, data: BloomFilterData): boolean {
  const { bitNum, bitPos } = (found ?? {}) as Partial<BloomFilterData>;
  return bitNum === data.bitNum && String(bitPos) === String(data.bitPos);
}

/** Sets the bits of a filter. */
export function setBits({ bitPos }: BloomFilterData, map: Uint8Array): void {
  for (const at of bitPos) map[at >> 3] = (map[at >> 3] as number) | (1 << (at & 7));
}

/**
 * Are all bits of a filter set in the bit map that stands in the bytes? A map of another length was
 * made with other options and says nothing.
 */
export function mayHaveBits(
  { bitNum, bitPos }: BloomFilterData,
  bytes: Uint8Array,
  from: number,
  to: number,
): boolean {
  if ((to - from) * 8 !== bitNum) return true;
  for (const at of bitPos) {
    if (((bytes[from + (at >> 3)] as number) & (1 << (at & 7))) === 0) return false;
  }
  return true;
}

/** The first half of MurmurHash3 of 128 bits, with seed 0. */
function murmur(bytes: Uint8Array): bigint {
  const data = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  let h1 = 0n;
  let h2 = 0n;
  let at = 0;
  for (; at + 16 <= bytes.length; at += 16) {
    h1 ^= mixFirst(data.getBigUint64(at, true));
    h1 = ((turned(h1, 27n) + h2) * 5n + 0x52dc_e729n) & all;
    h2 ^= mixSecond(data.getBigUint64(at + 8, true));
    h2 = ((turned(h2, 31n) + h1) * 5n + 0x3849_5ab5n) & all;
  }
  const tail = new Uint8Array(16);
  tail.set(bytes.subarray(at));
  const rest = new DataView(tail.buffer);
  h1 ^= mixFirst(rest.getBigUint64(0, true));
  h2 ^= mixSecond(rest.getBigUint64(8, true));
  h1 ^= BigInt(bytes.length);
  h2 ^= BigInt(bytes.length);
  h1 = (h1 + h2) & all;
  h2 = (h2 + h1) & all;
  return (finished(h1) + finished(h2)) & all;
}

function mixFirst(k: bigint): bigint {
  return (turned((k * c1) & all, 31n) * c2) & all;
}

function mixSecond(k: bigint): bigint {
  return (turned((k * c2) & all, 33n) * c1) & all;
}

function turned(value: bigint, by: bigint): bigint {
  return ((value << by) | (value >> (64n - by))) & all;
}

function finished(value: bigint): bigint {
  let k = value;
  k = ((k ^ (k >> 33n)) * 0xff51_afd7_ed55_8ccdn) & all;
  k = ((k ^ (k >> 33n)) * 0xc4ce_b9fe_1a85_ec53n) & all;
  return k ^ (k >> 33n);
}
