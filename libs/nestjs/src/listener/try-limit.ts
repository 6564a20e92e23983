import { reconsumeLimit } from '@nestjs-rocketmq/client';
import type { StoredMessage } from '@nestjs-rocketmq/message';

/** What decides how often a message is tried. */
export interface TriedBy {
  readonly mode: 'concurrent' | 'orderly';
  readonly model: 'clustering' | 'broadcasting';
  /** -1: the mode's own. */
  readonly maxReconsumeTimes: number;
}

/** How often a message may come again; broadcast messages have no dead letters to go to. */
export function tryLimit({ mode, model, maxReconsumeTimes }: TriedBy): number {
  if (model === 'broadcasting') return Number.POSITIVE_INFINITY;
  return reconsumeLimit(maxReconsumeTimes, mode === 'orderly');
}

/** Whether the message goes to the dead letters when this try fails. */
export function isLastTry({ reconsumeTimes }: StoredMessage, limit: number): boolean {
  return reconsumeTimes >= limit;
}
