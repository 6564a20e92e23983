import {
  blankMagic,
  bodyChecksum,
  readInt64,
  recordChecksumFault,
  type RecordChecksumRule,
  recordField,
  recordMagicV1,
  recordMagicV2,
  RecordMarks,
  RecordParts,
} from '@nestjs-rocketmq/message';

/** What recovery may do with a log: read it. */
export interface LogReader {
  readonly segmentSize: number;
  /** First position that exists. */
  readonly start: number;
  /** One past the last position that exists. */
  readonly end: number;
  read(into: Uint8Array, at: number, length: number, position: number): number;
}

/** One valid record; reused by the scan. The positions of its parts count from `bytes`. */
export class ScannedRecord extends RecordParts {
  bytes: Uint8Array = new Uint8Array(0);
  data = new DataView(this.bytes.buffer);
  logPosition = 0;
  /** The lengths fit each other and the record names its own position, whatever else is wrong. */
  isFramed = false;
  /** For the scan: `marks` are those of another record. */
  isMarked = false;
  private readonly found = new RecordMarks();

  /** Where the properties stand that the store reads. */
  get marks(): RecordMarks {
    if (!this.isMarked) this.found.locate(this, this.propertiesFrom, this.propertiesTo);
    this.isMarked = true;
    return this.found;
  }

  get queueId(): number {
    return this.data.getInt32(this.from + recordField.queueId);
  }

  get queueOffset(): number {
    return readInt64(this.data, this.from + recordField.queueOffset);
  }

  get storeTime(): number {
    return readInt64(this.data, this.storeTimestamp);
  }
}

/** Where valid records end, and why. */
export interface ScanEnd {
  readonly end: number;
  readonly records: number;
  /** What stands at the end instead of a record; undefined where nothing was ever written. */
  readonly fault: string | undefined;
}

/** Bytes of the log that are no valid record, with valid records behind them. */
export interface DamagedPart {
  readonly from: number;
  readonly to: number;
  readonly found: string;
}

/** How a record is checked, beyond its lengths and its place. */
export interface RecordRules {
  /** Its body against its checksum, its texts for what a power failure leaves. */
  readonly checkCrc: boolean;
  /** The whole record against its own checksum. */
  readonly whole: RecordChecksumRule;
}

export interface ScanRules extends RecordRules {
  readonly each: (record: ScannedRecord) => void;
  /**
   * Where valid records go on behind `position`, at which no valid one stands; undefined when that
   * is the end. `claim` is what stands there, if it is framed as a record. Without it every fault
   * is the end.
   */
  readonly goOn?: (position: number, found: string, claim?: ScannedRecord) => number | undefined;
}

const scanWindow = 1024 * 1024;
const oneRecordWindow = 4096;
/** What a disk writes as a whole; larger sectors are multiples of it. */
const sectorBytes = 512;

/** Reads ahead of a scan, so that records are found without a read for each. */
class Window {
  bytes: Uint8Array;
  data: DataView;
  private from = 0;
  private length = 0;

  constructor(
    private readonly log: LogReader,
    size: number,
  ) {
    this.bytes = new Uint8Array(size);
    this.data = new DataView(this.bytes.buffer);
  }

  /** Offset in `bytes` of `position`, with at least `length` bytes behind it, or -1. */
  at(position: number, length: number): number {
    const inside = position >= this.from && position + length <= this.from + this.length;
    if (!inside) this.fill(position, length);
    return position + length <= this.from + this.length ? position - this.from : -1;
  }

  /** The 32-bit number at a position, read past the window; 0 where there is none. */
  peek(position: number): number {
    const word = new Uint8Array(4);
    const count = this.log.read(word, 0, word.length, position);
    return count < word.length ? 0 : new DataView(word.buffer).getInt32(0);
  }

  private fill(position: number, length: number): void {
    if (length > this.bytes.length) {
      this.bytes = new Uint8Array(length);
      this.data = new DataView(this.bytes.buffer);
    }
    this.from = position;
    this.length = this.log.read(this.bytes, 0, this.bytes.length, position);
  }
}

/**
 * Follows the log from `from`, which must be the start of a record or a file, as long as there are
 * valid records (and over damage, if the rules say where to go on), and shows each. Only reads. A record counts when its lengths fit each other, it
 * names its own position, and (with `checkCrc`) its body has its checksum and its texts are whole.
 */
export function scanRecords(log: LogReader, from: number, rules: ScanRules): ScanEnd {
  const window = new Window(log, Math.max(oneRecordWindow, Math.min(scanWindow, log.end - from)));
  const record = new ScannedRecord();
  let records = 0;
  for (let position = from; ;) {
    if (position >= log.end) return { end: position, records, fault: undefined };
    const head = window.at(position, 8);
    if (head < 0) return { end: position, records, fault: 'the file is cut off' };
    const size = window.data.getInt32(head);
    const magic = window.data.getInt32(head + 4);
    const left = log.segmentSize - ((position - log.start) % log.segmentSize);
    if (magic === blankMagic) {
      position += left;
      continue;
    }
    const fault = readRecord(log, window, record, position, Math.min(size, left), rules);
    if (fault === undefined) {
      rules.each(record);
      records += 1;
      position += record.size;
      continue;
    }
    const next = rules.goOn?.(position, fault, record.isFramed ? record : undefined);
    if (next === undefined) {
      const isUntouched = size === 0 && magic === 0;
      return { end: position, records, fault: isUntouched ? undefined : fault };
    }
    position = next;
  }
}

function readRecord(
  log: LogReader,
  window: Window,
  record: ScannedRecord,
  position: number,
  size: number,
  rules: RecordRules,
): string | undefined {
  record.isFramed = false;
  record.isMarked = false;
  if (size <= 0) return `a size of ${size}`;
  const at = window.at(position, size);
  if (at < 0) return 'a record that is cut off';
  record.bytes = window.bytes;
  record.data = window.data;
  const fault = record.locate(window.data, at, at + size);
  if (fault !== undefined) return fault;
  record.logPosition = readInt64(window.data, at + recordField.logPosition);
  if (record.logPosition !== position) return `a record of position ${record.logPosition}`;
  record.isFramed = true;
  if (!rules.checkCrc) return undefined;
  const body = window.bytes.subarray(record.bodyFrom, record.bodyTo);
  const isIntact = bodyChecksum(body) === window.data.getInt32(at + recordField.bodyCrc);
  if (!isIntact) return 'a body that does not have its checksum';
  const fileOffset = (position - log.start) % log.segmentSize;
  const isTorn = isTextTorn(record, fileOffset) || isCutOff(record, window, position);
  if (isTorn) return 'a record that is torn behind its body';
  return recordChecksumFault(record.bytes, record, rules.whole);
}

/**
 * Whether topic or properties, which no checksum covers, miss what a power failure kept from the
 * disk. It keeps whole sectors from it, and where nothing was written before there are zeros: so
 * zeros from the start of a sector to its end, or to the end of the text. A topic has none at all.
 */
function isTextTorn(record: ScannedRecord, fileOffset: number): boolean {
  const { bytes, topicFrom, topicTo, propertiesFrom, propertiesTo } = record;
  for (let i = topicFrom; i < topicTo; i += 1) if (bytes[i] === 0) return true;
  const inSector = (fileOffset + propertiesFrom - record.from) % sectorBytes;
  let sector = propertiesFrom + ((sectorBytes - inSector) % sectorBytes);
  for (; sector < propertiesTo; sector += sectorBytes) {
    const end = Math.min(sector + sectorBytes, propertiesTo);
    let at = sector;
    while (at < end && bytes[at] === 0) at += 1;
    if (at === end) return true;
  }
  return false;
}

/** Whether only a first part was written: zeros at the end of the properties, and no more records. */
function isCutOff(record: ScannedRecord, window: Window, position: number): boolean {
  const { propertiesFrom, propertiesTo } = record;
  if (propertiesTo === propertiesFrom || record.bytes[propertiesTo - 1] !== 0) return false;
  const next = window.peek(position + record.size + recordField.magic);
  return next !== recordMagicV1 && next !== recordMagicV2 && next !== blankMagic;
}

/** The valid record at a position, or undefined. */
export function recordAt(
  log: LogReader,
  position: number,
  rules: RecordRules,
): ScannedRecord | undefined {
  const record = new ScannedRecord();
  const window = new Window(log, oneRecordWindow);
  const head = window.at(position, 8);
  if (head < 0) return undefined;
  const left = log.segmentSize - ((position - log.start) % log.segmentSize);
  const size = Math.min(window.data.getInt32(head), left);
  const fault = readRecord(log, window, record, position, size, rules);
  return fault === undefined ? record : undefined;
}

const bodyRules: RecordRules = { checkCrc: true, whole: 'NONE' };

/** Store time of the record at a position; undefined where no valid record stands. */
export function storeTimeOf(
  log: LogReader,
  position: number,
  rules: RecordRules = bodyRules,
): number | undefined {
  const record = recordAt(log, position, rules);
  return record === undefined || record.storeTime === 0 ? undefined : record.storeTime;
}
