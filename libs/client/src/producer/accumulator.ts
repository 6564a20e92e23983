import { Deferred, type Clock, type Timer } from '@nestjs-rocketmq/foundation';
import { isRetryTopic, type OutgoingMessage } from '@nestjs-rocketmq/message';
import type { Chunk } from './batches.js';
import { isDelayed } from './delays.js';
import { batchedBytes, type BatchPart, type Drafts } from './drafts.js';
import type { SendOptions, SendResult } from './send-result.js';

export interface AccumulatorSettings {
  /** A message waits so long for others at most, in ms. */
  readonly maxDelay: number;
  /** A batch of so many bytes is sent at once. */
  readonly maxBytes: number;
  /** Bytes of bodies held at most, until their sends have ended. */
  readonly maxHeld: number;
}

interface Held {
  readonly key: string;
  readonly options: SendOptions;
  readonly messages: OutgoingMessage[];
  readonly parts: BatchPart[];
  readonly senders: Deferred<SendResult>[];
  readonly timer: Timer;
  size: number;
}

/** Sends a chunk as one request; a result for each message. */
export type SendChunk = (chunk: Chunk, options: SendOptions) => Promise<readonly SendResult[]>;

/**
 * Gathers messages that are sent one by one into batches, each of one topic, queue, tag and
 * `waitStoreMsgOk`. Bounded in time and bytes.
 */
export class Accumulator {
  private readonly batches = new Map<string, Held>();
  private heldBytes = 0;

  constructor(
    private readonly clock: Clock,
    private readonly drafts: Drafts,
    private readonly settings: AccumulatorSettings,
    private readonly send: SendChunk,
  ) {}

  /** Bytes of bodies held, until their sends have ended. */
  get held(): number {
    return this.heldBytes;
  }

  /** The result to come, or undefined: this message goes alone. Throws for bad properties. */
  add(message: OutgoingMessage, options: SendOptions): Promise<SendResult> | undefined {
    const { maxBytes, maxHeld } = this.settings;
    const bytes = message.body.length;
    if (bytes >= maxBytes || this.heldBytes + bytes > maxHeld) return undefined;
    if (!canGather(message, options)) return undefined;
    const part = this.drafts.part(message, message);
    const size = batchedBytes(part);
    if (size > maxBytes) return undefined;
    const key = keyOf(message, options);
    const known = this.batches.get(key);
    if (known !== undefined && known.size + size > maxBytes) this.release(known);
    const batch = this.batches.get(key) ?? this.open(key, options);
    const sender = new Deferred<SendResult>();
    batch.messages.push(message);
    batch.parts.push(part);
    batch.senders.push(sender);
    batch.size += size;
    this.heldBytes += bytes;
    if (batch.size >= maxBytes) this.release(batch);
    return sender.promise;
  }

  /** Sends what is held, now. */
  flush(): void {
    for (const batch of this.batches.values()) this.release(batch);
  }

  private open(key: string, options: SendOptions): Held {
    const timer = this.clock.after(this.settings.maxDelay, () => this.release(batch));
    const batch: Held = { key, options, messages: [], parts: [], senders: [], timer, size: 0 };
    this.batches.set(key, batch);
    return batch;
  }

  private release(batch: Held): void {
    batch.timer.cancel();
    this.batches.delete(batch.key);
    void this.settle(batch);
  }

  private async settle(batch: Held): Promise<void> {
    const { messages, senders, options } = batch;
    try {
      const results = await this.send(batch, options);
      senders.forEach((sender, i) => sender.resolve(results[i] as SendResult));
    } catch (error) {
      for (const sender of senders) sender.reject(error);
    } finally {
      for (const { body } of messages) this.heldBytes -= body.length;
    }
  }
}

/** What has a time of its own, or a queue that depends on the message, goes alone. */
function canGather(message: OutgoingMessage, options: SendOptions): boolean {
  const { hashKey, selector, timeout } = options;
  if (hashKey !== undefined || selector !== undefined || timeout !== undefined) return false;
  return !isDelayed(message) && !isRetryTopic(message.topic);
}

function keyOf(message: OutgoingMessage, { queue }: SendOptions): string {
  const { topic, tags = '', waitStoreMsgOk = true } = message;
  const place = queue === undefined ? '' : `${queue.brokerName}@${queue.queueId}@${queue.topic}`;
  return `${topic}\n${tags}\n${waitStoreMsgOk}\n${place}`;
}
