import type { Logger } from '@nestjs-rocketmq/foundation';
import { minRecordBytes, standsInQueue } from '@nestjs-rocketmq/message';
import type { DamagedPart, ScannedRecord } from '../commit-log/recovery.js';
import { TopicTexts } from '../commit-log/topic-texts.js';
import { tagsCodeOf } from '../dispatch-rule.js';
import type { DeletedTopics } from '../files/deleted-topics.js';
import type { ConsumeQueue } from './consume-queue.js';
import { type UnitDraft } from '../formats/extension-unit.js';
import { canBeTopic, type ConsumeQueueTable } from './consume-queue-table.js';
import { entryBytes } from '../formats/consume-queue-entry.js';
import { slotEntries } from './entry-arena.js';
import { QueueDates } from './queue-dates.js';
import { cutQueueAt, cutQueueTo, fillQueueTo, lastEntry } from './queue-recovery.js';

export interface QueueRebuildParts {
  readonly queues: ConsumeQueueTable;
  readonly deleted: DeletedTopics;
  /** First position of the log. */
  readonly logStart: number;
  /** Delay of each level in milliseconds. */
  readonly delays: readonly number[];
  readonly logger: Logger;
}

/** What a queue knew before it was cut: its next offset, and where its last message lay. */
interface Known {
  readonly next: number;
  readonly position: number;
}

/** A record whose queue offset does not go on where its queue is. */
interface Misfit {
  readonly queueOffset: number;
  readonly position: number;
  readonly size: number;
  readonly unit: UnitDraft;
}

/** A misfit that waits for the next record of its queue. */
interface PutAside extends Misfit {
  /** The last damaged part before it was taken for one. */
  readonly damagedBefore: DamagedPart | undefined;
}

interface Claim {
  readonly queue: ConsumeQueue;
  readonly queueOffset: number;
  readonly part: DamagedPart;
}

/**
 * Makes queue entries of log records that are shown in order.
 *
 * A message that is damaged in the log keeps its offset, so that nothing else ever gets it: its
 * entry points to the damaged bytes, which readers recognize and pass over.
 *
 * No checksum covers a record's topic, queue id and queue offset. So a record that does not fit its
 * queue is believed only together with the next one of that queue: a topic that was deleted and
 * came back starts at 0 again, and the younger records hold; a single one is damaged.
 */
export class QueueRebuild {
  private readonly topics = new TopicTexts();
  private readonly known = new Map<ConsumeQueue, Known>();
  private readonly misfits = new Map<ConsumeQueue, PutAside>();
  /** What damaged records say where they belong. */
  private readonly claims: Claim[] = [];
  /** The last part of the log that gave no queue its entry. */
  private damaged: DamagedPart | undefined;
  /** How many messages all such parts had at most. */
  private hidden = 0;
  /** The same when a queue got its last entry; 0 where that was before the first such part. */
  private readonly hiddenBefore = new Map<ConsumeQueue, number>();
  /** Where the log is followed from. */
  private from = 0;
  /** Where queues went on that had nothing but fillers. */
  private readonly filled = new Map<ConsumeQueue, number>();
  /** Queue files lack entries of records before the first that was followed. */
  isIncomplete = false;
  private readonly dates: QueueDates;

  constructor(private readonly parts: QueueRebuildParts) {
    this.dates = new QueueDates(parts.logger);
  }

  /**
   * Cuts all queues back to what lies below `position`. Those that end before it are cut where they
   * end: an earlier cut there may not be durable.
   */
  cutAt(position: number): void {
    this.from = position;
    for (const queue of this.parts.queues.all()) {
      // An attempt before this one may have left entries in memory; they would stay in front.
      flush(queue);
      const last = lastEntry(queue);
      if (last === undefined || last.position < position) cutQueueTo(queue, queue.next);
      else {
        this.known.set(queue, { next: queue.next, position: last.position });
        cutQueueAt(queue, position);
      }
      if (position === this.parts.logStart) this.dropFillers(queue);
    }
  }

  /**
   * Followed from its first record, the log says where a queue begins. Fillers may be from an
   * attempt that began later and did not see the messages in their place.
   */
  private dropFillers(queue: ConsumeQueue): void {
    if (queue.next === 0 || lastEntry(queue) !== undefined) return;
    this.filled.set(queue, queue.next);
    cutQueueTo(queue, 0);
  }

  /** Takes a valid record. */
  follow(record: ScannedRecord): void {
    const queue = this.queueOf(record);
    if (queue === undefined) return;
    const { queueOffset, logPosition: position, size } = record;
    const unit = this.unitOf(record, queue);
    if (queueOffset !== queue.next) {
      const misfit = { queueOffset, position, size, unit };
      if (!this.isConfirmed(queue, misfit) && !this.canGoOnAt(queue, misfit)) {
        return this.putAside(queue, misfit);
      }
    }
    this.misfits.delete(queue);
    this.stage(queue, position, size, unit);
  }

  /** Takes bytes that are no valid record; `claim` is what they say when they are framed as one. */
  passOver(part: DamagedPart, claim: ScannedRecord | undefined): void {
    this.damaged = part;
    const isOne = claim?.size === part.to - part.from;
    this.hidden += isOne ? 1 : Math.ceil((part.to - part.from) / minRecordBytes);
    const queue = claim && this.queueOf(claim);
    // What it says is damaged perhaps; it counts when no whole record says otherwise.
    if (claim !== undefined && queue !== undefined) {
      this.claims.push({ queue, queueOffset: claim.queueOffset, part });
    }
  }

  /** After the last record, when the log ends at `end`. */
  finish(end: number): void {
    for (const [queue, next] of this.filled) if (queue.next === 0) fillQueueTo(queue, next);
    for (const [queue, misfit] of this.misfits) {
      const known = this.known.get(queue);
      const isNew = known === undefined && misfit.queueOffset === 0;
      if (!isNew && known?.next !== misfit.queueOffset + 1) {
        if (queue.next === 0 && queue.files.isEmpty) this.parts.queues.forget(queue);
        continue;
      }
      this.goOnAt(queue, misfit.queueOffset);
      this.stage(queue, misfit.position, misfit.size, misfit.unit);
    }
    for (const { queue, queueOffset, part } of this.claims) {
      const fits = queue.next > 0 && queueOffset === queue.next;
      if (fits) this.stageHole(queue, part.from, part.to - part.from);
      else if (queue.next === 0 && queue.files.isEmpty) this.parts.queues.forget(queue);
    }
    if (this.damaged === undefined) return;
    for (const [queue, known] of this.known) {
      if (known.next > queue.next && known.position < end) this.goOnAt(queue, known.next);
    }
  }

  private queueOf(record: ScannedRecord): ConsumeQueue | undefined {
    if (!standsInQueue(record.sysFlag)) return undefined;
    const { deleted, queues, logger } = this.parts;
    const topic = this.topics.of(record.bytes, record.topicFrom, record.topicTo);
    if (deleted.isGone(topic, record.logPosition)) return undefined;
    const known = queues.find(topic, record.queueId);
    if (known !== undefined) return known;
    if (canBeTopic(topic) && record.queueId >= 0) return queues.get(topic, record.queueId);
    const fields = { topic, queueId: record.queueId, position: record.logPosition };
    logger.warn('A record whose topic cannot be a folder gets no queue', fields);
    return undefined;
  }

  /** Whether a gap before the record is explained: by damage, or by a log that was shortened. */
  private canGoOnAt(queue: ConsumeQueue, { queueOffset, position }: Misfit): boolean {
    const holes = queueOffset - queue.next;
    // Each message ever has taken that much of the log.
    if (holes < 0 || queueOffset > position / minRecordBytes) return false;
    const { damaged } = this;
    const last = lastEntryFlushed(queue);
    // Only whoever follows the log from its first record knows that there are no more of the queue.
    const { logStart } = this.parts;
    const isShortened = last === undefined && logStart > 0 && this.from === logStart;
    // A queue that seems to be empty may have messages before the first that was followed.
    const isDamaged =
      damaged !== undefined &&
      (last !== undefined || this.from === logStart) &&
      damaged.from > (last?.position ?? -1) &&
      holes <= this.hidden - (this.hiddenBefore.get(queue) ?? 0);
    if (isShortened || isDamaged) this.goOnAt(queue, queueOffset);
    return isShortened || isDamaged;
  }

  /** Whether it follows the one that was put aside; then both hold. */
  private isConfirmed(queue: ConsumeQueue, { queueOffset, position }: Misfit): boolean {
    const before = this.misfits.get(queue);
    if (before?.queueOffset !== queueOffset - 1) return false;
    if (queueOffset > position / minRecordBytes) return false;
    this.takeBack(before);
    this.goOnAt(queue, before.queueOffset);
    this.stage(queue, before.position, before.size, before.unit);
    return true;
  }

  /** A record that was put aside is right after all, and nothing is hidden in it. */
  private takeBack({ position, damagedBefore }: PutAside): void {
    if (this.damaged?.from !== position) return;
    this.damaged = damagedBefore;
    this.hidden -= 1;
  }

  private putAside(queue: ConsumeQueue, misfit: Misfit): void {
    const { queueOffset, position, size } = misfit;
    this.misfits.set(queue, { ...misfit, damagedBefore: this.damaged });
    if (queueOffset > queue.next) this.isIncomplete = true;
    const { topic, queueId, next } = queue;
    // It is a message of another offset or queue: that one has a hole.
    if (queueOffset !== 0) {
      this.damaged = { from: position, to: position + size, found: 'a record that fits no queue' };
      this.hidden += 1;
    }
    this.parts.logger.warn('A record does not go on where its queue is', {
      topic,
      queueId,
      position,
      queueOffset,
      expected: next,
    });
  }

  /** Lets the queue go on at another offset than its next. */
  private goOnAt(queue: ConsumeQueue, queueOffset: number): void {
    const last = lastEntryFlushed(queue);
    if (queueOffset < queue.next) {
      cutQueueTo(queue, queueOffset);
      if (!queue.files.isEmpty || queueOffset === 0) return;
      queue.restore(0, 0);
      return fillQueueTo(queue, queueOffset);
    }
    const holes = queueOffset - queue.next;
    const { damaged } = this;
    if (last === undefined || holes >= last.size) return fillQueueTo(queue, queueOffset);
    const isInside = damaged !== undefined && damaged.from > last.position;
    // Positions in a queue grow, by one at least; inside a record none begins.
    const from = isInside ? damaged.from : last.position + 1;
    const to = isInside ? damaged.to : last.position + last.size;
    for (let i = 0; i < holes; i += 1) this.stageHole(queue, from + i, to - from - i);
  }

  /** What the queue keeps of a record; a bit map is copied, the next one takes its place. */
  private unitOf(record: ScannedRecord, queue: ConsumeQueue): UnitDraft {
    const { storeTime, bytes, propertiesFrom, propertiesTo } = record;
    const tagsCode = tagsCodeOf(record, storeTime, this.parts.delays);
    const bits = queue.extension?.bitMapOf(storeTime, bytes, propertiesFrom, propertiesTo);
    return { tagsCode, storeTime, bits: bits?.slice() };
  }

  private stage(queue: ConsumeQueue, position: number, size: number, unit: UnitDraft): void {
    queue.stage(position, size, queue.extension?.put(unit) ?? unit.tagsCode);
    if (queue.next % slotEntries === 0) flush(queue);
    if ((queue.next * entryBytes) % queue.files.segmentSize !== 0) return;
    flush(queue);
    this.dates.written(queue, queue.next - 1, () => unit.storeTime);
  }

  /** An entry for a message that is damaged, or never was. */
  private stageHole(queue: ConsumeQueue, position: number, size: number): void {
    queue.stage(position, size, 0);
    if (queue.next % slotEntries === 0) flush(queue);
  }
}

function flush(queue: ConsumeQueue): void {
  queue.logged = queue.next;
  queue.write(queue.next);
}

function lastEntryFlushed(queue: ConsumeQueue): { position: number; size: number } | undefined {
  flush(queue);
  const last = lastEntry(queue);
  return last && { position: last.position, size: last.size };
}
