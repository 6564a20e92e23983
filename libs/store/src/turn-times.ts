import type { Clock } from '@nestjs-rocketmq/foundation';
import type { GateListener, StoreGate } from './gate.js';

/** Messages of one turn are stored: how many, of how many bytes, and how long it took (ms). */
export type TurnStored = (messages: number, bytes: number, millis: number) => void;

/**
 * Measures how long messages take from being taken in until they may be acknowledged: the write of
 * their turn or, with SYNC_FLUSH, the sync of their epoch. One measurement per turn.
 */
export class TurnTimes implements GateListener {
  private readonly listeners: TurnStored[] = [];
  private began = 0;
  private messages = 0;
  private bytes = 0;
  /** Turns that wait for a sync: three numbers each. */
  private gathering: number[] = [];
  private closing: number[] = [];

  constructor(
    private readonly clock: Clock,
    private readonly gate: StoreGate,
  ) {
    if (gate.waits) gate.subscribe(this);
  }

  listen(listener: TurnStored): void {
    this.listeners.push(listener);
  }

  turnBegan(): void {
    this.began = this.clock.monotonic();
    this.messages = 0;
    this.bytes = 0;
  }

  took(bytes: number): void {
    this.messages += 1;
    this.bytes += bytes;
  }

  /** The log has the turn. */
  turnWritten(): void {
    if (this.gate.waits) this.gathering.push(this.began, this.messages, this.bytes);
    else this.tell(this.began, this.messages, this.bytes);
  }

  epochClosing(): void {
    const { closing } = this;
    this.closing = this.gathering;
    this.gathering = closing;
  }

  epochDurable(): void {
    const { closing } = this;
    for (let at = 0; at < closing.length; at += 3) {
      this.tell(closing[at] ?? 0, closing[at + 1] ?? 0, closing[at + 2] ?? 0);
    }
    closing.length = 0;
  }

  epochFailed(): void {
    this.closing.length = 0;
    this.gathering.length = 0;
  }

  turnFailed(): void {
    // It was not noted yet.
  }

  private tell(began: number, messages: number, bytes: number): void {
    const millis = this.clock.monotonic() - began;
    for (const listener of this.listeners) listener(messages, bytes, millis);
  }
}
