import type { MessageQueue } from '@nestjs-rocketmq/message';
import { ProcessQueue } from './process-queue.js';

/** A queue that this consumer owns now, from assignment to release. */
export class AssignedQueue {
  readonly process: ProcessQueue;
  /** Broker id that the last answer suggested for the next pull; 0 is the master. */
  readFrom = 0;
  /** Orderly: until when (monotonic ms) the broker's lock counts here. */
  lockedUntil = 0;
  /** Orderly: a task for this queue is waiting or running. */
  isScheduled = false;
  /** The caller wants no more of this queue for now. */
  isPaused = false;
  /** Lite pull: messages below were handed out, or passed over by a seek. */
  handedOut: number | undefined;
  /** Lite pull: messages below count as consumed. */
  settled: number | undefined;
  /** One past the last message of the queue, as the broker said last; 0 before that. */
  queueEnd = 0;
  /** When the lock of the queue was last granted, ms since 1970. */
  lockedAt = 0;
  /** When the queue was last pulled, ms since 1970. */
  pulledAt = 0;
  /** When a message of the queue was last finished, monotonic ms; undefined before that. */
  finishedAt: number | undefined;
  private readonly controller = new AbortController();
  private readonly wakers: (() => void)[] = [];
  private readonly onQuiet: (() => void)[] = [];
  private readonly earlierCalls: Promise<void> | undefined;
  private calls = 0;
  private isLeft = false;
  private dropped = false;

  /** `before`: the same queue until now, whose last calls may still run. */
  constructor(
    readonly queue: MessageQueue,
    start: number,
    before?: AssignedQueue,
  ) {
    this.process = new ProcessQueue(start);
    this.earlierCalls = before?.quiet();
  }

  /** Aborted when the queue is left or dropped: gives up a pull that is held at the broker. */
  get signal(): AbortSignal {
    return this.controller.signal;
  }

  /** True when nothing new of this queue may begin; results of running calls may still count. */
  get isLeaving(): boolean {
    return this.isLeft;
  }

  /** True when the queue is not ours any more; results of its messages do not count. */
  get isDropped(): boolean {
    return this.dropped;
  }

  /** Ends pulling. */
  leave(): void {
    this.isLeft = true;
    this.controller.abort();
    this.changed();
  }

  /** Ends pulling and makes results count no more. */
  drop(): void {
    this.dropped = true;
    this.leave();
  }

  /** Something changed that the pull loop may be waiting for: room, a lock, the pause, the drop. */
  changed(): void {
    if (this.wakers.length === 0) return;
    for (const wake of this.wakers.splice(0)) wake();
  }

  /** Resolves at the next change. */
  nextChange(): Promise<void> {
    return new Promise((resolve) => this.wakers.push(resolve));
  }

  /** A listener call with messages of this queue begins. */
  callBegins(): void {
    this.calls += 1;
  }

  callEnds(): void {
    this.calls -= 1;
    if (this.calls === 0) for (const resolve of this.onQuiet.splice(0)) resolve();
    this.changed();
  }

  /** Resolves when the last call of before has ended, or the queue is left. */
  async calledBefore(): Promise<void> {
    const { signal } = this;
    const left = new Promise((resolve) => {
      signal.addEventListener('abort', resolve, { once: true });
    });
    await Promise.race([this.earlierCalls, left]);
  }

  /** Resolves when no listener call with messages of this queue is running, also of before. */
  async quiet(): Promise<void> {
    await this.earlierCalls;
    if (this.calls > 0) await new Promise<void>((resolve) => this.onQuiet.push(resolve));
  }
}
