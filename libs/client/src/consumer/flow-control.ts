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

/** What one pull is to bring at most. */
export interface WantedSize {
  readonly messages: number;
  /** Undefined: as much as the broker gives. */
  readonly bytes?: number;
}

/** What one pull may bring at most. */
export type PullSize = Required<WantedSize>;

/** What brokers give by default in one pull. */
const usualBytes = 256 * 1024;

/**
 * What may be asked of a queue now so that afterwards no threshold is passed; undefined: nothing,
 * wait. It waits for the room of a full pull (or half a threshold, if that is less) instead of
 * asking for each message that becomes free. A single message always comes, however large: bytes may
 * be passed by one. `maxSpan`: distance of offsets in hand.
 */
export function roomOf(
  one: AssignedQueue,
  of: Thresholds,
  full: WantedSize,
  maxSpan = Number.POSITIVE_INFINITY,
): PullSize | undefined {
  const { settings } = of;
  const { count, bytes, span } = one.process;
  const most = share(one, of, settings.pullThresholdForTopic, settings.pullThresholdForQueue);
  const messages = room(full.messages, most, count);
  const byCount = messages && room(messages, maxSpan, span);
  if (byCount === undefined) return undefined;
  const { pullThresholdSizeForTopic, pullThresholdSizeForQueue } = settings;
  const mostMebibytes = share(one, of, pullThresholdSizeForTopic, pullThresholdSizeForQueue);
  const byBytes = room(full.bytes ?? usualBytes, mostMebibytes * mebibyte, bytes);
  if (byBytes === undefined) return undefined;
  const free = mostMebibytes * mebibyte - bytes;
  return { messages: byCount, bytes: full.bytes === undefined ? free : byBytes };
}

/** What of `wanted` fits below `limit`; undefined when that is too little to begin with. */
export function room(wanted: number, limit: number, held: number): number | undefined {
  const free = limit - held;
  return free < Math.min(wanted, Math.ceil(limit / 2)) ? undefined : Math.min(wanted, free);
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
