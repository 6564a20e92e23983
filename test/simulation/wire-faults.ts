import { encodeFrame, FrameDecoder, responseFlag } from '@nestjs-rocketmq/protocol';
import { SeededRandom } from '@nestjs-rocketmq/foundation/testing';

/** How the bytes of a connection arrive from now on. */
export type Delivery = 'whole' | 'bytes' | 'pieces';

/** An opaque that nobody uses. */
const strangeOpaque = 0x7000_0000;

/** What goes wrong with the bytes that one end of a connection writes. */
export class WireFaults {
  delivery: Delivery = 'whole';
  random = new SeededRandom(1);
  /** So many frames will come twice. */
  doubled = 0;
  /** So many frames that belong to nothing come before the next ones. */
  strays = 0;
  /** Frames kept back until there are so many; then they come in another order. */
  shuffled = 0;
  private kept: Uint8Array[] = [];
  private readonly decoder = new FrameDecoder();

  constructor(private readonly happened: (what: string) => void) {}

  get isKeeping(): boolean {
    return this.kept.length > 0;
  }

  /** The pieces in which bytes will arrive. */
  pieces(bytes: Uint8Array): Uint8Array[] {
    const pieces: Uint8Array[] = [];
    this.decoder.push(bytes, (view) => {
      for (const frame of this.frames(Uint8Array.from(view))) this.cut(frame, pieces);
    });
    return pieces;
  }

  /** Gives out what was kept back, in another order. */
  release(): Uint8Array[] {
    const frames = this.kept;
    const before = frames.slice();
    this.kept = [];
    this.shuffled = 0;
    for (let last = frames.length - 1; last > 0; last -= 1) {
      const other = this.random.below(last + 1);
      [frames[last], frames[other]] = [frames[other] as Uint8Array, frames[last] as Uint8Array];
    }
    if (frames.some((frame, i) => frame !== before[i])) this.happened('answers in another order');
    return frames;
  }

  private frames(frame: Uint8Array): readonly Uint8Array[] {
    const frames = [frame];
    if (this.strays > 0) {
      this.strays -= 1;
      this.happened('frame that belongs to nothing');
      frames.unshift(this.stray());
    }
    if (this.doubled > 0) {
      this.doubled -= 1;
      this.happened('frame twice');
      frames.push(frame);
    }
    if (this.shuffled === 0) return frames;
    this.kept.push(...frames);
    return this.kept.length >= this.shuffled ? this.release() : [];
  }

  private cut(frame: Uint8Array, pieces: Uint8Array[]): void {
    if (this.delivery === 'whole') return void pieces.push(frame);
    this.happened(`frame in ${this.delivery}`);
    for (let at = 0; at < frame.length;) {
      const size = this.delivery === 'bytes' ? 1 : 1 + this.random.below(200);
      pieces.push(frame.subarray(at, at + size));
      at += size;
    }
  }

  /** An answer that nobody waits for, or a request that nobody knows. */
  private stray(): Uint8Array {
    return encodeFrame({
      code: this.random.pick([0, 1, 9999]),
      language: 'JAVA',
      version: 479,
      opaque: strangeOpaque + this.random.below(1000),
      flag: this.random.pick([responseFlag, 0]),
      remark: undefined,
      extFields: {},
      body: new Uint8Array(this.random.below(20)),
      form: this.random.pick(['json', 'binary'] as const),
    });
  }
}
