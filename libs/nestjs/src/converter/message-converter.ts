/**
 * Turns payloads into bodies and back for one content type. A body is never turned into text on
 * the way, so binary formats work.
 */
export interface MessageConverter {
  /** Without parameters and in small letters, for example `application/x-protobuf`. */
  readonly contentType: string;
  write(payload: unknown): Uint8Array;
  read(body: Uint8Array): unknown;
}
