import type { LitePullConsumer } from '@nestjs-rocketmq/client';
import { parseDuration, withDeadline, type Clock } from '@nestjs-rocketmq/foundation';
import { queueKey, type MessageQueue, type StoredMessage } from '@nestjs-rocketmq/message';
import type { PullPort } from '../client-port.js';
import type { MessageConverters } from '../converter/message-converters.js';
import { RocketMQClosedError, RocketMQReceiveError } from '../nestjs.errors.js';
import type { Duration } from '../options/duration.js';
import { RocketMQContext } from '../rocketmq.context.js';
import type { PullSettings } from './pull-options.js';
import { ReceivedMessage, ReceivedMessages } from './received-messages.js';

/** Options of `receive`. */
export interface ReceiveOptions {
  /** How many messages at most. Default `pullBatchSize`. */
  readonly max?: number;
  /** How long to wait for the first one; 0 does not wait. Default `pollTimeout`. */
  readonly timeout?: Duration;
}

/** What a pull consumer stands on. */
export interface PullBackend {
  readonly name: string;
  readonly connection: string;
  readonly settings: PullSettings;
  readonly converters: MessageConverters;
  readonly clock: Clock;
  open(): PullPort;
}

/** A message that was fetched and not handed out. */
interface Pulled {
  readonly message: StoredMessage;
  readonly queue: MessageQueue;
  /** Where the group stands in the queue when this message is done. */
  readonly next: number;
}

/** Where a pull consumer is; those that read it by different converters share it. */
class PullState {
  readonly pending: Pulled[] = [];
  readonly stood = new Map<string, number>();
  readonly stopping = new AbortController();
  port: PullPort | undefined;
  starting: Promise<PullPort> | undefined;
  inHand = 0;
  released: () => void = () => undefined;
}

/**
 * A consumer that is asked for messages. Used as an async iterable it gives message after message
 * and counts one as processed when the next one is asked for: what a loop was working on when it
 * was left, by `break` or an error, comes again, here or after a restart. The loop ends when the
 * application closes, which waits for the message in hand.
 *
 * @example
 * ```ts
 * for await (const { payload } of template.pullConsumer<Order>('audit')) await store(payload);
 * ```
 */
export class RocketMQPullConsumer<T = unknown> implements AsyncIterable<ReceivedMessage<T>> {
  /** @internal */
  constructor(
    private readonly backend: PullBackend,
    private readonly state = new PullState(),
  ) {}

  get name(): string {
    return this.backend.name;
  }

  get group(): string {
    return this.backend.settings.group;
  }

  /** The client's own consumer, for seeking, pausing and the rest. Throws `RocketMQClosedError`. */
  get native(): LitePullConsumer {
    const native = this.isClosed ? undefined : this.state.port?.native;
    if (native !== undefined) return native;
    throw new RocketMQClosedError(`The pull consumer '${this.name}' is not running.`);
  }

  /** Joins the group; done with the application, or at the first use. Harmless when repeated. */
  async start(): Promise<void> {
    await this.started();
  }

  /**
   * The next messages, as soon as there are some, none after `timeout`. They count as processed
   * only when they are committed. Rejects with `RocketMQReceiveError` or `RocketMQClosedError`.
   */
  async receive({ max, timeout, ...others }: ReceiveOptions = {}): Promise<ReceivedMessages<T>> {
    const { pullBatchSize, pollTimeout } = this.backend.settings;
    const most = max ?? pullBatchSize;
    const [other] = Object.keys(others);
    if (other !== undefined || !Number.isInteger(most) || most < 1) {
      const known = "'max' is a whole number from 1, 'timeout' a time; there is no other option";
      throw new RocketMQReceiveError(
        `receive from '${this.name}': ${other ?? 'max'} is wrong: ${known}.`,
        { details: { max, option: other } },
      );
    }
    const wait = timeout === undefined ? pollTimeout : parseDuration(timeout);
    if (wait === undefined) {
      throw new RocketMQReceiveError(
        `receive from '${this.name}': 'timeout' must be milliseconds or a text such as '3s', but is ` +
          `${JSON.stringify(timeout)}.`,
      );
    }
    await this.fill(wait);
    const messages = this.state.pending.splice(0, most).map((one) => this.received(one));
    return new ReceivedMessages(messages, (done) => this.commit(done, true));
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<ReceivedMessage<T>, void, void> {
    await this.started();
    for (;;) {
      const pulled = await this.next();
      if (pulled === undefined) return;
      const message = this.received(pulled);
      let isDone = false;
      this.state.inHand += 1;
      try {
        yield message;
        isDone = true;
      } finally {
        if (!isDone) this.state.pending.unshift(pulled);
        try {
          if (isDone) await this.commit([message], false);
        } finally {
          this.state.inHand -= 1;
          if (this.state.inHand === 0) this.state.released();
        }
      }
    }
  }

  /** @internal The same consumer, whose payloads are read by others. */
  reading(converters: MessageConverters): RocketMQPullConsumer<T> {
    return new RocketMQPullConsumer<T>({ ...this.backend, converters }, this.state);
  }

  /** @internal Ends loops, waits for what they have in hand, leaves the group. */
  async close(): Promise<void> {
    if (this.isClosed) return;
    this.state.stopping.abort();
    const { clock, settings } = this.backend;
    const port = await this.state.starting?.catch(() => undefined);
    if (port === undefined) return;
    const late = new Error('late');
    const idle = async (): Promise<void> => {
      if (this.state.inHand > 0)
        await new Promise<void>((resolve) => (this.state.released = resolve));
    };
    try {
      await withDeadline(clock, settings.shutdownTimeout, idle, () => late);
    } catch (error) {
      // Its message was not committed and comes again.
      if (error !== late) throw error;
    }
    await port.close(settings.shutdownTimeout);
  }

  private get isClosed(): boolean {
    return this.state.stopping.signal.aborted;
  }

  private started(): Promise<PullPort> {
    if (this.isClosed) {
      const sentence =
        `The pull consumer '${this.name}' was used after the application was closed; receive before ` +
        'app.close().';
      return Promise.reject(new RocketMQClosedError(sentence));
    }
    this.state.starting ??= this.open().catch((error: unknown) => {
      this.state.starting = undefined;
      throw error;
    });
    return this.state.starting;
  }

  private async open(): Promise<PullPort> {
    const port = this.backend.open();
    await port.start();
    this.state.port = port;
    return port;
  }

  /** The next message of a loop; undefined when the application closes. */
  private async next(): Promise<Pulled | undefined> {
    while (!this.isClosed) {
      const message = this.state.pending.shift();
      if (message !== undefined) return message;
      await this.fill(this.backend.settings.pollTimeout).catch((error: unknown) => {
        if (!this.isClosed) throw error;
      });
    }
    return undefined;
  }

  private async fill(wait: number): Promise<void> {
    const port = await this.started();
    if (this.state.pending.length > 0) return;
    const batch = await port.poll(wait);
    if (batch === undefined) return;
    const { queue, messages, offset } = batch;
    const first = messages[0]?.queueOffset ?? offset;
    // Somebody went back in the queue: what counts then is where they went.
    if ((this.state.stood.get(queueKey(queue)) ?? 0) > first)
      this.state.stood.delete(queueKey(queue));
    messages.forEach((message, at) => {
      const next = at === messages.length - 1 ? offset : message.queueOffset + 1;
      this.state.pending.push({ message, queue, next });
    });
  }

  private received({ message, queue, next }: Pulled): ReceivedMessage<T> {
    const { connection, converters } = this.backend;
    const identity = { id: this.name, group: this.group, connection };
    const delivery = { queue, signal: this.state.stopping.signal };
    const context = new RocketMQContext([message], delivery, identity);
    return new ReceivedMessage<T>(context, (one) => converters.decode(one), next);
  }

  /** Never goes back: of two batches the later one may be committed first. */
  private async commit(done: readonly ReceivedMessage<T>[], persist: boolean): Promise<void> {
    const { port } = this.state;
    const offsets = new Map<string, { queue: MessageQueue; offset: number }>();
    for (const { queue, nextOffset: offset } of done) {
      const key = queueKey(queue);
      if (offset <= (this.state.stood.get(key) ?? 0)) continue;
      this.state.stood.set(key, offset);
      offsets.set(key, { queue, offset });
    }
    if (port !== undefined && offsets.size > 0) await port.commit([...offsets.values()], persist);
  }
}
