import { withDeadline, type Clock, type Logger } from '@nestjs-rocketmq/foundation';
import type { OutgoingMessage } from '@nestjs-rocketmq/message';
import { milliseconds, type ClientInstance } from '../client-instance.js';
import { CloseDeadlineError } from '../client.errors.js';
import { Accumulator } from './accumulator.js';
import { cutIntoChunks, sendChunks, splitResult, type Chunk } from './batches.js';
import { deliveryOf } from './delivery-settings.js';
import { pinnedBy, type Delivery, type Pinned } from './delivery.js';
import type { Draft } from './draft.js';
import { Drafts } from './drafts.js';
import type { FaultDetector } from './fault-detector.js';
import { InFlight } from './in-flight.js';
import type { ProducerSettings } from './producer-options.js';
import type { SendHooks } from './send-hooks.js';
import type {
  BatchesSendOptions,
  ProducerStatistics,
  SendOptions,
  SendResult,
} from './send-result.js';

/** Of a batch that may be cut: what RocketMQ's documentation recommends. */
const defaultBatchBytes = 1024 * 1024;

export const noOptions: SendOptions = {};

/** What is on its way to the brokers: bounded, made ready, gathered where wished, delivered. */
export class Outbox {
  readonly drafts: Drafts;
  readonly delivery: Delivery;
  readonly inFlight: InFlight;
  private sent = 0;
  private failed = 0;
  private readonly clock: Clock;
  private readonly detector: FaultDetector | undefined;
  private readonly accumulator: Accumulator | undefined;

  constructor(
    instance: ClientInstance,
    private readonly settings: ProducerSettings,
    private readonly logger: Logger,
    hooks: SendHooks,
  ) {
    this.clock = instance.clock;
    this.drafts = new Drafts(settings, () => instance.uniqueKeys.next(), logger);
    this.inFlight = new InFlight(settings.maxInFlight, settings.maxInFlightBytes);
    const { delivery, detector } = deliveryOf(instance, settings, hooks);
    this.delivery = delivery;
    this.detector = detector;
    this.accumulator = settings.autoBatch ? this.gathering() : undefined;
  }

  get statistics(): Omit<ProducerStatistics, 'lateReplies'> {
    const { sent, failed, delivery, inFlight } = this;
    const { retried } = delivery;
    return { sent, failed, retried, running: inFlight.running, waiting: inFlight.waiting };
  }

  /** Looks after brokers that failed, when that is wished. */
  start(): void {
    this.detector?.start();
  }

  /** The message was checked. */
  send(message: OutgoingMessage, options: SendOptions): Promise<SendResult> {
    const gathered = this.accumulator?.add(message, options);
    return gathered ?? this.deliver(message, options, '', 0);
  }

  /** `extra` is property text of ours, `sysFlag` bits of ours. The message was checked. */
  async deliver(
    message: OutgoingMessage,
    options: SendOptions,
    extra: string,
    sysFlag: number,
  ): Promise<SendResult> {
    const bytes = message.body.length;
    if (!this.inFlight.tryEnter(bytes)) await this.inFlight.wait(bytes);
    try {
      const { drafts } = this;
      const draft = drafts.staysPlain(message)
        ? drafts.plain(message, extra, sysFlag)
        : await drafts.packed(message, extra, sysFlag);
      const pinned = options === noOptions ? undefined : pinnedBy(options, message);
      const result = await this.delivery.send(draft, this.timeout(options), pinned);
      this.sent += 1;
      return result;
    } catch (error) {
      this.failed += 1;
      throw error;
    } finally {
      this.inFlight.leave(bytes);
    }
  }

  async sendOneWay(message: OutgoingMessage, options: SendOptions): Promise<void> {
    await this.inTurn(message, async () => {
      const draft = await this.draft(message, '');
      const pinned = pinnedBy(options, message);
      await this.delivery.sendOneWay(draft, this.timeout(options), pinned);
    });
  }

  async sendReply(
    message: OutgoingMessage,
    extra: string,
    pinned: Pinned,
    options: SendOptions,
  ): Promise<SendResult> {
    return this.inTurn(message, async () => {
      const draft = { ...(await this.draft(message, extra)), isReply: true };
      return this.delivery.send(draft, this.timeout(options), pinned);
    });
  }

  /** One request for all of them. */
  async sendBatch(messages: readonly OutgoingMessage[], options: SendOptions): Promise<SendResult> {
    return this.sendDraft(this.drafts.batch(messages), messages, options);
  }

  /** As few requests as sizes allow, one after the other. */
  async sendInBatches(
    messages: readonly OutgoingMessage[],
    options: BatchesSendOptions,
  ): Promise<SendResult[]> {
    const { maxBatchBytes = defaultBatchBytes, ...sendOptions } = options;
    const limit = Math.min(maxBatchBytes, this.settings.maxMessageSize);
    const chunks = cutIntoChunks(this.drafts, messages, limit);
    return sendChunks(chunks, (chunk) => this.sendChunk(chunk, sendOptions));
  }

  timeout(options: Pick<SendOptions, 'timeout'>): number {
    return options.timeout === undefined
      ? this.settings.sendTimeout
      : milliseconds(options.timeout, this.settings.sendTimeout);
  }

  /** Sends what was gathered; from now on newcomers are refused. */
  refuseMore(): void {
    this.accumulator?.flush();
    this.inFlight.close();
    this.detector?.close();
  }

  /** Waits at most `deadlineMs` until nothing is on its way; then whoever waits in line fails. */
  async drain(deadlineMs: number): Promise<void> {
    const late = (): Error => {
      const { running, waiting } = this.inFlight;
      return new CloseDeadlineError(`${running} sends and ${waiting} waiting ones had not ended.`);
    };
    try {
      await withDeadline(this.clock, deadlineMs, () => this.inFlight.idle(), late);
    } catch (error) {
      this.logger.warn('The producer closes before all sends ended.', { error });
      this.inFlight.abandon();
    }
  }

  private gathering(): Accumulator {
    const { batchMaxDelay, batchMaxBytes, totalBatchMaxBytes, maxMessageSize } = this.settings;
    const maxBytes = Math.min(batchMaxBytes, maxMessageSize);
    const bounds = { maxDelay: batchMaxDelay, maxBytes, maxHeld: totalBatchMaxBytes };
    return new Accumulator(this.clock, this.drafts, bounds, (chunk, options) =>
      this.sendChunk(chunk, options),
    );
  }

  /** A chunk of one message goes as that message, so that it may be compressed. */
  private async sendChunk(chunk: Chunk, options: SendOptions): Promise<readonly SendResult[]> {
    const { messages, parts } = chunk;
    const [first] = messages;
    if (first !== undefined && messages.length === 1) {
      return [await this.deliver(first, options, '', 0)];
    }
    const draft = this.drafts.ofParts(messages, parts);
    const result = await this.sendDraft(draft, messages, options);
    const keys = parts.map(({ key }) => key);
    return splitResult(result, keys);
  }

  private sendDraft(
    draft: Draft,
    messages: readonly OutgoingMessage[],
    options: SendOptions,
  ): Promise<SendResult> {
    const pinned = pinnedBy(options, messages[0] as OutgoingMessage);
    return this.inTurn(draft, () => this.delivery.send(draft, this.timeout(options), pinned));
  }

  /** Waits until the message may be under way and counts it while it is. */
  private async inTurn<T>({ body }: { body: Uint8Array }, send: () => Promise<T>): Promise<T> {
    if (!this.inFlight.tryEnter(body.length)) await this.inFlight.wait(body.length);
    try {
      const result = await send();
      this.sent += 1;
      return result;
    } catch (error) {
      this.failed += 1;
      throw error;
    } finally {
      this.inFlight.leave(body.length);
    }
  }

  private draft(message: OutgoingMessage, extra: string): Draft | Promise<Draft> {
    const { drafts } = this;
    return drafts.staysPlain(message)
      ? drafts.plain(message, extra, 0)
      : drafts.packed(message, extra, 0);
  }
}
