import { copySpan, type Span } from '@nestjs-rocketmq/foundation';
import type { CommandDefinition } from '../command/define-command.js';
import { encodeAnswer } from '../command/remoting-command.js';
import type { StoreIdentity } from './answer-text.js';
import type { AnswerWriter, AnswerWriters } from './compile-answer.js';

const utf8 = new TextDecoder('utf-8');

/**
 * The twin of the compiled answer writers, through the plain encoder. Reference of the compiled
 * ones, and used where code must not be generated.
 */
export function tableAnswerWriters(
  command: CommandDefinition,
  identity: StoreIdentity,
): AnswerWriters {
  const writer =
    (form: 'json' | 'binary'): AnswerWriter =>
    (out, answer, opaque, code, remark, bodySize) => {
      const header: Record<string, unknown> = {};
      for (const [name, field] of Object.entries(command.answers)) {
        header[name] = plain(answer[name], field.kind === 'offsetId', identity);
        if (field.isOptional) answer[name] = undefined;
      }
      const frame = encodeAnswer(command, {
        opaque,
        form,
        code,
        remark: remark === '' ? undefined : remark,
        header,
      });
      out.reserve(frame.length + bodySize);
      out.bytes.set(frame, out.used);
      out.data.setInt32(out.used, frame.length - 4 + bodySize);
      return out.used + frame.length;
    };
  return { json: writer('json'), binary: writer('binary') };
}

function plain(value: unknown, isId: boolean, identity: StoreIdentity): unknown {
  if (isId && typeof value === 'number') {
    return identity.hex + value.toString(16).toUpperCase().padStart(16, '0');
  }
  if (typeof value === 'object' && value !== null) return utf8.decode(copySpan(value as Span));
  return value;
}
