import { type Clock, type Logger, type Timer, viewOf } from '@nestjs-rocketmq/foundation';
import {
  PropertyName,
  recordSize,
  StoredMessage,
  SystemTopic,
  writeRecord,
} from '@nestjs-rocketmq/message';
import { CheckTransactionState } from '@nestjs-rocketmq/protocol';
import type { MessageStore } from '@nestjs-rocketmq/store';
import type { ClientDirectory } from '../membership/client-directory.js';
import { MessageDraft, type StoreHost } from '../send/message-draft.js';
import type { TopicTable } from '../topics/topic-table.js';
import type { CheckCounts } from './check-counts.js';
import type { HalfMessages } from './half-messages.js';

export interface CheckParts {
  readonly store: MessageStore;
  readonly halves: HalfMessages;
  readonly counts: CheckCounts;
  readonly clients: ClientDirectory;
  readonly topics: TopicTable;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly place: StoreHost;
  readonly options: {
    readonly brokerName: string;
    readonly transactionTimeOut: number;
    readonly transactionCheckInterval: number;
    readonly transactionCheckMax: number;
  };
}

type Verdict = 'gone on' | 'round over';

/** Half messages looked at in one go; between two goes others have their turn. */
const looksAtATime = 200;

/**
 * Asks producers about half messages that nobody decided: any living producer of the group, a
 * different one each time. After `transactionCheckMax` questions a half is given up and put into
 * TRANS_CHECK_MAX_TIME_TOPIC. How often each was asked lies beside the halves (Java puts the half
 * anew with a counter each time), so a half keeps its place and a late decision of its sender still
 * finds it.
 */
export class TransactionCheckService {
  private readonly draft: MessageDraft;
  private timer: Timer | undefined;
  /** Between two rounds. */
  private isWaiting = false;

  constructor(private readonly parts: CheckParts) {
    this.draft = new MessageDraft(parts.place);
  }

  open(): void {
    const { clock, options } = this.parts;
    this.isWaiting = true;
    this.timer = clock.after(options.transactionCheckInterval, () => this.round());
  }

  /** `transactionCheckInterval` was changed: the time until the next round begins anew. */
  intervalChanged(): void {
    if (!this.isWaiting) return;
    this.timer?.cancel();
    this.open();
  }

  close(): void {
    this.isWaiting = false;
    this.timer?.cancel();
  }

  /** The questions about a half begin anew. */
  resume(halfOffset: number): void {
    this.parts.counts.set(halfOffset, 0);
  }

  private round(): void {
    this.isWaiting = false;
    const { halves, counts } = this.parts;
    counts.forget((offset) => halves.isDecided(offset));
    this.go(halves.low, halves.queue.visible);
  }

  private go(from: number, end: number): void {
    const { clock, halves, logger } = this.parts;
    let looks = 0;
    for (let offset = from; offset < end; offset += 1) {
      if (halves.isDecided(offset)) continue;
      if (looks === looksAtATime) {
        this.timer = clock.after(0, () => this.go(offset, end));
        return;
      }
      looks += 1;
      try {
        if (this.look(offset) === 'round over') break;
      } catch (error) {
        logger.warn('a half message could not be checked', { offset, error });
      }
    }
    this.open();
  }

  private look(offset: number): Verdict {
    const { store, halves, counts, clock, options } = this.parts;
    const record = store.readRecordAt(halves.queue, offset);
    if (record === undefined) {
      halves.forget(offset);
      return 'gone on';
    }
    const half = new StoredMessage(record);
    const immunity = immunityOf(half);
    const age = clock.now() - half.storeTimestamp;
    if (age < (immunity ?? options.transactionTimeOut)) {
      // What follows is younger; only a half with its own time says nothing about the others.
      return immunity === undefined ? 'round over' : 'gone on';
    }
    const times = counts.of(offset) ?? timesOf(half);
    if (times >= options.transactionCheckMax) this.giveUp(offset, half, record);
    else {
      counts.set(offset, times + 1);
      this.ask(half, record, times + 1);
    }
    return 'gone on';
  }

  private ask(half: StoredMessage, record: Uint8Array, times: number): void {
    const { clients, logger, options } = this.parts;
    const group = half.property(PropertyName.PRODUCER_GROUP) ?? '';
    const producer = clients.someProducer(group);
    if (producer === undefined) {
      logger.debug('nobody of a producer group is here to be asked', { group });
      return;
    }
    producer.peer.notify(
      CheckTransactionState,
      {
        topic: half.topic,
        tranStateTableOffset: half.queueOffset,
        commitLogOffset: half.logPosition,
        msgId: half.property(PropertyName.UNIQUE_KEY),
        transactionId: half.property(PropertyName.UNIQUE_KEY),
        offsetMsgId: half.offsetMsgId,
        brokerName: options.brokerName,
      },
      { body: this.asSent(half, record, times) },
    );
  }

  /** The half as its sender knows it, with its real topic and queue; and how often it was asked. */
  private asSent(half: StoredMessage, record: Uint8Array, times: number): Uint8Array {
    const { draft } = this;
    draft.copy(record);
    draft.rewriteProperties({ [PropertyName.TRANSACTION_CHECK_TIMES]: String(times) });
    draft.topic = half.property(PropertyName.REAL_TOPIC) ?? half.topic;
    draft.queueId = Number(half.property(PropertyName.REAL_QUEUE_ID) ?? 0);
    const topic = new TextEncoder().encode(draft.topic);
    const bytes = new Uint8Array(recordSize(draft, topic.length));
    const { queueOffset, logPosition: position, storeTimestamp } = half;
    const place = { queueOffset, position, storeTimestamp };
    writeRecord(bytes, viewOf(bytes), 0, draft, topic, place);
    return bytes;
  }

  private giveUp(offset: number, half: StoredMessage, record: Uint8Array): void {
    const { store, halves, topics, clock, logger } = this.parts;
    const { draft } = this;
    draft.copy(record);
    draft.topic = topics.ensure(SystemTopic.TRANSACTION_GIVEN_UP, 1).name;
    draft.queueId = 0;
    store.append(draft);
    halves.decide(offset, half.property(PropertyName.REAL_TOPIC) ?? '', clock.now());
    logger.warn('a half message was given up: nobody decided it in all its checks', {
      topic: half.property(PropertyName.REAL_TOPIC),
      group: half.property(PropertyName.PRODUCER_GROUP),
      message: half.msgId,
      to: SystemTopic.TRANSACTION_GIVEN_UP,
    });
  }
}

/** The sender's own time before the first check, ms; undefined when it named none. */
function immunityOf(half: StoredMessage): number | undefined {
  const text = half.property(PropertyName.CHECK_IMMUNITY_TIME_IN_SECONDS);
  const seconds = text === undefined ? -1 : Number(text);
  return Number.isFinite(seconds) && seconds >= 0 ? seconds * 1000 : undefined;
}

/** How often a Java broker asked about the half before it came to us. */
function timesOf(half: StoredMessage): number {
  const times = Number(half.property(PropertyName.TRANSACTION_CHECK_TIMES) ?? 0);
  return Number.isInteger(times) ? times : 0;
}
