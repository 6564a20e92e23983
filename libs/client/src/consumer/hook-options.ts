import { option } from '@nestjs-rocketmq/foundation';
import type { MessageQueue } from '@nestjs-rocketmq/message';
import type { ConsumeHook, FilterHook } from './consume-hooks.js';

/** Called after the queues of a topic were shared out anew: with all of them and with ours. */
export type AssignmentListener = (
  topic: string,
  all: readonly MessageQueue[],
  mine: readonly MessageQueue[],
) => void;

/** Options of every consumer whose queues are kept pulled. */
export interface HookOptions {
  /** Told before and after each listener call. Java: registerConsumeMessageHook. */
  readonly consumeHooks?: readonly ConsumeHook[];
  /** Take messages out of what was pulled. Java: registerFilterMessageHook. */
  readonly filterHooks?: readonly FilterHook[];
}

const hooks = (meaning: string) =>
  option.object<unknown>({ meaning, is: Array.isArray, must: 'must be an array of hooks' });

/** Declarations behind `HookOptions`. */
export const hookTable = {
  consumeHooks: hooks('Told before and after each listener call.'),
  filterHooks: hooks('Take messages out of what was pulled.'),
};
