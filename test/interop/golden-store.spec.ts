import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { nodeFileSystem, silentLogger, systemClock, Turn } from '@nestjs-rocketmq/foundation';
import { decodeRecords, SysFlag, type StoredMessage } from '@nestjs-rocketmq/message';
import { MessageStore, storeOptions } from '@nestjs-rocketmq/store';
import { temporaryFolder } from '../support/java.js';
import {
  goldenStore,
  goldenStores,
  unpackGoldenStore,
  type GoldenMessage,
} from './golden-store.js';

const storeKeys = Object.keys(storeOptions.table);

async function open(directory: string, properties: Record<string, unknown>): Promise<MessageStore> {
  const known = Object.entries(properties).filter(([name]) => storeKeys.includes(name));
  return MessageStore.open({
    directory,
    options: storeOptions.load(Object.fromEntries(known), { unknown: 'refuse' }),
    fileSystem: nodeFileSystem,
    clock: systemClock,
    logger: silentLogger,
    turn: new Turn(),
  });
}

/** The 5.x client takes the mark of compression off when it has unpacked a body. */
function asReceived(sysFlag: number): number {
  return sysFlag & ~SysFlag.COMPRESSED;
}

function recordOf(store: MessageStore, message: GoldenMessage): StoredMessage | undefined {
  const queue = store.findQueue(message.topic, message.queueId);
  const bytes = queue && store.readRecordAt(queue, message.queueOffset);
  return bytes && decodeRecords(bytes)[0];
}

function fieldsOf(record: StoredMessage | undefined): GoldenMessage | undefined {
  return (
    record && {
      topic: record.topic,
      body: record.text,
      tags: record.tags ?? null,
      keys: record.keys.join(' ') || null,
      queueId: record.queueId,
      queueOffset: record.queueOffset,
      commitLogOffset: record.logPosition,
      storeSize: record.storeSize,
      sysFlag: asReceived(record.sysFlag),
      flag: record.flag,
      bodyCrc: record.bodyCrc,
      bornTimestamp: record.bornTimestamp,
      storeTimestamp: record.storeTimestamp,
      reconsumeTimes: record.reconsumeTimes,
      preparedOffset: record.preparedTransactionOffset,
      properties: { ...record.properties },
    }
  );
}

describe.each(goldenStores)('a store that Java %s left %s', (version, state) => {
  const golden = goldenStore(version, state);
  const expected = golden.messages.map((one) => ({ ...one, sysFlag: asReceived(one.sysFlag) }));
  let folder: string;

  beforeEach(() => {
    folder = temporaryFolder('golden');
    unpackGoldenStore(golden, folder);
  });

  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it('is opened, and every message reads as Java read it', async () => {
    const store = await open(folder, golden.properties);
    expect(store.figures().wasAborted).toBe(state === 'killed');
    const read = golden.messages.map((message) => fieldsOf(recordOf(store, message)));
    await store.close();
    expect(read).toEqual(expected);
  });

  it('serves the same after we closed it and opened it again', async () => {
    await (await open(folder, golden.properties)).close();
    expect(existsSync(join(folder, 'abort'))).toBe(false);
    const store = await open(folder, golden.properties);
    const read = golden.messages.map((message) => fieldsOf(recordOf(store, message)));
    await store.close();
    expect(read).toEqual(expected);
  });
});
