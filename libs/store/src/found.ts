/**
 * What a search found; names as Java's `GetMessageStatus`.
 *
 * - `FOUND`: `count` messages of `bytes` bytes.
 * - `NO_MATCHED_MESSAGE`: the filter let none of the entries through, or what they point to is
 *   damaged; go on at `next`.
 * - `MESSAGE_WAS_REMOVING`: the log does not have these messages any more; go on at `next`.
 * - `NO_MESSAGE_IN_QUEUE`: the queue was always empty.
 * - `OFFSET_TOO_SMALL`, `OFFSET_OVERFLOW_ONE` (just the next message), `OFFSET_OVERFLOW_BADLY`.
 */
export type FindStatus =
  | 'FOUND'
  | 'NO_MATCHED_MESSAGE'
  | 'MESSAGE_WAS_REMOVING'
  | 'NO_MESSAGE_IN_QUEUE'
  | 'OFFSET_TOO_SMALL'
  | 'OFFSET_OVERFLOW_ONE'
  | 'OFFSET_OVERFLOW_BADLY';

/** The result of `find`; one object per store, reused by the next `find`. */
export class Found {
  status: FindStatus = 'NO_MESSAGE_IN_QUEUE';
  /** How many messages. */
  count = 0;
  /** How many bytes their records have together. */
  bytes = 0;
  /** Where to ask next. */
  next = 0;
  /** How far the last message found lies behind the end of the log; 0 when nothing was found. */
  bytesBehind = 0;
  /** That is further back than what memory is likely to hold. */
  isFarBehind = false;
  positions = new Float64Array(64);
  sizes = new Int32Array(64);

  grow(): void {
    const positions = new Float64Array(this.positions.length * 2);
    positions.set(this.positions);
    const sizes = new Int32Array(this.sizes.length * 2);
    sizes.set(this.sizes);
    this.positions = positions;
    this.sizes = sizes;
  }
}
