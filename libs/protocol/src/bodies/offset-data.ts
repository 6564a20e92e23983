import { object, objectTable, optional, table, whole, wholeOrLimit } from '../json/shape.js';
import type { ValueOfShape } from '../json/shape.js';
import { dataVersion, messageQueueBody } from './common.js';

/** `topic@group` -> queue id -> offset, as in consumerOffset.json. */
export const groupOffsets = object({
  dataVersion: optional(dataVersion),
  offsetTable: table(table(whole())),
});
export type GroupOffsets = ValueOfShape<typeof groupOffsets>;

/** Queues and where their consumption is to go on. */
export const resetOffsets = object({ offsetTable: objectTable(messageQueueBody, whole()) });
export type ResetOffsets = ValueOfShape<typeof resetOffsets>;

/** Queue id -> offset; 2^53 - 1 stands for "no correction". */
export const correctionOffsets = object({ correctionOffsets: table(wholeOrLimit()) });
export type CorrectionOffsets = ValueOfShape<typeof correctionOffsets>;
