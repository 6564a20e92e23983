import { list, object, objectTable, optional, table, whole, wholeOrLimit } from '../json/shape.js';
import type { Shape, ValueOfShape } from '../json/shape.js';
import { dataVersion, messageQueueBody, type MessageQueueBody } from './common.js';

/** `topic@group` -> queue id -> offset, as in consumerOffset.json. */
export const groupOffsets = object({
  dataVersion: optional(dataVersion),
  offsetTable: table(table(whole())),
});
export type GroupOffsets = ValueOfShape<typeof groupOffsets>;

const queueTable = objectTable(messageQueueBody, whole());
const queueList = list(object({ ...messageQueueBody.members, offset: whole() }));

/** Java's table, read also from the list that its brokers send when a C++ tool asked for the reset. */
const tableOrList: Shape<[MessageQueueBody, number][]> = {
  ...queueTable,
  read(raw, at) {
    if (!Array.isArray(raw)) return queueTable.read(raw, at);
    return queueList.read(raw, at).map(({ offset, ...queue }) => [queue, offset]);
  },
};

/** Queues and where their consumption is to go on. */
export const resetOffsets = object({ offsetTable: tableOrList });
export type ResetOffsets = ValueOfShape<typeof resetOffsets>;

/** Queue id -> offset; 2^53 - 1 stands for "no correction". */
export const correctionOffsets = object({ correctionOffsets: table(wholeOrLimit()) });
export type CorrectionOffsets = ValueOfShape<typeof correctionOffsets>;
