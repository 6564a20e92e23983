import { setImmediate } from 'node:timers';
import { FrameDecoder } from '@nestjs-rocketmq/protocol';
import { hostBytes, type Wire } from '@nestjs-rocketmq/remoting';
import type { Activity } from '../time/activity.js';

/** What becomes of a frame on its way; `pass` lets it arrive, as often as it is called. */
export type FrameGate = (
  frame: Uint8Array,
  from: MemoryWire,
  pass: (frame: Uint8Array) => void,
) => void;

const local = hostBytes('127.0.0.1');

/** One end of a connection in memory. What is written arrives in a later turn of the event loop. */
export class MemoryWire implements Wire {
  readonly remoteHost: Uint8Array = local;
  other!: MemoryWire;
  private readonly frames = new FrameDecoder();
  private data: ((chunk: Uint8Array) => void) | undefined;
  private closeListener: (error?: Error) => void = () => undefined;
  private underWay: Uint8Array[] = [];
  private isPaused = false;
  private isDelivering = false;
  private isEnding = false;
  private isClosed = false;

  constructor(
    readonly remoteAddress: string,
    readonly remotePort: number,
    readonly localAddress: string,
    /** Whether this end is that of a server. */
    readonly isServer: boolean,
    private readonly activity: Activity,
    private readonly gate: FrameGate,
  ) {}

  /** Bytes are copied when they are written, so none are ever waiting. */
  get writableLength(): number {
    return 0;
  }

  get closed(): boolean {
    return this.isClosed;
  }

  onData(listener: (chunk: Uint8Array) => void): void {
    this.data = listener;
    this.other.deliverSoon();
  }

  onDrain(): void {
    // Nothing ever has to wait.
  }

  onClose(listener: (error?: Error) => void): void {
    this.closeListener = listener;
  }

  write(bytes: Uint8Array): void {
    if (this.isClosed || this.isEnding) return;
    // A copy: the sender may fill its buffer anew, and a part of a frame may be kept.
    this.frames.push(bytes.slice(), (frame) => {
      this.gate(frame, this, (passed) => this.pass(passed));
    });
  }

  pause(): void {
    this.isPaused = true;
  }

  resume(): void {
    this.isPaused = false;
    this.other.deliverSoon();
  }

  end(): void {
    this.isEnding = true;
    this.deliverSoon();
  }

  destroy(error?: Error): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.underWay = [];
    this.activity.inFlight += 1;
    setImmediate(() => {
      this.activity.inFlight -= 1;
      this.activity.happened();
      this.closeListener(error);
      this.other.destroy(error);
    });
  }

  private pass(frame: Uint8Array): void {
    if (this.isClosed) return;
    this.underWay.push(frame);
    this.deliverSoon();
  }

  private deliverSoon(): void {
    if (this.isDelivering || (this.underWay.length === 0 && !this.isEnding)) return;
    this.isDelivering = true;
    this.activity.inFlight += 1;
    setImmediate(() => {
      this.isDelivering = false;
      this.activity.inFlight -= 1;
      this.activity.happened();
      this.deliver();
    });
  }

  private deliver(): void {
    const { other } = this;
    if (this.isClosed) return;
    while (this.underWay.length > 0) {
      if (other.data === undefined || other.isPaused || other.isClosed) return;
      other.data(this.underWay.shift() as Uint8Array);
    }
    if (this.isEnding) this.destroy();
  }
}
