/**
 * Tells whoever holds answers when these may leave. An epoch is all that one sync covers; without
 * SYNC_FLUSH there are no epochs, and answers leave with the turn.
 */
export interface StoreGate {
  /** SYNC_FLUSH: answers wait for their epoch. */
  readonly waits: boolean;
  subscribe(listener: GateListener): void;
}

export interface GateListener {
  /** At the end of a turn: the answers that wait now belong to the epoch that is being synced. */
  epochClosing(): void;
  /** The answers of the closed epoch may leave. */
  epochDurable(): void;
  /** The answers of the closed epoch, and those that wait for the next, must become failures. */
  epochFailed(error: Error): void;
  /** The answers of this turn, and only of this turn, must become failures: nothing was stored. */
  turnFailed(error: Error): void;
}
