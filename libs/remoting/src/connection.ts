import { OutputBuffer, recycleBuffer } from '@nestjs-rocketmq/protocol';
import { FrameWalker, type FrameListener } from './frame-walker.js';
import type { Wire } from './network.js';

/** Gathers connections with something to send and flushes each once, at a moment of its choice. */
export interface FlushSchedule {
  add(connection: Connection): void;
}

/** Sees to it that no connection is read at the cost of the others. */
export interface Pace {
  brought(connection: Connection, bytes: number): void;
}

export interface ConnectionLimits {
  /** The longest frame accepted, length word included. */
  readonly maxFrameBytes: number;
  /** Above this many bytes of answers that have not left nothing more is read. */
  readonly maxWritable: number;
  /** Without one, what comes is read. */
  readonly pace?: Pace | undefined;
}

/** Why a connection is not read: any of these holds it, and it is read when none is left. */
export const Hold = {
  /** The other side does not take its answers, or they wait for the disk. */
  unsent: 1,
  /** It has brought its share of this turn. */
  share: 2,
  /** Too much of what it asked for is being worked on. */
  work: 4,
  /** It is about to be closed. */
  draining: 8,
} as const;

/**
 * One wire: frames in, frames out.
 *
 * What is to be sent is appended to `output` and leaves in one write when the schedule says so.
 * Answers that wait for the disk are gathered in `gated`, and in `syncing` while the disk is asked;
 * their bytes stay walkable so that a failure can still change them.
 */
export class Connection {
  readonly output = new OutputBuffer();
  readonly gated = new OutputBuffer(true);
  readonly syncing = new OutputBuffer(true);
  /** Where in `gated` the answers of the current turn begin. */
  gatedBefore = 0;
  /** Marks that the schedule knows of this connection. */
  isScheduled = false;
  /** Marks that `gated` is listed as gathering. */
  isGathering = false;
  closed = false;
  /** Set by traffic in either direction, cleared by whoever looks for idle connections. */
  wasActive = true;
  /** How often something came. */
  heard = 0;
  /** For the pace: what it has brought, in which turn. */
  broughtInTurn = 0;
  paceTurn = -1;
  /** Bits of `Hold`. */
  private holds = 0;
  private readonly walker: FrameWalker;
  private onClosed: (error?: Error) => void = () => undefined;
  private onSent: (() => void) | undefined;
  /** Our side has ended; what still comes is not read any more. */
  private isEnding = false;

  constructor(
    readonly wire: Wire,
    private readonly schedule: FlushSchedule,
    private readonly limits: ConnectionLimits,
    listener: FrameListener,
  ) {
    this.walker = new FrameWalker(limits, listener);
  }

  /** Starts reading. `onClosed` runs once; with the error when the wire or a frame was broken. */
  open(onClosed: (error?: Error) => void): void {
    this.onClosed = onClosed;
    this.wire.onClose((error) => this.finish(error));
    this.wire.onDrain(() => this.drained());
    this.wire.onData((chunk) => {
      if (this.isEnding) return;
      this.wasActive = true;
      this.heard += 1;
      const { length } = chunk;
      this.guarded(() => this.walker.push(chunk));
      this.limits.pace?.brought(this, length);
    });
  }

  /** Bytes that were written here and not yet taken by the system. */
  get unsent(): number {
    return this.output.length + this.gated.length + this.syncing.length + this.wire.writableLength;
  }

  /** The other side does not take what it is sent, or faster asks than it takes. */
  get isChoked(): boolean {
    return (this.holds & Hold.unsent) !== 0;
  }

  /** Nothing is read at present, for a reason of ours. */
  get isHeld(): boolean {
    return this.holds !== 0;
  }

  /** Appends a finished frame. */
  write(frame: Uint8Array): void {
    if (this.closed) return;
    this.output.append(frame);
    this.wrote();
  }

  /** To be called after something was written into `output`. */
  wrote(): void {
    if (!this.isScheduled) {
      this.isScheduled = true;
      this.schedule.add(this);
    }
    if (this.output.length > this.limits.maxWritable) this.hold(Hold.unsent);
  }

  /** To be called after something was written into `gated`. */
  wroteGated(): void {
    if (this.gated.used + this.syncing.used > this.limits.maxWritable) this.hold(Hold.unsent);
  }

  /** Sends what `output` holds, in one write as a rule. */
  flush(): void {
    this.isScheduled = false;
    if (this.closed) return this.output.clear();
    this.wasActive = true;
    const { output, wire } = this;
    if (output.isWhole) {
      const { bytes, used } = output;
      if (used === 0) return;
      wire.write(bytes.subarray(0, used));
      // Nothing left waiting means that the system copied it, and the buffer is ours again.
      if (wire.writableLength === 0) output.release();
      else output.clear();
    } else {
      output.drain((bytes, used) => {
        wire.write(bytes.subarray(0, used));
        if (wire.writableLength === 0) recycleBuffer(bytes);
      });
    }
    if (wire.writableLength > this.limits.maxWritable) this.hold(Hold.unsent);
    else this.breathe();
    if (wire.writableLength === 0) this.sent();
  }

  /** Moves answers whose bytes are safe to the output. */
  release(safe: OutputBuffer): void {
    if (safe.used === 0) return;
    if (this.closed) return safe.clear();
    if (this.output.length === 0) {
      const spare = this.output.bytes;
      this.output.takeFrom(safe);
      if (spare.length > 0) safe.adopt(spare, 0);
    } else {
      this.output.append(safe.bytes.subarray(0, safe.used));
      safe.rewind();
    }
    this.wrote();
  }

  /** The gathered answers join those that wait for the disk. */
  moveToSyncing(): void {
    if (this.syncing.used > 0) {
      this.syncing.append(this.gated.bytes.subarray(0, this.gated.used));
      return this.gated.rewind();
    }
    const spare = this.syncing.bytes;
    this.syncing.takeFrom(this.gated);
    if (spare.length > 0) this.gated.adopt(spare, 0);
  }

  /** Stops reading for good and calls back when all that was written has been sent. */
  drain(onSent: () => void): void {
    this.hold(Hold.draining);
    this.onSent = onSent;
    if (this.unsent === 0) this.sent();
  }

  /** Sends what is there, then closes. */
  end(): void {
    if (this.closed) return;
    if (this.output.length > 0) this.flush();
    this.isEnding = true;
    this.wire.end();
    // Whoever does not read never sees that the other side has ended too.
    this.wire.resume();
  }

  /** Closes at once; `error` reaches `onClosed`. */
  destroy(error?: Error): void {
    if (this.closed) return;
    this.finish(error);
    this.wire.destroy();
  }

  /** Reads nothing more, for this reason. */
  hold(reason: number): void {
    if (this.holds === 0) {
      this.walker.stop();
      this.wire.pause();
    }
    this.holds |= reason;
  }

  /** This is no reason any more. */
  letGo(reason: number): void {
    if ((this.holds & reason) === 0) return;
    this.holds &= ~reason;
    if (this.holds !== 0 || this.closed) return;
    // The frames that were kept may fill the output again, and then the wire stays paused.
    this.guarded(() => this.walker.resume());
    if (this.holds === 0 && !this.closed) this.wire.resume();
  }

  /** The other side may ask again when little enough waits for it. */
  private breathe(): void {
    if (!this.isChoked) return;
    if (this.unsent <= this.limits.maxWritable) this.letGo(Hold.unsent);
  }

  private drained(): void {
    if (!this.closed) this.breathe();
    if (this.unsent === 0) this.sent();
  }

  private sent(): void {
    if (this.onSent === undefined || this.unsent > 0) return;
    const onSent = this.onSent;
    this.onSent = undefined;
    onSent();
  }

  private guarded(read: () => void): void {
    if (this.closed) return;
    try {
      read();
    } catch (error) {
      this.destroy(error as Error);
    }
  }

  private finish(error?: Error): void {
    if (this.closed) return;
    this.closed = true;
    this.walker.stop();
    this.output.clear();
    this.gated.clear();
    this.syncing.clear();
    this.onClosed(error);
    const onSent = this.onSent;
    this.onSent = undefined;
    onSent?.();
  }
}

/** Flushes before the event loop goes on: what callers write in one go leaves in one write. */
export class NextTickSchedule implements FlushSchedule {
  private dirty: Connection[] = [];
  private readonly flushAll = (): void => {
    const dirty = this.dirty;
    this.dirty = [];
    for (const connection of dirty) connection.flush();
  };

  add(connection: Connection): void {
    if (this.dirty.length === 0) process.nextTick(this.flushAll);
    this.dirty.push(connection);
  }
}
