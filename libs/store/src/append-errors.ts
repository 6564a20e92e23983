import { messageOf } from '@nestjs-rocketmq/foundation';
import { maxPropertiesBytes, propertiesLength, type RecordDraft } from '@nestjs-rocketmq/message';
import { MessageIllegalError, StoreFullError, StoreWriteError } from './store.errors.js';

/** Why a message cannot be a record. */
export function illegal(
  draft: RecordDraft,
  size: number,
  tail: number,
  longest: number,
): MessageIllegalError {
  const properties = propertiesLength(draft) + tail;
  const sentence =
    properties > maxPropertiesBytes
      ? `The message has ${properties} bytes of properties; at most ${maxPropertiesBytes} fit.`
      : `The message needs ${size} bytes in the log, but a log file takes at most ${longest}.`;
  return new MessageIllegalError(sentence, {
    details: { topic: draft.topic, size, properties },
  });
}

/** What a failed write of the log means for those whose messages were in it. */
export function writeError(cause: unknown): StoreFullError | StoreWriteError {
  const { code } = cause as NodeJS.ErrnoException;
  if (code === 'ENOSPC' || code === 'EDQUOT') {
    return new StoreFullError('The disk of the store is full; nothing was stored.', {
      cause,
      retriable: true,
    });
  }
  const sentence = `The commit log cannot be written (${messageOf(cause)}); nothing was stored.`;
  return new StoreWriteError(sentence, { cause, retriable: true });
}
