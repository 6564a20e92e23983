/** What a store tells about itself. Positions and sizes in bytes. */
export interface StoreFigures {
  readonly minPosition: number;
  readonly appended: number;
  readonly written: number;
  readonly durable: number;
  readonly queuesWithUnwrittenEntries: number;
  readonly slotsOfUnwrittenEntries: number;
  readonly openQueueFiles: number;
  /** Whether the store had to be recovered when it was opened. */
  readonly wasAborted: boolean;
}
