import { messageOf } from '@nestjs-rocketmq/foundation';
import {
  decodeFrame,
  encodeFailure,
  ResponseCode,
  type OutputBuffer,
} from '@nestjs-rocketmq/protocol';

/** Rewrites the answers in `buffer` from `from` on as failures of the store. */
export function failAnswers(buffer: OutputBuffer, from: number, error: Error): void {
  if (buffer.used <= from) return;
  const remark = `the message was not stored: ${messageOf(error)}`;
  const failures: Uint8Array[] = [];
  for (let at = from; at < buffer.used;) {
    const end = at + 4 + buffer.data.getInt32(at);
    const { opaque, form } = decodeFrame(buffer.bytes.subarray(at, end));
    failures.push(encodeFailure({ opaque, form, code: ResponseCode.SYSTEM_ERROR, remark }));
    at = end;
  }
  buffer.used = from;
  for (const failure of failures) buffer.append(failure);
}
