import { randomUUID } from 'node:crypto';
import { Semaphore } from '@nestjs-rocketmq/foundation';
import {
  PropertyName,
  propertyText,
  type OutgoingMessage,
  type StoredMessage,
} from '@nestjs-rocketmq/message';
import type { ClientInstance } from '../client-instance.js';
import { ClientStateError, InvalidMessageError, RequestTimeoutError } from '../client.errors.js';
import type { PublishQueue } from '../route-table.js';
import type { PendingReply, ReplyMessage } from './pending-replies.js';
import type { SendOptions, SendResult } from './send-result.js';

/** A reply without its topic: that is given by the request. */
export type OutgoingReply = Omit<
  OutgoingMessage,
  'topic' | 'delayLevel' | 'delayMs' | 'delaySeconds' | 'deliverAt'
>;

type Deliver = (
  message: OutgoingMessage,
  options: SendOptions,
  extra: string,
) => Promise<SendResult>;

/** Sends requests and waits for their replies; at most `most` wait at once, others for their turn. */
export class Requester {
  private readonly turns: Semaphore;
  private readonly pending = new Set<PendingReply>();
  private meeting: Promise<void> | undefined;

  constructor(
    private readonly instance: ClientInstance,
    private readonly deliver: Deliver,
    most: number,
  ) {
    this.turns = new Semaphore(most);
  }

  /** `timeoutMs` is for all of it: the turn, the send and the reply. */
  async request(
    message: OutgoingMessage,
    options: SendOptions,
    timeoutMs: number,
  ): Promise<ReplyMessage> {
    const { clock, clientId, replies } = this.instance;
    const end = clock.monotonic() + timeoutMs;
    const release = await this.turn(message.topic, timeoutMs);
    const correlationId = randomUUID();
    const remaining = Math.max(Math.ceil(end - clock.monotonic()), 1);
    const waiting = replies.wait(correlationId, message.topic, remaining);
    this.pending.add(waiting);
    try {
      // Replies come over the connection to whichever broker the replier chose.
      await (this.meeting ??= this.meet());
      const extra =
        propertyText(PropertyName.CORRELATION_ID, correlationId) +
        propertyText(PropertyName.REPLY_TO_CLIENT, clientId) +
        propertyText(PropertyName.TTL, String(timeoutMs));
      const send = this.deliver(message, options, extra);
      // The reply may be faster than the broker's answer to the send.
      return await Promise.race([waiting.reply, send.then(() => waiting.reply)]);
    } catch (error) {
      waiting.abandon(error as Error);
      throw error;
    } finally {
      this.pending.delete(waiting);
      release();
    }
  }

  /** Requests that still wait end with `ClientStateError`. */
  close(): void {
    const error = new ClientStateError('The producer was closed before the reply came.');
    for (const waiting of this.pending) waiting.abandon(error);
    this.turns.close(error);
  }

  private async turn(topic: string, timeoutMs: number): Promise<() => void> {
    const now = this.turns.tryAcquire();
    if (now !== undefined) return now;
    const controller = new AbortController();
    const timer = this.instance.clock.after(timeoutMs, () =>
      controller.abort(
        new RequestTimeoutError(
          `A request on topic '${topic}' did not get its turn within ${timeoutMs} ms: ` +
            "'maxWaitingRequests' others wait for their replies.",
          { details: { topic, timeoutMs } },
        ),
      ),
    );
    try {
      return await this.turns.acquire(1, controller.signal);
    } finally {
      timer.cancel();
    }
  }

  private async meet(): Promise<void> {
    await this.instance.meetAllBrokers();
    await this.instance.heartbeat();
  }
}

/** A request as its consumer got it, taken apart for the reply. */
export interface ReplyAddress {
  /** The reply topic of the cluster that the request came through. */
  readonly topic: string;
  /** Property text that brings the reply home. */
  readonly extra: string;
  /** The broker that held the request: the requester is connected to it. */
  readonly pick: (queues: readonly PublishQueue[]) => PublishQueue | undefined;
}

/** Where the reply goes. Throws `InvalidMessageError` when the message is no request. */
export function replyAddress(request: StoredMessage): ReplyAddress {
  const { properties, storeHost, msgId } = request;
  const needed = (name: string): string => {
    const value = properties[name];
    if (value !== undefined && value !== '') return value;
    throw new InvalidMessageError(
      `The message ${msgId} is no request that can be answered: its property '${name}' is missing.`,
      { details: { msgId, property: name } },
    );
  };
  const cluster = needed(PropertyName.CLUSTER);
  const extra =
    propertyText(PropertyName.MESSAGE_TYPE, 'reply') +
    propertyText(PropertyName.CORRELATION_ID, needed(PropertyName.CORRELATION_ID)) +
    propertyText(PropertyName.REPLY_TO_CLIENT, needed(PropertyName.REPLY_TO_CLIENT)) +
    propertyText(PropertyName.TTL, properties[PropertyName.TTL] ?? '');
  return {
    topic: `${cluster}_REPLY_TOPIC`,
    extra,
    pick: (queues) => queues.find(({ address }) => address === storeHost),
  };
}
