import { messageOf, ResourceStack, type Span } from '@nestjs-rocketmq/foundation';
import {
  appendRecordChecksum,
  checksumBytesOf,
  maxPropertiesBytes,
  propertiesLength,
  type RecordDraft,
  recordSize,
  standsInQueue,
  withoutChecksum,
  writeRecord,
} from '@nestjs-rocketmq/message';
import type { ConsumeQueue } from './consume-queue/consume-queue.js';
import type { StoreGate } from './gate.js';
import type { Found } from './found.js';
import type { FindLimits, TimeBoundary } from './read-messages.js';
import { type MessageQuery, queryMessages, type QueryResult } from './query-messages.js';
import { Publisher, type QueueArrival } from './publisher.js';
import type { StoreFigures } from './store-figures.js';
import type { StoreOptions } from './store-options.js';
import { StoreClosedError, StoreFailedError, StoreFullError } from './store.errors.js';
import { illegal, writeError } from './append-errors.js';
import { Retention } from './retention/retention.js';
import {
  keepDamagedOffsets,
  type OpenStore,
  openParts,
  readerLimits,
  type StoreParts,
} from './store-parts.js';
import { TurnTimes, type TurnStored } from './turn-times.js';

/** Where an appended message lies; one object per store, reused by the next `append`. */
export interface Placed {
  /** Byte position in the log. */
  readonly position: number;
  /** Offset in its queue; 0 for prepared and rolled back messages, which stand in none. */
  readonly queueOffset: number;
  /** Bytes of the record. */
  readonly size: number;
  readonly storeTimestamp: number;
}

/** How long a full disk is not tried again. */
const fullPause = 1000;
/** While entries cannot be written, so many slots of 64 may pile up in memory (65 MB). */
const mostSlots = 51_200;
const noLimits: FindLimits = {};

/**
 * The messages of a broker: a log and its queues, in Apache's file formats.
 *
 * `append` only takes a message in: at the end of the turn everything taken in is written at once,
 * then becomes visible (with SYNC_FLUSH: once it is durable). When that write fails nothing of the
 * turn was stored, and `gate` tells whoever has answers to take back.
 */
export class MessageStore {
  private readonly placed = { position: 0, queueOffset: 0, size: 0, storeTimestamp: 0 };
  private readonly resources = new ResourceStack();
  private readonly publisher: Publisher;
  private readonly times: TurnTimes;
  private readonly retention: Retention;
  private readonly hasChecksum: boolean;
  private isTurnOpen = false;
  /** Why this turn cannot be written any more. */
  private turnError: unknown;
  private fullUntil = 0;
  private lastWrite = 0;
  private isClosed = false;
  private failure: StoreFailedError | undefined;
  private readonly failureListeners: ((error: Error) => void)[] = [];

  private constructor(
    private readonly given: OpenStore,
    private readonly parts: StoreParts,
  ) {
    this.hasChecksum = parts.options.enabledAppendPropCRC;
    this.publisher = new Publisher({
      ...parts,
      clock: given.clock,
      logger: given.logger,
      turn: given.turn,
      onFailed: (error) => this.fail('What was written could not be made durable', error),
    });
    this.times = new TurnTimes(given.clock, this.publisher);
    this.resources.defer(() => parts.close());
    this.resources.defer(given.turn.onEnd('write', () => this.writeTurn()));
    this.resources.defer(given.turn.onEnd('publish', () => this.publisher.publish()));
    this.retention = new Retention({ ...given, ...parts }, (isFull) => {
      this.fullUntil = isFull ? Number.MAX_VALUE : 0;
    });
  }

  /**
   * Takes the folder, recovers what is in it, and answers a store that is ready; or closes all it
   * opened and throws: `FileLockedError`, `StoreFolderError`, `StoreCorruptError`, `OptionsError`.
   */
  static async open(given: OpenStore): Promise<MessageStore> {
    const parts = openParts(given);
    await keepDamagedOffsets(parts);
    return new MessageStore(given, parts);
  }

  /** The gate that answers to sends leave through. */
  get gate(): StoreGate {
    return this.publisher;
  }

  /** How many milliseconds the log took for this turn; 0 when nothing was written. */
  get writeMillis(): number {
    return this.lastWrite;
  }

  /** Why the store has stopped, or undefined. Reading goes on. */
  get failed(): Error | undefined {
    return this.failure;
  }

  /**
   * A copy of the last record that was there when the store was opened after a crash. What was to
   * follow it in the same turn may be lost.
   */
  lastRecordBeforeCrash(): Uint8Array | undefined {
    const { lastRecord } = this.parts;
    return lastRecord === undefined ? undefined : this.readRecord(lastRecord);
  }

  /** Called once, when the store stops because of a failure. */
  onFailure(listener: (error: Error) => void): void {
    this.failureListeners.push(listener);
  }

  /** The store timestamp of messages that are appended in this turn. */
  get turnTime(): number {
    if (!this.isTurnOpen) this.openTurn();
    return this.placed.storeTimestamp;
  }

  /**
   * Takes a message in; everything in the draft is copied at once. Throws `MessageIllegalError`,
   * `StoreFullError`, `StoreWriteError`, `StoreClosedError` or `StoreFailedError`.
   */
  append(draft: RecordDraft): Placed {
    if (this.isClosed || this.failure !== undefined || this.fullUntil !== 0) this.refuse();
    const { log, queues } = this.parts;
    const queue = queues.get(draft.topic, draft.queueId);
    const topic = queue.topicBytes;
    const { hasChecksum } = this;
    if (hasChecksum) draft = withoutChecksum(draft);
    const tail = hasChecksum ? checksumBytesOf(draft) : 0;
    const size = recordSize(draft, topic.length) + tail;
    if (size > log.longestRecord || propertiesLength(draft) + tail > maxPropertiesBytes) {
      throw illegal(draft, size, tail, log.longestRecord);
    }
    if (!this.isTurnOpen) this.openTurn();
    if (this.turnError !== undefined) throw writeError(this.turnError);
    try {
      log.reserve(size);
    } catch (error) {
      // Parts of this turn may be on the disk already: all of it fails together, at its end.
      this.turnError = error;
      throw writeError(error);
    }
    const { placed } = this;
    const stands = standsInQueue(draft.sysFlag);
    placed.position = log.appended;
    placed.queueOffset = stands ? queue.next : 0;
    placed.size = size;
    writeRecord(log.staging, log.data, log.stagingOffset, draft, topic, placed);
    if (hasChecksum) {
      appendRecordChecksum(log.staging, log.data, log.stagingOffset, size - tail, draft);
    }
    let { tagsCode } = draft;
    if (stands && queue.extension !== undefined) {
      tagsCode = queue.extension.extend(draft, placed.storeTimestamp, log, size - tail);
    }
    log.take(size);
    this.times.took(size);
    if (this.parts.index.isOn) {
      this.parts.index.stage(queue.keySeed, draft, placed.position, placed.storeTimestamp);
    }
    if (stands) this.publisher.stage(queue, placed.position, size, tagsCode);
    return placed;
  }

  /** The queue, made when it is not there; its files come with its first message. */
  queue(topic: string, queueId: number): ConsumeQueue {
    return this.parts.queues.get(topic, queueId);
  }

  findQueue(topic: string, queueId: number): ConsumeQueue | undefined {
    return this.parts.queues.find(topic, queueId);
  }

  queuesOf(topic: string): ConsumeQueue[] {
    return this.parts.queues.of(topic);
  }

  /** Topics that have a queue, in no order. */
  topics(): string[] {
    return this.parts.queues.topics();
  }

  /**
   * Removes the queues of a topic with their files. The log keeps its records until they expire,
   * but they do not come back, not after a crash either.
   */
  deleteTopic(topic: string): void {
    this.parts.deleted.add(topic, this.parts.log.appended, this.parts.log.start);
    for (const queue of this.queuesOf(topic)) this.parts.writer.forget(queue);
    this.parts.queues.delete(topic);
  }

  /** Removes log files that have expired, and what leads only to them, at whatever hour it is. */
  removeExpired(): void {
    this.retention.ask();
  }

  /** Removes queues all of whose messages are gone, where `isUsed` denies. Answers how many. */
  removeEmptyQueues(isUsed: (queue: ConsumeQueue) => boolean): number {
    const { queues, writer } = this.parts;
    const gone = Array.from(queues.all()).filter(
      (queue) => queue.next > 0 && queue.min >= queue.next && !isUsed(queue),
    );
    for (const queue of gone) {
      writer.forget(queue);
      queues.remove(queue);
    }
    return gone.length;
  }

  /**
   * Looks for messages from an offset on. The answer is reused by the next `find`.
   * Throws `StoreCorruptError` when the queue cannot be read.
   */
  find(queue: ConsumeQueue, from: number, maxCount: number, limits = noLimits): Found {
    return this.parts.reader.find(queue, from, maxCount, limits);
  }

  /** Copies what `find` found; `into` has at least `found.bytes` bytes. */
  read(found: Found, into: Span): void {
    this.parts.reader.read(found, into);
  }

  /** The record at a log position where it was read; only good until the store reads again. */
  lookAt(position: number): Span | undefined {
    return this.parts.reader.lookAt(position);
  }

  /** A copy of the record at a log position, or undefined when none stands there. */
  readRecord(position: number): Uint8Array | undefined {
    return this.parts.reader.readRecord(position);
  }

  /** A copy of the record at a queue offset, or undefined when there is none that is visible. */
  readRecordAt(queue: ConsumeQueue, queueOffset: number): Uint8Array | undefined {
    return this.parts.reader.readRecordAt(queue, queueOffset);
  }

  /** Does a message lie further back than what memory is likely to hold? */
  isFarBehind(queue: ConsumeQueue, queueOffset: number): boolean {
    return this.parts.reader.isFarBehind(queue, queueOffset);
  }

  /** Store time of the message at an offset, or undefined when there is none. */
  storeTimeAt(queue: ConsumeQueue, queueOffset: number): number | undefined {
    return this.parts.reader.storeTimeAt(queue, queueOffset);
  }

  /** The offset of a store time, see `MessageReader.offsetByTime`. */
  offsetByTime(queue: ConsumeQueue, timestamp: number, boundary: TimeBoundary = 'LOWER'): number {
    return this.parts.reader.offsetByTime(queue, timestamp, boundary);
  }

  /** Messages that have a key, or a tag. */
  query(wanted: MessageQuery): QueryResult {
    const { log } = this.parts;
    const end = this.publisher.waits ? log.durable : log.written;
    return queryMessages(this.parts, wanted, end);
  }

  /** Calls `listener` whenever messages of a queue become visible, in that very turn. */
  onArrival(listener: QueueArrival): void {
    this.publisher.onArrival(listener);
  }

  /** Calls `listener` when the messages of a turn may be acknowledged. */
  onTurnStored(listener: TurnStored): void {
    this.times.listen(listener);
  }

  /** Other values for options that need no restart; they hold from now on. */
  reconfigure(changes: Partial<StoreOptions>): void {
    const { options, reader } = this.parts;
    Object.assign(options, changes);
    reader.limit(readerLimits(options));
  }

  /** Resolves when everything appended up to now is durable; rejects when it is not. */
  async flush(): Promise<void> {
    if (this.failure !== undefined) throw this.failure;
    await this.publisher.flush();
  }

  /** What the store can tell about itself. Positions and sizes in bytes. */
  figures(): StoreFigures {
    const { log, writer, arena, handles, wasAborted } = this.parts;
    return {
      minPosition: log.start,
      appended: log.appended,
      written: log.written,
      durable: log.durable,
      queuesWithUnwrittenEntries: writer.waitingQueues,
      slotsOfUnwrittenEntries: arena.slotsInUse,
      openQueueFiles: handles.size,
      wasAborted,
    };
  }

  /**
   * Writes and syncs everything, moves the checkpoint and leaves the folder as a good close does.
   * A failed store is only let go of, so that the next open recovers it.
   */
  async close(): Promise<void> {
    if (this.isClosed) return this.resources.close();
    if (this.isTurnOpen) this.given.turn.end();
    this.isClosed = true;
    this.retention.close();
    try {
      await this.publisher.close(this.failure === undefined);
      if (this.failure === undefined) this.parts.directory.markClosed();
    } finally {
      await this.resources.close();
    }
  }

  private openTurn(): void {
    this.isTurnOpen = true;
    this.placed.storeTimestamp = this.given.clock.now();
    this.times.turnBegan();
    this.given.turn.ask();
  }

  private writeTurn(): void {
    this.lastWrite = 0;
    if (!this.isTurnOpen) return;
    this.isTurnOpen = false;
    const { log } = this.parts;
    try {
      if (this.turnError !== undefined) throw this.turnError;
      const began = this.given.clock.monotonic();
      log.write();
      this.lastWrite = this.given.clock.monotonic() - began;
      this.publisher.turnWritten(this.placed.storeTimestamp);
      this.times.turnWritten();
      const { writer, arena } = this.parts;
      if (writer.problem !== undefined && arena.slotsInUse > mostSlots) this.pause();
    } catch (error) {
      this.turnError = undefined;
      this.failTurn(error);
    }
  }

  /** Nothing of the turn stays, in the log or in the queues, and its answers become failures. */
  private failTurn(cause: unknown): void {
    const error = writeError(cause);
    this.given.logger.error('The commit log could not be written', { error: messageOf(cause) });
    if (error instanceof StoreFullError) this.pause();
    try {
      this.parts.log.rewind();
    } catch (second) {
      this.fail('A failed write could not be taken back', second);
    }
    this.publisher.turnFailed(error);
  }

  private pause(): void {
    this.fullUntil = Math.max(this.fullUntil, this.given.clock.monotonic() + fullPause);
  }

  private refuse(): void {
    if (this.failure !== undefined) throw this.failure;
    if (this.isClosed) throw new StoreClosedError('The store is closed.');
    if (this.given.clock.monotonic() < this.fullUntil) {
      throw new StoreFullError('The disk of the store is full.', { retriable: true });
    }
    this.fullUntil = 0;
  }

  private fail(sentence: string, cause: unknown): void {
    if (this.failure !== undefined) return;
    this.failure = new StoreFailedError(
      `${sentence} (${messageOf(cause)}); the store has stopped. Check the disk, then start again.`,
      { cause },
    );
    this.given.logger.error(this.failure.message);
    this.publisher.storeFailed(this.failure);
    for (const listener of this.failureListeners) listener(this.failure);
  }
}
