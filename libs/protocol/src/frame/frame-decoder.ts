import { defaultMaxFrameBytes, frameSizeAt } from './frame.js';

export interface FrameDecoderOptions {
  /** Longest frame, the length word included. Default 16 MiB, as Java. */
  readonly maxFrameBytes?: number;
}

const firstPartSize = 4096;
const noBytes = new Uint8Array(0);

/**
 * Cuts a stream of bytes into frames, wherever the stream itself was cut.
 *
 * A frame that lies whole in a chunk is a view into that chunk. One that does not is gathered in
 * memory that grows with what has really arrived, never with what a length word claims.
 */
export class FrameDecoder {
  private readonly maxFrameBytes: number;
  private part = noBytes;
  private partLength = 0;

  constructor(options: FrameDecoderOptions = {}) {
    this.maxFrameBytes = options.maxFrameBytes ?? defaultMaxFrameBytes;
  }

  /** Bytes of a frame that has not wholly arrived. */
  get pending(): number {
    return this.partLength;
  }

  /**
   * Hands every frame that is complete to `each`, length word included, in order.
   * Throws `FrameError` at bytes that start no frame: close the connection, the stream is lost.
   */
  push(chunk: Uint8Array, each: (frame: Uint8Array) => void): void {
    let at = 0;
    while (this.partLength > 0 && at < chunk.length) {
      at += this.fill(chunk, at, each);
    }
    const data = new DataView(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    while (at < chunk.length) {
      const size = frameSizeAt(data, at, chunk.length, this.maxFrameBytes);
      if (size === undefined || size > chunk.length - at) {
        this.keep(chunk.subarray(at));
        return;
      }
      const frame = chunk.subarray(at, at + size);
      at += size;
      each(frame);
    }
  }

  /** Adds to the frame in parts what it lacks; tells how many bytes of the chunk that took. */
  private fill(chunk: Uint8Array, at: number, each: (frame: Uint8Array) => void): number {
    // Up to eight bytes first: they say how long the frame is and whether its header fits.
    const wanted = this.partLength < 8 ? 8 : this.partSize()!;
    const taken = Math.min(wanted - this.partLength, chunk.length - at);
    this.keep(chunk.subarray(at, at + taken));
    if (this.partLength >= 8 && this.partLength === this.partSize()) {
      const frame = this.part.subarray(0, this.partLength);
      this.part = noBytes;
      this.partLength = 0;
      each(frame);
    }
    return taken;
  }

  private partSize(): number | undefined {
    const data = new DataView(this.part.buffer, this.part.byteOffset, this.part.byteLength);
    return frameSizeAt(data, 0, this.partLength, this.maxFrameBytes);
  }

  private keep(bytes: Uint8Array): void {
    const needed = this.partLength + bytes.length;
    if (needed > this.part.length) {
      const larger = new Uint8Array(Math.max(needed, this.part.length * 2, firstPartSize));
      larger.set(this.part.subarray(0, this.partLength));
      this.part = larger;
    }
    this.part.set(bytes, this.partLength);
    this.partLength = needed;
    this.partSize();
  }
}
