import { spanOf, type Logger, type Span } from '@nestjs-rocketmq/foundation';
import {
  PropertyName,
  propertyText,
  StoredMessage,
  transactionState,
  SystemTopic,
  tagHash,
  transactionGroup,
} from '@nestjs-rocketmq/message';
import type { ConsumeQueue, MessageStore } from '@nestjs-rocketmq/store';
import type { ConsumerOffsets } from '../offsets/consumer-offsets.js';
import { MessageDraft, type StoreHost } from '../send/message-draft.js';
import type { Topic } from '../topics/topic.js';
import { DecidedHalves, OpProgress } from './decided-halves.js';
import { OpenHalves } from './open-halves.js';

const encoder = new TextEncoder();
const transactionIdName = encoder.encode(`${PropertyName.TRANSACTION_ID}\u0001`);
const opTag = 'd';
/** All halves of a broker lie in one queue, as in Java. */
const halfQueueId = 0;
const opsAtATime = 256;

/**
 * The two hidden topics of transactions. A half message lies in one, at a queue offset; a message in
 * the other, the op message, says that the half at that offset is decided. Apache 4.x writes one
 * number into an op message, 5.x several with commas; we write one and read both.
 *
 * What is known here: which halves are decided. It is built anew at the start from the op messages
 * behind the progress that lies with the consumer offsets of `CID_RMQ_SYS_TRANS`.
 */
export class HalfMessages {
  readonly queue: ConsumeQueue;
  private readonly opQueue: ConsumeQueue;
  private decided = new DecidedHalves(0);
  private ops = new OpProgress(0);
  private readonly open = new OpenHalves();
  /** Decisions of this turn, which a failed write takes back. */
  private fresh: number[] = [];
  private readonly draft: MessageDraft;
  private readonly digits: Span & { to: number } = { ...spanOf(new Uint8Array(20)), to: 0 };

  constructor(
    private readonly store: MessageStore,
    private readonly offsets: ConsumerOffsets,
    private readonly logger: Logger,
    place: StoreHost,
  ) {
    this.draft = new MessageDraft(place);
    this.queue = store.queue(SystemTopic.TRANSACTION_HALF, halfQueueId);
    this.opQueue = store.queue(SystemTopic.TRANSACTION_OP, halfQueueId);
  }

  /** The first half that is not decided. */
  get low(): number {
    return this.decided.low;
  }

  /** Reads what was decided before the start. */
  restore(): void {
    const half = this.progressOf(SystemTopic.TRANSACTION_HALF, this.queue);
    const op = this.progressOf(SystemTopic.TRANSACTION_OP, this.opQueue);
    this.decided = new DecidedHalves(half);
    this.ops = new OpProgress(op);
    for (let at = op; at < this.opQueue.visible; at += opsAtATime) {
      const end = Math.min(at + opsAtATime, this.opQueue.visible);
      for (let offset = at; offset < end; offset += 1) this.readOp(offset);
    }
    this.logger.debug('read the op messages of transactions', { half: this.low, op });
  }

  /**
   * After a power failure the log may end with a committed message whose op message, which comes
   * next, is lost. The half must not be committed again.
   */
  completeLastCommit(now: number): void {
    const last = this.store.lastRecordBeforeCrash();
    if (last === undefined) return;
    const message = new StoredMessage(last);
    const isCommitted = transactionState(message.sysFlag) === 'commit';
    if (!isCommitted || message.topic === SystemTopic.TRANSACTION_HALF) return;
    const bytes = this.store.readRecord(message.preparedTransactionOffset);
    const half = bytes === undefined ? undefined : new StoredMessage(bytes);
    if (half?.topic !== SystemTopic.TRANSACTION_HALF || this.isDecided(half.queueOffset)) return;
    this.logger.info('a commit was cut off by a crash and is completed', { message: half.msgId });
    this.decide(half.queueOffset, message.topic, now);
  }

  /** Turns the draft of a message into that of its half. */
  divert(draft: MessageDraft, topic: Topic, uniqueKey: Span): void {
    draft.addBytes(topic.realPlace(draft.queueId));
    if (uniqueKey.to > uniqueKey.from) draft.addSpan(transactionIdName, uniqueKey);
    draft.topic = SystemTopic.TRANSACTION_HALF;
    draft.queueId = halfQueueId;
  }

  /** A half message for a topic was appended. */
  appended(topic: string): void {
    this.open.open(topic);
  }

  /** How many halves of which topics nobody has decided. */
  openByTopic(): ReadonlyMap<string, number> {
    return this.open.byTopic(() => this.topicsOfOpen());
  }

  isDecided(halfOffset: number): boolean {
    return this.decided.has(halfOffset);
  }

  /**
   * Notes that a half of a topic is decided and appends its op message, in the same turn as whatever the
   * decision appends. Throws what `MessageStore.append` throws.
   */
  decide(halfOffset: number, topic: string, now: number): void {
    const { draft } = this;
    draft.begin();
    draft.topic = SystemTopic.TRANSACTION_OP;
    draft.queueId = halfQueueId;
    draft.bornTimestamp = now;
    draft.bornHost = draft.storeHost;
    draft.bornPort = draft.storePort;
    draft.body = this.digits;
    this.digits.to = writeDigits(this.digits.bytes, halfOffset);
    draft.properties = opProperties;
    draft.tagsCode = opTagsCode;
    const placed = this.store.append(draft);
    this.ops.add(placed.queueOffset, halfOffset);
    if (!this.decided.add(halfOffset)) return;
    this.fresh.push(halfOffset);
    this.open.close(topic);
  }

  /** A half whose record is gone for good needs no decision any more. */
  forget(halfOffset: number): void {
    this.decided.add(halfOffset);
    this.open.forget();
  }

  /** The write of the turn went well: its decisions stand. */
  turnWritten(): void {
    if (this.fresh.length > 0) this.fresh = [];
    this.open.turnWritten();
  }

  /** The write of the turn failed: its decisions were not made. */
  turnFailed(): void {
    if (this.fresh.length > 0) this.decided.remove(this.fresh);
    this.fresh = [];
    this.open.turnFailed();
  }

  /** Puts the progress to the consumer offsets; only when what it rests on is durable. */
  async saveProgress(): Promise<void> {
    const half = this.low;
    const op = this.ops.from(half);
    const known = this.offsets.offsetOf(
      transactionGroup,
      SystemTopic.TRANSACTION_HALF,
      halfQueueId,
    );
    if ((known ?? 0) === half) return;
    await this.store.flush();
    this.offsets.commit(transactionGroup, SystemTopic.TRANSACTION_HALF, halfQueueId, half);
    this.offsets.commit(transactionGroup, SystemTopic.TRANSACTION_OP, halfQueueId, op);
  }

  private *topicsOfOpen(): Generator<string> {
    for (let offset = this.low; offset < this.queue.visible; offset += 1) {
      if (this.isDecided(offset)) continue;
      const record = this.store.readRecordAt(this.queue, offset);
      if (record === undefined) continue;
      yield new StoredMessage(record).property(PropertyName.REAL_TOPIC) ?? '';
    }
  }

  private progressOf(topic: string, queue: ConsumeQueue): number {
    const known = this.offsets.offsetOf(transactionGroup, topic, halfQueueId) ?? queue.min;
    return Math.min(Math.max(known, queue.min), queue.visible);
  }

  private readOp(opOffset: number): void {
    const bytes = this.store.readRecordAt(this.opQueue, opOffset);
    if (bytes === undefined) return;
    for (const word of new StoredMessage(bytes).text.split(',')) {
      const halfOffset = Number(word);
      if (word.trim() === '' || !Number.isSafeInteger(halfOffset)) continue;
      this.ops.add(opOffset, halfOffset);
      this.decided.add(halfOffset);
    }
  }
}

const opProperties = spanOf(encoder.encode(propertyText(PropertyName.TAGS, opTag)));
const opTagsCode = tagHash(opTag);

/** Writes a whole number that is not negative in decimal digits; answers how many. */
function writeDigits(bytes: Uint8Array, number: number): number {
  let digits = 1;
  for (let rest = number; rest >= 10; rest = Math.floor(rest / 10)) digits += 1;
  let rest = number;
  for (let at = digits - 1; at >= 0; at -= 1) {
    const next = Math.floor(rest / 10);
    bytes[at] = 0x30 + (rest - next * 10);
    rest = next;
  }
  return digits;
}
