import { messageOf } from '@nestjs-rocketmq/foundation';
import { PropertyName, type StoredMessage } from '@nestjs-rocketmq/message';

/** A requester that understands errors as replies says so in its request; Java's do not. */
export const ERRORS_WANTED_PROPERTY = 'replyErrors';

/** Marks a reply that is an error. */
export const ERROR_REPLY_PROPERTY = 'replyError';

/** An error on its way to the requester. */
export interface RemoteError {
  readonly name: string;
  readonly message: string;
  readonly code?: string;
}

/** Whether somebody waits for a reply to the message. */
export function isRequest(message: StoredMessage): boolean {
  return message.properties[PropertyName.REPLY_TO_CLIENT] !== undefined;
}

export function wantsErrors(message: StoredMessage): boolean {
  return message.properties[ERRORS_WANTED_PROPERTY] === 'true';
}

export function remoteError(error: unknown): RemoteError {
  const { code } = (error ?? {}) as { code?: unknown };
  return {
    name: error instanceof Error ? error.name : 'Error',
    message: messageOf(error),
    ...(typeof code === 'string' ? { code } : {}),
  };
}
