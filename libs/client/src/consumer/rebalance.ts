import { queueKey, type MessageQueue } from '@nestjs-rocketmq/message';

export interface AssignmentChange {
  /** To be released: held, but not mine any more. */
  readonly leave: readonly string[];
  /** To be taken: mine, but not held yet. */
  readonly take: readonly MessageQueue[];
}

/** What has to change so that exactly `mine` is held; `held` are queue keys. */
export function assignmentChange(
  held: Iterable<string>,
  mine: readonly MessageQueue[],
): AssignmentChange {
  const wanted = new Map(mine.map((queue) => [queueKey(queue), queue]));
  const leave: string[] = [];
  for (const key of held) {
    if (!wanted.delete(key)) leave.push(key);
  }
  return { leave, take: [...wanted.values()] };
}
