import type { ExtFields } from '../command/header-schema.js';

/** What a header says. */
export interface Header {
  /** Request code, or response code in a response. */
  readonly code: number;
  /** What the sender is written in; OTHER for a language that the table does not know. */
  readonly language: string;
  /** Ordinal of Apache's version enum; 0 when the sender does not say. */
  readonly version: number;
  /** Joins a response to its request; signed 32 bits. */
  readonly opaque: number;
  /** Bit 0 response, bit 1 oneway. */
  readonly flag: number;
  readonly remark: string | undefined;
  /** The command's own fields and whatever else the sender added. Has no prototype when decoded. */
  readonly extFields: ExtFields;
}
