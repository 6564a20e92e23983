/** Free bytes kept behind every reservation: writers store words and may overshoot by three. */
export const slackBytes = 16;

const firstBytes = 2_048;
/** A connection keeps a buffer of this size for its next answers; larger ones go round. */
const keptBytes = 16_384;
/** Some answers; a whole pull; the longest pull. What is longer still is rare, and made for once. */
const pools = [65_536, 163_840, 294_912].map((size) => ({ size, free: [] as Buffer[] }));
/** Bytes of each size that wait to be used again. */
const pooledBytes = 4 * 1024 * 1024;

/** Beyond this a full buffer is set aside instead of being copied into a larger one. */
const spillBytes = 131_072;

function take(size: number): Buffer {
  if (size <= firstBytes) return Buffer.allocUnsafeSlow(firstBytes);
  if (size <= keptBytes) return Buffer.allocUnsafeSlow(keptBytes);
  for (const pool of pools) {
    if (size <= pool.size) return pool.free.pop() ?? Buffer.allocUnsafeSlow(pool.size);
  }
  return Buffer.allocUnsafeSlow(size);
}

/** Takes back a buffer that nobody else reads any more. */
export function recycleBuffer(buffer: Buffer): void {
  for (const { size, free } of pools) {
    if (buffer.length !== size) continue;
    if ((free.length + 1) * size <= pooledBytes) free.push(buffer);
    return;
  }
}

const noBuffer = Buffer.alloc(0);

/**
 * Finished frames that wait to be written to one connection. `bytes` and `data` change whenever
 * `reserve` makes room, so read them after it.
 */
export class OutputBuffer {
  bytes: Buffer = noBuffer;
  data: DataView = new DataView(noBuffer.buffer, noBuffer.byteOffset, 0);
  /** How many bytes of `bytes` are filled. */
  used = 0;
  /** Buffers filled before `bytes`, with how much of each is filled. */
  private spilled: { buffer: Buffer; used: number }[] | undefined;
  private spilledBytes = 0;

  /** `keepsWhole`: all frames stay in one buffer, so that they can still be walked and changed. */
  constructor(private readonly keepsWhole = false) {}

  /** All bytes that wait. */
  get length(): number {
    return this.used + this.spilledBytes;
  }

  /** Makes room for `size` bytes (and the slack) at `used`. */
  reserve(size: number): void {
    if (this.used + size + slackBytes > this.bytes.length) this.grow(size);
  }

  /** Makes room for `size` bytes at `at`, which is behind `used`, and keeps what lies before. */
  ensure(at: number, size: number): void {
    if (at + size + slackBytes > this.bytes.length) this.enlarge(at, size);
  }

  /** Appends a finished frame. */
  append(frame: Uint8Array): void {
    this.reserve(frame.length);
    this.bytes.set(frame, this.used);
    this.used += frame.length;
  }

  /** Hands over everything, oldest first, and starts empty. `each` owns the buffers from then on. */
  drain(each: (buffer: Buffer, used: number) => void): void {
    const spilled = this.spilled;
    const { bytes, used } = this;
    this.clear();
    if (spilled !== undefined) for (const part of spilled) each(part.buffer, part.used);
    if (used > 0) each(bytes, used);
  }

  /** True when everything lies in `bytes`. */
  get isWhole(): boolean {
    return this.spilled === undefined;
  }

  /** Forgets what was written and keeps `bytes`: the reader is done with it. */
  rewind(): void {
    this.used = 0;
  }

  /** The same at the end of a turn, where a large buffer is not kept for one connection. */
  release(): void {
    if (this.bytes.length <= keptBytes) return this.rewind();
    recycleBuffer(this.bytes);
    this.clear();
  }

  /** Starts with no buffer at all; the old one belongs to somebody else. */
  clear(): void {
    this.adopt(noBuffer, 0);
    this.spilled = undefined;
    this.spilledBytes = 0;
  }

  /** Takes over what `other` holds; both must keep whole, and this one must be empty. */
  takeFrom(other: OutputBuffer): void {
    this.adopt(other.bytes, other.used);
    other.clear();
  }

  /** Replaces the content. */
  adopt(buffer: Buffer, used: number): void {
    this.bytes = buffer;
    this.data = new DataView(buffer.buffer, buffer.byteOffset, buffer.length);
    this.used = used;
  }

  private grow(size: number): void {
    if (!this.keepsWhole && this.used >= spillBytes) {
      (this.spilled ??= []).push({ buffer: this.bytes, used: this.used });
      this.spilledBytes += this.used;
      this.adopt(take(size + slackBytes), 0);
      return;
    }
    this.enlarge(this.used, size);
  }

  private enlarge(at: number, size: number): void {
    const wanted = at + size + slackBytes;
    const old = this.bytes;
    const next = take(Math.max(wanted, Math.min(old.length * 2, wanted * 2)));
    next.set(old.subarray(0, at), 0);
    this.adopt(next, this.used);
    recycleBuffer(old);
  }
}
