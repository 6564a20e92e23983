/** What a storage gate tells whoever holds answers back. */
export interface StorageGateListener {
  /** Every answer given so far belongs to bytes that are written; the disk is now asked to keep them. */
  epochClosing(): void;
  /** The bytes of the closed epoch are safe. */
  epochDurable(): void;
  /** They are not; and may never be. */
  epochFailed(error: Error): void;
  /** The write of this turn failed: its answers would be lies. */
  turnFailed(error: Error): void;
}

/** Says when answers to sends may leave. Implemented by the broker over its store. */
export interface StorageGate {
  /** True when answers wait for the disk (SYNC_FLUSH); false when the write of their turn is enough. */
  readonly waits: boolean;
  subscribe(listener: StorageGateListener): void;
}
