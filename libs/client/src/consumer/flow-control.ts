import { option } from '@nestjs-rocketmq/foundation';
import type { AssignedQueue } from './assigned-queue.js';

const mebibyte = 1024 * 1024;

/** Options of every consumer that pulls ahead. Defaults in brackets. */
export interface FlowControlOptions {
  /** Messages held per queue before pulling pauses [1000]. */
  readonly pullThresholdForQueue?: number;
  /** MiB of records held per queue before pulling pauses [100]. */
  readonly pullThresholdSizeForQueue?: number;
  /** Messages held per topic, shared out over its queues here; -1 none [-1]. */
  readonly pullThresholdForTopic?: number;
  /** MiB held per topic, shared out over its queues here; -1 none [-1]. */
  readonly pullThresholdSizeForTopic?: number;
}

/** Whole numbers with Java's bounds. */
const count = (meaning: string, fallback: number, min: number, max: number) =>
  option.integer({ meaning, default: fallback, min, max });

/** Declarations behind `FlowControlOptions`. */
export const flowControlTable = {
  pullThresholdForQueue: count('Messages held per queue before pulling pauses.', 1000, 1, 65_535),
  pullThresholdSizeForQueue: count('MiB held per queue before pulling pauses.', 100, 1, 1024),
  pullThresholdForTopic: count('Messages held per topic; -1 none.', -1, -1, 6_553_500),
  pullThresholdSizeForTopic: count('MiB held per topic; -1 none.', -1, -1, 102_400),
};

/** Whose thresholds, and who shares those of a topic. */
export interface Thresholds {
  readonly settings: Required<FlowControlOptions>;
  readonly assigned: ReadonlyMap<string, AssignedQueue>;
}

/** True while too many messages, or too many bytes, of a queue are in hand. */
export function isOverThreshold(one: AssignedQueue, of: Thresholds): boolean {
  const { settings } = of;
  const { count, bytes } = one.process;
  if (count > share(one, of, settings.pullThresholdForTopic, settings.pullThresholdForQueue)) {
    return true;
  }
  const { pullThresholdSizeForTopic, pullThresholdSizeForQueue } = settings;
  return bytes > share(one, of, pullThresholdSizeForTopic, pullThresholdSizeForQueue) * mebibyte;
}

/** A threshold of the topic is shared out over its queues here. */
function share(one: AssignedQueue, of: Thresholds, perTopic: number, perQueue: number): number {
  if (perTopic < 0) return perQueue;
  let queues = 0;
  for (const other of of.assigned.values()) {
    if (other.queue.topic === one.queue.topic) queues += 1;
  }
  return Math.max(1, Math.floor(perTopic / Math.max(1, queues)));
}
