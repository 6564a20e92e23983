import { messageOf, type Clock, type Logger, type Timer } from '@nestjs-rocketmq/foundation';
import { decodeProperties, decompressBodyAside, PropertyName } from '@nestjs-rocketmq/message';
import type { Asked, PushReplyMessageToClient } from '@nestjs-rocketmq/protocol';
import { RequestTimeoutError } from '../client.errors.js';

/** The answer to a request, as the replier sent it. */
export interface ReplyMessage {
  readonly body: Uint8Array;
  readonly properties: Readonly<Record<string, string>>;
  readonly correlationId: string;
  /** The replier's number. */
  readonly flag: number;
  /** Milliseconds since 1970 at the replier. */
  readonly bornTimestamp: number;
  /** `address:port` of the replier. */
  readonly bornHost: string;
  /** Milliseconds since 1970 when it came in here. */
  readonly arrivedAt: number;
}

/** A reply that is waited for. */
export interface PendingReply {
  readonly reply: Promise<ReplyMessage>;
  /** Nobody waits any longer. */
  abandon(error: Error): void;
}

interface Waiter {
  readonly timer: Timer;
  readonly resolve: (reply: ReplyMessage) => void;
  readonly reject: (error: Error) => void;
}

/** The requests of a client instance that wait for their replies, by correlation id. */
export class PendingReplies {
  private readonly waiters = new Map<string, Waiter>();
  /** Replies for which nobody waited (any more). */
  late = 0;

  constructor(
    private readonly clock: Clock,
    private readonly logger: Logger,
  ) {}

  get size(): number {
    return this.waiters.size;
  }

  /** Waits for the reply; `RequestTimeoutError` after `timeoutMs`. */
  wait(correlationId: string, topic: string, timeoutMs: number): PendingReply {
    const reply = new Promise<ReplyMessage>((resolve, reject) => {
      const timer = this.clock.after(timeoutMs, () => {
        this.waiters.delete(correlationId);
        reject(
          new RequestTimeoutError(
            `No reply to a request on topic '${topic}' came within ${timeoutMs} ms; look whether ` +
              'somebody consumes the topic and replies.',
            { details: { topic, correlationId, timeoutMs } },
          ),
        );
      });
      this.waiters.set(correlationId, { timer, resolve, reject });
    });
    // Whoever abandons it does not look at it.
    reply.catch(() => undefined);
    return { reply, abandon: (error) => this.take(correlationId)?.reject(error) };
  }

  /** A broker hands a reply over. Rejects with `CompressionError` when its body cannot be read. */
  async arrived(asked: Asked<typeof PushReplyMessageToClient>, packed: Uint8Array): Promise<void> {
    const properties = decodeProperties(asked.properties ?? '');
    const correlationId = properties[PropertyName.CORRELATION_ID] ?? '';
    const waiter = this.take(correlationId);
    if (waiter === undefined) {
      this.late += 1;
      this.logger.warn('A reply came for which nobody waits (any more); it is dropped.', {
        correlationId,
        from: asked.bornHost,
      });
      return;
    }
    try {
      const body = await decompressBodyAside(packed, asked.sysFlag);
      const { flag, bornTimestamp, bornHost } = asked;
      const arrivedAt = this.clock.now();
      const told = { ...properties, [PropertyName.ARRIVE_TIME]: String(arrivedAt) };
      const own = { body, properties: told, correlationId, arrivedAt };
      waiter.resolve({ ...own, flag, bornTimestamp, bornHost });
    } catch (error) {
      waiter.reject(error as Error);
      this.logger.warn('A reply cannot be read.', { correlationId, error: messageOf(error) });
      throw error;
    }
  }

  private take(correlationId: string): Waiter | undefined {
    const waiter = this.waiters.get(correlationId);
    if (waiter === undefined) return undefined;
    this.waiters.delete(correlationId);
    waiter.timer.cancel();
    return waiter;
  }
}
