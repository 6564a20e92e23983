import { FrameError } from '@nestjs-rocketmq/protocol';

/**
 * Receives one whole frame: `bytes[at]` is the first byte of its length word, `end` one past its
 * last byte, `data` a view over the same memory. All three are only valid during the call.
 */
export type FrameListener = (bytes: Uint8Array, data: DataView, at: number, end: number) => void;

/** Word reads may look past the end of a frame by this much without leaving the buffer. */
const slackBytes = 8;
const firstCarryBytes = 4_096;
const keptCarryBytes = 65_536;

/**
 * Finds whole frames in a stream of chunks without copying them: a frame is looked at where it was
 * received. Only a frame that spans chunks is put together in a buffer, which grows with what has
 * arrived and not with what the length word promises.
 */
export class FrameWalker {
  private carry: Uint8Array | undefined;
  private carryView: DataView | undefined;
  /** Bytes of an unfinished frame in `carry`. */
  private held = 0;
  /** What came after `stop`. */
  private stash: Uint8Array | undefined;
  private stopped = false;

  /** `maxFrameBytes` counts the length word in; it is looked at anew for each frame. */
  constructor(
    private readonly limits: { readonly maxFrameBytes: number },
    private readonly listener: FrameListener,
  ) {}

  /** Bytes kept back: an unfinished frame and what came after `stop`. */
  get waiting(): number {
    return this.held + (this.stash?.length ?? 0);
  }

  /** Throws `FrameError`; the stream is useless from then on. */
  push(chunk: Uint8Array): void {
    if (this.stopped) return this.keep(chunk, 0);
    let at = this.held > 0 ? this.finishFrame(chunk) : 0;
    const length = chunk.length;
    if (at === length) return;
    // A plain array, whatever kind of chunk comes: one shape for the scanners, and no Buffer whose
    // `slice` would not copy.
    const bytes = new Uint8Array(chunk.buffer, chunk.byteOffset, length);
    const data = new DataView(chunk.buffer, chunk.byteOffset, length);
    while (!this.stopped && length - at >= 4) {
      const end = at + this.frameLength(data.getInt32(at));
      if (end > length) break;
      this.listener(bytes, data, at, end);
      at = end;
    }
    if (at === length) return;
    if (this.stopped) this.keep(chunk, at);
    else this.hold(chunk, at, length);
  }

  /** No frame after the current one until `resume`. */
  stop(): void {
    this.stopped = true;
  }

  /** Goes on with what was kept. Throws `FrameError`. */
  resume(): void {
    this.stopped = false;
    const rest = this.stash;
    this.stash = undefined;
    if (rest !== undefined) this.push(rest);
  }

  /** The whole length of a frame, from its length word. */
  private frameLength(word: number): number {
    if (word < 4 || word > this.limits.maxFrameBytes - 4) {
      // Content types 20 to 23, and version 3: a record of TLS.
      const isTls = word >>> 24 >= 0x14 && word >>> 24 <= 0x17 && ((word >>> 16) & 0xff) === 3;
      if (isTls) {
        throw new FrameError(
          "The other side speaks TLS, this one does not; a client needs the option 'tls'.",
        );
      }
      const bounds = `between 4 and ${this.limits.maxFrameBytes - 4}`;
      throw new FrameError(`The length of a frame must be ${bounds}, but is ${word}.`, {
        details: { length: word },
      });
    }
    return word + 4;
  }

  /** Completes the held frame from the chunk; gives back where the chunk goes on. */
  private finishFrame(chunk: Uint8Array): number {
    let at = 0;
    if (this.held < 4) {
      at = Math.min(4 - this.held, chunk.length);
      this.hold(chunk, 0, at);
      if (this.held < 4) return at;
    }
    const total = this.frameLength((this.carryView as DataView).getInt32(0));
    const part = Math.min(total - this.held, chunk.length - at);
    this.hold(chunk, at, at + part);
    if (this.held < total) return chunk.length;
    const carry = this.carry as Uint8Array;
    const carryView = this.carryView as DataView;
    this.held = 0;
    if (carry.length > keptCarryBytes) this.carry = undefined;
    this.listener(carry, carryView, 0, total);
    return at + part;
  }

  private hold(chunk: Uint8Array, from: number, to: number): void {
    const needed = this.held + to - from + slackBytes;
    if (this.carry === undefined || this.carry.length < needed) {
      const size = Math.max(firstCarryBytes, needed, this.held * 2);
      const larger = new Uint8Array(size);
      if (this.carry !== undefined) larger.set(this.carry.subarray(0, this.held));
      this.carry = larger;
      this.carryView = new DataView(larger.buffer);
    }
    this.carry.set(chunk.subarray(from, to), this.held);
    this.held += to - from;
  }

  private keep(chunk: Uint8Array, from: number): void {
    const before = this.stash?.length ?? 0;
    const rest = new Uint8Array(before + chunk.length - from);
    if (this.stash !== undefined) rest.set(this.stash);
    rest.set(chunk.subarray(from), before);
    this.stash = rest;
  }
}
