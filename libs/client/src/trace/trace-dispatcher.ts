import {
  Deferred,
  DeadlineError,
  messageOf,
  withDeadline,
  type Clock,
  type Logger,
  type Timer,
} from '@nestjs-rocketmq/foundation';
import { maxPropertiesBytes, SystemTopic } from '@nestjs-rocketmq/message';
import type { ClientInstance } from '../client-instance.js';
import { Delivery } from '../producer/delivery.js';
import { propertiesOf } from '../producer/draft.js';
import { encodeTrace, type TraceRecord } from './trace-record.js';

/** Records that wait at most, as in Java; further ones are dropped and counted. */
const mostWaiting = 2048;
/** A record waits no longer than this for others. */
const longestWait = 5_000;
const sendTimeout = 5_000;
const retries = 2;
/** Trace messages under way at once; Java has as many threads. */
const mostUnderWay = 4;
/** Bytes of a trace message. */
const mostBytes = 128_000;
/** Bytes of its keys; the rest of the properties are ours and short. */
const mostKeyBytes = maxPropertiesBytes - 1_000;

/** How and where to a group traces. */
export interface TraceSettings {
  readonly group: string;
  readonly traceTopic: string;
  /** Records in one message at most. */
  readonly traceMsgBatchNum: number;
}

/** What became of trace records. */
export interface TraceStatistics {
  /** Stored by a broker. */
  readonly sent: number;
  /** Not taken because too many waited already, or left over at the close. */
  readonly dropped: number;
  /** In trace messages that could not be sent. */
  readonly failed: number;
  /** Not sent yet. */
  readonly waiting: number;
}

/** Trace records on their way into one message. */
class Letter {
  readonly keys = new Set<string>();
  text = '';
  count = 0;
  private bytes = 0;
  private keyBytes = 0;

  /** Answers false when the record belongs into the next letter. */
  add(record: TraceRecord, most: number): boolean {
    const text = encodeTrace(record);
    const size = Buffer.byteLength(text);
    const ids = [record.msgId];
    const words = 'keys' in record && record.keys !== undefined ? record.keys.split(' ') : [];
    const keySize = sizeOf(ids) + sizeOf(words);
    const isFull =
      this.count >= most || this.bytes + size > mostBytes || this.keyBytes + keySize > mostKeyBytes;
    if (isFull && this.count > 0) return false;
    this.text += text;
    this.bytes += size;
    this.count += 1;
    // What has more keys than a message can carry is found by its id only.
    const all = isFull ? ids : [...ids, ...words];
    this.keyBytes += sizeOf(all);
    for (const key of all) if (key !== '') this.keys.add(key);
    return true;
  }
}

const sizeOf = (words: readonly string[]): number =>
  words.reduce((sum, word) => sum + Buffer.byteLength(word) + 1, 0);

/**
 * Brings trace records to the trace topic, several in a message. It never makes anybody wait and
 * never fails: what is too much, or cannot be sent, is counted and told in the log.
 */
export class TraceDispatcher {
  private readonly clock: Clock;
  private readonly logger: Logger;
  private readonly delivery: Delivery;
  private waiting: TraceRecord[] = [];
  private underWay = 0;
  private timer: Timer | undefined;
  private isClosed = false;
  /** What waits has waited long enough, however little it is. */
  private isDue = false;
  private isFailing = false;
  private idle: Deferred<void> | undefined;
  private sent = 0;
  private dropped = 0;
  private failed = 0;

  constructor(
    private readonly instance: ClientInstance,
    private readonly settings: TraceSettings,
    side: 'PRODUCE' | 'CONSUME',
  ) {
    this.clock = instance.clock;
    this.logger = instance.logger.child(settings.group);
    this.delivery = new Delivery(instance, {
      group: `_INNER_TRACE_PRODUCER-${settings.group}-${side}`,
      retries,
      retryWhenNotStoreOk: false,
      template: { topic: SystemTopic.AUTO_CREATE, queues: 4 },
    });
  }

  get statistics(): TraceStatistics {
    const { sent, dropped, failed } = this;
    return { sent, dropped, failed, waiting: this.waiting.length };
  }

  /** True for the topic of the traces itself, which is not traced. */
  isTraceTopic(topic: string): boolean {
    return topic.startsWith(this.settings.traceTopic);
  }

  /** ms since 1970. */
  now(): number {
    return this.clock.now();
  }

  append(record: TraceRecord): void {
    if (this.isClosed || this.waiting.length >= mostWaiting) {
      this.dropped += 1;
      return;
    }
    this.waiting.push(record);
    this.timer ??= this.clock.after(longestWait, () => {
      this.isDue = true;
      this.send();
    });
    this.send();
  }

  /** Sends what waits; ends within `deadlineMs`, also when no broker is there. */
  async close(deadlineMs: number): Promise<void> {
    if (this.isClosed) return;
    this.isClosed = true;
    this.timer?.cancel();
    this.send();
    if (this.underWay === 0 && this.waiting.length === 0) return;
    const idle = (this.idle = new Deferred<void>());
    const time = Math.min(deadlineMs, sendTimeout);
    const late = (): DeadlineError => new DeadlineError('The last traces were not sent in time.');
    try {
      await withDeadline(this.clock, time, () => idle.promise, late);
    } catch (error) {
      const records = this.waiting.length;
      this.logger.warn('The last traces could not be sent.', { records, error: messageOf(error) });
      this.dropped += records;
      this.waiting = [];
    }
  }

  /** Makes letters as long as there is something for one, and room on the way. */
  private send(): void {
    const least = this.isClosed || this.isDue ? 1 : this.settings.traceMsgBatchNum;
    while (this.underWay < mostUnderWay && this.waiting.length >= least) {
      const letter = new Letter();
      let at = 0;
      for (const record of this.waiting) {
        if (!letter.add(record, this.settings.traceMsgBatchNum)) break;
        at += 1;
      }
      this.waiting = this.waiting.slice(at);
      void this.bring(letter);
    }
    if (this.waiting.length > 0) return;
    this.isDue = false;
    this.timer?.cancel();
    this.timer = undefined;
  }

  /** Never rejects. */
  private async bring(letter: Letter): Promise<void> {
    this.underWay += 1;
    try {
      const { traceTopic: topic } = this.settings;
      const body = Buffer.from(letter.text);
      const uniqueKey = this.instance.uniqueKeys.next();
      const properties = propertiesOf({ topic, body, keys: [...letter.keys] }, uniqueKey);
      const draft = { topic, body, flag: 0, sysFlag: 0, properties, uniqueKey, isBatch: false };
      await this.delivery.send(draft, sendTimeout);
      this.sent += letter.count;
      this.isFailing = false;
    } catch (error) {
      this.failed += letter.count;
      this.tell(error);
    } finally {
      this.underWay -= 1;
      this.send();
      if (this.underWay === 0 && this.waiting.length === 0) this.idle?.resolve();
    }
  }

  /** Once for a series of failures. */
  private tell(error: unknown): void {
    if (this.isFailing) return;
    this.isFailing = true;
    this.logger.warn(
      `Traces cannot be sent to '${this.settings.traceTopic}'; messages are sent and consumed all the ` +
        "same. Look whether the topic exists (setting 'traceTopicEnable' of the brokers).",
      { error: messageOf(error) },
    );
  }
}
