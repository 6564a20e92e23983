import { PropertyName, type OutgoingMessage, type StoredMessage } from '@nestjs-rocketmq/message';
import {
  MessageConverters,
  type HashKey,
  type MessageConverter,
  type SendResult,
} from 'nestjs-rocketmq';
import type { ConsumedMessage, DeadLetter, SentMessage, TestMessage } from './test-message.js';

/** What went in and out of the application. */
export class Journal {
  readonly sent: SentMessage[] = [];
  readonly deliveries: ConsumedMessage[] = [];
  /** Every topic that was sent to or is listened to. */
  readonly topics = new Set<string>();
  /** Every group that listens. */
  readonly groups = new Set<string>();
  private readonly converters: MessageConverters;
  /** Half messages whose transactions are not decided, by message id. */
  private readonly undecided = new Map<string, SentMessage>();

  constructor(
    private readonly now: () => number,
    converters: readonly MessageConverter[],
  ) {
    this.converters = new MessageConverters(converters);
  }

  /** A listener: its names can be asked for. */
  know(group: string, topics: readonly string[]): void {
    this.groups.add(group);
    for (const topic of topics) this.topics.add(topic);
  }

  /** Forgets what happened, not the names. */
  clear(): void {
    this.sent.length = 0;
    this.deliveries.length = 0;
    this.undecided.clear();
  }

  addSent(
    connection: string,
    message: OutgoingMessage,
    result: Partial<SendResult> | undefined,
    hashKey: HashKey | undefined,
  ): SentMessage {
    const sent = this.sentMessage(connection, message, result, hashKey);
    this.sent.push(sent);
    return sent;
  }

  /** A half message: it counts as sent when its transaction is committed. */
  addHalf(
    connection: string,
    message: OutgoingMessage,
    result: SendResult & { readonly verdict: string; readonly transactionId: string },
    hashKey: HashKey | undefined,
  ): void {
    const half = this.sentMessage(connection, message, result, hashKey);
    if (result.verdict === 'COMMIT') this.sent.push(half);
    else if (result.verdict === 'UNKNOWN') this.undecided.set(result.transactionId, half);
  }

  /** What the check of a half message said. */
  decided(message: StoredMessage, verdict: string): void {
    const id = message.properties[PropertyName.TRANSACTION_ID] ?? message.msgId;
    const half = this.undecided.get(id) ?? this.undecided.get(message.msgId);
    if (half === undefined || verdict === 'UNKNOWN') return;
    this.undecided.delete(id);
    this.undecided.delete(message.msgId);
    if (verdict === 'COMMIT') this.sent.push({ ...half, at: new Date(this.now()) });
  }

  addDelivery(
    group: string,
    connection: string,
    message: StoredMessage,
    outcome: ConsumedMessage['outcome'],
  ): void {
    const attempt = message.reconsumeTimes + 1;
    const seen = this.stored(connection, message, this.now());
    this.deliveries.push({ ...seen, group, attempt, outcome, message });
  }

  deadLetter(group: string, connection: string, message: StoredMessage): DeadLetter {
    const seen = this.stored(connection, message, message.storeTimestamp);
    return { ...seen, group, attempts: message.reconsumeTimes, message };
  }

  private sentMessage(
    connection: string,
    message: OutgoingMessage,
    result: Partial<SendResult> | undefined,
    hashKey: HashKey | undefined,
  ): SentMessage {
    const { topic, tags, keys = [], properties = {}, body, delayLevel } = message;
    this.topics.add(topic);
    return {
      topic,
      tag: tags,
      keys: typeof keys === 'string' ? [keys] : keys,
      properties,
      body,
      payload: this.payload(body, properties),
      connection,
      at: new Date(this.now()),
      messageId: result?.msgId ?? '',
      hashKey,
      delayLevel,
    };
  }

  private stored(connection: string, message: StoredMessage, at: number): TestMessage {
    const { properties, body } = message;
    return {
      topic: properties[PropertyName.RETRY_TOPIC] ?? message.topic,
      tag: message.tags,
      keys: message.keys,
      properties,
      body,
      payload: this.payload(body, properties),
      connection,
      at: new Date(at),
    };
  }

  private payload(body: Uint8Array, properties: Readonly<Record<string, string>>): unknown {
    try {
      return this.converters.decode({ body, properties });
    } catch {
      return body;
    }
  }
}
