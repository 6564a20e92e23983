import { object, string, whole } from '../json/shape.js';
import type { ValueOfShape } from '../json/shape.js';

/** A queue as Java names it in bodies (`MessageQueue`). */
export const messageQueueBody = object({
  brokerName: string(),
  queueId: whole(),
  topic: string(),
});
export type MessageQueueBody = ValueOfShape<typeof messageQueueBody>;

/** Which state of a table one talks about; 4.x has no `stateVersion`. */
export const dataVersion = object({
  counter: whole(0),
  stateVersion: whole(0),
  timestamp: whole(0),
});
export type DataVersion = ValueOfShape<typeof dataVersion>;

/** True when both name the same state. */
export function sameDataVersion(a: DataVersion, b: DataVersion): boolean {
  return (
    a.counter === b.counter && a.stateVersion === b.stateVersion && a.timestamp === b.timestamp
  );
}

/** The state after a change at `now` (epoch ms). */
export function nextDataVersion(
  version: DataVersion,
  now: number,
  stateVersion = version.stateVersion,
): DataVersion {
  return { counter: version.counter + 1, stateVersion, timestamp: now };
}
