/** One queue of a topic on one broker. */
export interface MessageQueue {
  readonly topic: string;
  readonly brokerName: string;
  readonly queueId: number;
}

/** A message to send. */
export interface OutgoingMessage {
  readonly topic: string;
  readonly body: Uint8Array;
  /** One tag; consumers filter by it. */
  readonly tags?: string;
  /** Business keys by which tools find the message. None may contain a blank. */
  readonly keys?: string | readonly string[];
  /** The user's properties; names that RocketMQ reserves are refused (`reservedProperties`). */
  readonly properties?: Readonly<Record<string, string>>;
  /** A number of the user's; RocketMQ does not look at it. Default 0. */
  readonly flag?: number;
  /** 1 to 18: deliver after the delay of that level (1 s to 2 h by default). Default 0: at once. */
  readonly delayLevel?: number;
  /**
   * Deliver this many milliseconds after the broker has it (5.x brokers with timers; rounded down
   * to their precision, a second by default). At most one kind of delay may be given.
   */
  readonly delayMs?: number;
  /** The same in whole seconds. */
  readonly delaySeconds?: number;
  /** Deliver at this time (ms since 1970, or a `Date`); a time in the past means at once. */
  readonly deliverAt?: number | Date;
  /** Java's sharding key: a property that tells which messages belong together. */
  readonly shardingKey?: string;
  /** False: the broker answers before the message is safe as configured. Default true. */
  readonly waitStoreMsgOk?: boolean;
}

export function sameQueue(a: MessageQueue, b: MessageQueue): boolean {
  return a.queueId === b.queueId && a.topic === b.topic && a.brokerName === b.brokerName;
}

/** Java's order of queues: topic, broker name, queue id. For `sort`. */
export function compareQueues(a: MessageQueue, b: MessageQueue): number {
  if (a.topic !== b.topic) return a.topic < b.topic ? -1 : 1;
  if (a.brokerName !== b.brokerName) return a.brokerName < b.brokerName ? -1 : 1;
  return a.queueId - b.queueId;
}

/** A text that is equal for equal queues, for use as a map key. */
export function queueKey(queue: MessageQueue): string {
  return `${queue.topic}@${queue.brokerName}@${queue.queueId}`;
}
