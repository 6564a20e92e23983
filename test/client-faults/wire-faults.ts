import type { SeededRandom } from '@nestjs-rocketmq/foundation/testing';
import type { PassingFrame, Side, WireFault } from './fault-relay.js';

/** Which frames are meant. */
export type Chosen = (frame: PassingFrame) => boolean;

/** A request of one of some codes, or the answers to such requests. */
export function framesOf(from: Side, codes: readonly number[]): Chosen {
  const asked = new Map<object, Set<number>>();
  return (frame) => {
    const { code, opaque } = frame.header;
    if (!frame.isAnswer && frame.from === 'client' && codes.includes(code)) {
      const numbers = asked.get(frame.pair) ?? new Set();
      asked.set(frame.pair, numbers.add(opaque));
      return from === 'client';
    }
    if (!frame.isAnswer || frame.from !== 'server') return false;
    return asked.get(frame.pair)?.delete(opaque) === true && from === 'server';
  };
}

/** Cuts the connection of the next chosen frame after `at` bytes of it, then lets all pass. */
export class CutOnce implements WireFault {
  /** The length of the frame that was cut; 0 before. */
  length = 0;
  /** Resolves when it was. */
  readonly done: Promise<void>;
  private tell: () => void = () => undefined;

  constructor(
    private readonly chosen: Chosen,
    private readonly at: number,
    private readonly how: 'end' | 'reset',
  ) {
    this.done = new Promise((resolve) => (this.tell = resolve));
  }

  frame(frame: PassingFrame, pass: (bytes: Buffer) => void): void {
    const isChosen = this.chosen(frame);
    if (this.length > 0 || !isChosen) return pass(frame.bytes);
    this.length = frame.bytes.length;
    pass(frame.bytes.subarray(0, this.at));
    // A reset may overtake bytes that were written just now; the end comes behind them.
    frame.pair.cut(this.how);
    this.tell();
  }
}

/** Answers come twice, behind later ones, and with numbers that nobody waits for. */
export class Scramble implements WireFault {
  doubled = 0;
  reordered = 0;
  misled = 0;
  private readonly kept = new Map<object, Buffer[]>();

  constructor(private readonly random: SeededRandom) {}

  frame(frame: PassingFrame, pass: (bytes: Buffer) => void): void {
    const { bytes, pair, isAnswer } = frame;
    if (frame.from === 'client' || !isAnswer) return pass(bytes);
    const kept = this.kept.get(pair) ?? [];
    this.kept.set(pair, kept);
    if (this.random.chance(0.2)) {
      this.reordered += 1;
      kept.push(bytes);
      // What is kept comes soon, whatever else is said.
      setTimeout(() => this.letGo(kept, pass), 5);
      return;
    }
    pass(bytes);
    if (this.random.chance(0.2)) {
      this.doubled += 1;
      pass(bytes);
    }
    if (this.random.chance(0.1)) {
      this.misled += 1;
      pass(frame.renumbered(this.random.below(2 ** 31)));
    }
    if (kept.length > 3) this.letGo(kept, pass);
  }

  private letGo(kept: Buffer[], pass: (bytes: Buffer) => void): void {
    for (const bytes of kept.splice(0).toReversed()) pass(bytes);
  }
}
