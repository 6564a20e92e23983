import { viewOf } from '@nestjs-rocketmq/foundation';
import { readInt64, recordField, RecordParts } from '@nestjs-rocketmq/message';
import type { MessageStore, StoreOptions } from '@nestjs-rocketmq/store';
import { draftOf, type FaultyFileSystem, StoreFixture } from '@nestjs-rocketmq/store/testing';

export const logFile = '/data/store/commitlog/00000000000000000000';
const segmentSize = 65_536;

/** The bytes of a store's files, to be put on as many disks as needed. */
export class StoreImage {
  private readonly files = new Map<string, Uint8Array>();
  /** Where the zeros at the end of each begin. */
  private readonly ends = new Map<string, number>();
  private readonly folders: string[] = [];

  constructor(
    disk: FaultyFileSystem,
    private readonly logFileSize = segmentSize,
  ) {
    this.take(disk, '/data');
  }

  bytes(path: string): Uint8Array {
    const bytes = this.files.get(path);
    if (bytes === undefined) throw new Error(`The image has no ${path}`);
    return bytes;
  }

  paths(part: string): string[] {
    return [...this.files.keys()].filter((path) => path.includes(part));
  }

  /** A disk with these files, with something changed, and a fixture to open it with. */
  restored(change: (disk: FaultyFileSystem) => void): StoreFixture {
    const mappedFileSizeCommitLog = this.logFileSize;
    const fixture = new StoreFixture(1, { ...imageOptions, mappedFileSizeCommitLog });
    const { disk } = fixture;
    for (const folder of this.folders) disk.makeDirectory(folder);
    for (const [path, bytes] of this.files) {
      const file = disk.open(path, 'create');
      file.truncate(bytes.length);
      file.writeAt(bytes, 0, this.ends.get(path) as number, 0);
    }
    change(disk);
    return fixture;
  }

  private take(disk: FaultyFileSystem, folder: string): void {
    this.folders.push(folder);
    for (const name of disk.list(folder)) {
      const path = `${folder}/${name}`;
      if (disk.isDirectory(path)) this.take(disk, path);
      else {
        const bytes = new Uint8Array(disk.size(path));
        disk.open(path, 'read').readAt(bytes, 0, bytes.length, 0);
        this.files.set(path, bytes);
        this.ends.set(path, bytes.findLastIndex((byte) => byte !== 0) + 1);
      }
    }
  }
}

export const imageOptions: Partial<StoreOptions> = {
  mappedFileSizeCommitLog: segmentSize,
  mappedFileSizeConsumeQueue: 20 * 40,
  maxHashSlotNum: 100,
  maxIndexNum: 600,
};

/** A message as it was stored. */
export interface Original {
  readonly position: number;
  readonly topic: string;
  readonly queueId: number;
  readonly queueOffset: number;
  readonly bytes: Uint8Array;
}

export interface WrittenStore {
  readonly image: StoreImage;
  readonly originals: readonly Original[];
}

const longTopic = `%RETRY%${'g'.repeat(130)}`;
const v6 = Uint8Array.from({ length: 16 }, (_, i) => i + 1);

/** A full log file of every kind of record and the beginning of the next, durable. */
export async function writtenStore(
  end: 'killed' | 'closed',
  more: Partial<StoreOptions> = {},
): Promise<WrittenStore> {
  const fixture = new StoreFixture(1, { ...imageOptions, ...more });
  const store = await fixture.open();
  const topics = ['orders', 'payments', longTopic];
  for (let i = 0; i < 130; i += 1) {
    const topic = topics[i % 5] ?? 'orders';
    const draft = draftOf(`m${i} ${'body '.repeat(i % 7 === 0 ? 200 : 70)}`, {
      topic,
      queueId: i % 2,
      bornHost: i % 6 === 0 ? v6 : Uint8Array.of(10, 0, 0, 1),
      storeHost: i % 9 === 0 ? v6 : Uint8Array.of(10, 0, 0, 2),
      map: { TAGS: `tag${i % 3}`, KEYS: `key${i} other`, UNIQ_KEY: `unique${i}` },
    });
    store.append(draft);
    if (i % 10 === 9) fixture.endTurn();
  }
  const flushed = store.flush();
  await fixture.settle();
  await flushed;
  const originals = servedBy(store);
  await fixture.clock.advance(2000);
  if (end === 'closed') await store.close();
  else fixture.disk.kill();
  return { image: new StoreImage(fixture.disk), originals };
}

const parts = new RecordParts();

/** Every message that consumers get, read as they do. */
export function servedBy(store: MessageStore): Original[] {
  const served: Original[] = [];
  for (const topic of store.topics()) {
    for (const queue of store.queuesOf(topic)) {
      for (let offset = queue.min; offset < queue.visible;) {
        const found = store.find(queue, offset, 32, { maxBytes: 1_000_000 });
        const bytes = new Uint8Array(found.bytes);
        if (found.count > 0) {
          store.read(found, { bytes, data: viewOf(bytes), from: 0, to: bytes.length });
        }
        const data = viewOf(bytes);
        for (let at = 0; at < bytes.length; at += parts.size) {
          const fault = parts.locate(data, at, bytes.length);
          if (fault !== undefined) throw new Error(`A pull answered no record: ${fault}`);
          served.push({
            topic,
            queueId: queue.queueId,
            position: readInt64(data, at + recordField.logPosition),
            queueOffset: readInt64(data, at + recordField.queueOffset),
            bytes: bytes.slice(at, at + parts.size),
          });
        }
        if (found.next <= offset) throw new Error(`${found.status} goes on at ${found.next}`);
        offset = found.next;
      }
    }
  }
  return served.toSorted((a, b) => a.position - b.position);
}

/** The name of the field that a byte of a record belongs to. */
export function fieldAt(record: Uint8Array, at: number): string {
  parts.locate(viewOf(record), 0, record.length);
  const starts: [number, string][] = [
    [0, 'size'],
    [recordField.magic, 'magic'],
    [recordField.bodyCrc, 'body CRC'],
    [recordField.queueId, 'queue id'],
    [recordField.flag, 'flag'],
    [recordField.queueOffset, 'queue offset'],
    [recordField.logPosition, 'log position'],
    [recordField.sysFlag, 'system flag'],
    [recordField.bornTimestamp, 'born timestamp'],
    [recordField.bornHost, 'born host'],
    [parts.storeTimestamp, 'store timestamp'],
    [parts.storeHost, 'store host'],
    [parts.reconsumeTimes, 'reconsume times'],
    [parts.reconsumeTimes + 4, 'prepared transaction offset'],
    [parts.bodyFrom - 4, 'body length'],
    [parts.bodyFrom, 'body'],
    [parts.bodyTo, 'topic length'],
    [parts.topicFrom, 'topic'],
    [parts.topicTo, 'properties length'],
    [parts.propertiesFrom, 'properties'],
  ];
  return starts.findLast(([from]) => from <= at)?.[1] ?? 'nothing';
}
