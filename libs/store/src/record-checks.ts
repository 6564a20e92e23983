import { type Logger, viewOf } from '@nestjs-rocketmq/foundation';
import {
  bodyChecksum,
  readInt64,
  recordChecksumFault,
  type RecordChecksumRule,
  recordField,
  RecordParts,
} from '@nestjs-rocketmq/message';
import type { CommitLog } from './commit-log/commit-log.js';
import type { ConsumeQueue } from './consume-queue/consume-queue.js';
import { QueueRepair } from './consume-queue/queue-repair.js';
import type { QueueEntry } from './formats/consume-queue-entry.js';

const smallWindow = 16 * 1024;
const largeWindow = 256 * 1024;
/** So many damaged records are reported, each once. */
const mostReports = 1000;

/**
 * Checks records from an earlier life of the store before anybody gets them: their bytes were on a
 * disk meanwhile. Records of this life were checked when they came.
 */
export class RecordChecks {
  /** Records below this log position are from an earlier life. */
  readonly oldUntil: number;
  private readonly parts = new RecordParts();
  private window = new Uint8Array(0);
  private data = viewOf(this.window);
  private windowFrom = 0;
  private windowTo = 0;
  private readonly queues: QueueRepair;
  private readonly reported = new Set<number>();

  constructor(
    private readonly log: CommitLog,
    private readonly whole: RecordChecksumRule,
    delays: readonly number[],
    private readonly logger: Logger,
  ) {
    this.oldUntil = log.written;
    this.queues = new QueueRepair({
      log: {
        segmentSize: log.files.segmentSize,
        start: log.start,
        end: log.written,
        read: (into, at, length, position) => log.read(into, at, length, position),
      },
      isGood: (queue, queueOffset, entry) => this.fault(queue, queueOffset, entry) === undefined,
      whole,
      delays,
      logger,
    });
  }

  /**
   * Whether the record of an entry is whole, and is the message that the entry stands for. An entry
   * that is damaged itself is made again, in `entry` and in its queue.
   */
  isIntact(queue: ConsumeQueue, queueOffset: number, entry: QueueEntry): boolean {
    const found = this.fault(queue, queueOffset, entry);
    if (found === undefined || this.queues.repair(queue, queueOffset, entry)) return true;
    const { topic, queueId } = queue;
    this.report(entry.position, { topic, queueId, queueOffset, size: entry.size, found });
    return false;
  }

  /** Makes an entry again that cannot be one; false when there is none to make. */
  mend(queue: ConsumeQueue, queueOffset: number, entry: QueueEntry): boolean {
    return this.queues.repair(queue, queueOffset, entry);
  }

  private fault(queue: ConsumeQueue, queueOffset: number, entry: QueueEntry): string | undefined {
    const at = this.at(entry.position, entry.size);
    return at < 0 ? 'it is not in the log' : this.faultAt(at, entry, queue, queueOffset);
  }

  /** Whether a record that was read on its own is whole. */
  isWhole(bytes: Uint8Array, position: number): boolean {
    const found = this.faultOf(viewOf(bytes), 0, bytes.length, position);
    if (found !== undefined) this.report(position, { size: bytes.length, found });
    return found === undefined;
  }

  private faultAt(
    at: number,
    entry: QueueEntry,
    queue: ConsumeQueue,
    queueOffset: number,
  ): string | undefined {
    const { data, parts } = this;
    const fault = this.faultOf(data, at, entry.size, entry.position);
    if (fault !== undefined) return fault;
    const offset = readInt64(data, at + recordField.queueOffset);
    const queueId = data.getInt32(at + recordField.queueId);
    const { topicBytes } = queue;
    let isTopic = parts.topicTo - parts.topicFrom === topicBytes.length;
    for (let i = 0; isTopic && i < topicBytes.length; i += 1) {
      isTopic = this.window[parts.topicFrom + i] === topicBytes[i];
    }
    if (isTopic && offset === queueOffset && queueId === queue.queueId) return undefined;
    return 'it is another message than its queue says';
  }

  private faultOf(data: DataView, at: number, size: number, position: number): string | undefined {
    const { parts } = this;
    const fault = parts.locate(data, at, at + size);
    if (fault !== undefined) return fault;
    if (parts.size !== size) return `it has ${parts.size} bytes`;
    if (readInt64(data, at + recordField.logPosition) !== position) return 'it is of another place';
    const { bodyFrom, bodyTo } = parts;
    const body = new Uint8Array(data.buffer, data.byteOffset + bodyFrom, bodyTo - bodyFrom);
    const isIntact = bodyChecksum(body) === data.getInt32(at + recordField.bodyCrc);
    if (!isIntact) return 'its body does not have its checksum';
    const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    return recordChecksumFault(bytes, parts, this.whole);
  }

  private report(position: number, fields: object): void {
    if (this.reported.has(position) || this.reported.size >= mostReports) return;
    this.reported.add(position);
    this.logger.error('A damaged message is passed over', { position, ...fields });
  }

  /** Offset of a log position in `window`, with `size` bytes behind it, or -1. */
  private at(position: number, size: number): number {
    const isInside = position >= this.windowFrom && position + size <= this.windowTo;
    if (!isInside && !this.fill(position, size)) return -1;
    return position - this.windowFrom;
  }

  private fill(position: number, size: number): boolean {
    if (size <= 0 || position + size > this.log.written) return false;
    // Reading on behind what was read: more of it will be wanted.
    const goesOn = position >= this.windowFrom && position < this.windowTo + smallWindow;
    const length = Math.max(size, goesOn ? largeWindow : smallWindow);
    if (this.window.length < length) {
      this.window = new Uint8Array(length);
      this.data = viewOf(this.window);
    }
    // A read that fails leaves nothing that counts.
    this.windowFrom = this.windowTo = position;
    // What this life writes may still be taken back: it is not kept.
    const most = Math.max(size, Math.min(length, this.oldUntil - position));
    this.windowTo = position + this.log.read(this.window, 0, most, position);
    return position + size <= this.windowTo;
  }
}
