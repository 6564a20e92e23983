import { rmSync } from 'node:fs';
import { Buffer } from 'node:buffer';
import type { StoredMessage } from '@nestjs-rocketmq/message';
import { prepareJava, startJavaBroker, temporaryFolder, untilRegistered } from '../support/java.js';
import { startOurBroker, startOurNameserver } from '../support/our-servers.js';
import { recordsOf, sendRecords } from './record-scenario.js';
import { ownProperties, valuesThatDiffer } from './record-exceptions.js';

const properties = {
  brokerName: 'broker-records',
  messageDelayLevel: '1s 2s 3s',
  transactionTimeOut: 600_000,
};

let nameserver: Awaited<ReturnType<typeof startOurNameserver>>;
const logs = new Map<string, StoredMessage[]>();
const folders: string[] = [];

async function record(name: 'ours' | '4.9.7' | '5.3.3'): Promise<void> {
  const storeDir = temporaryFolder(`records-${name}`);
  folders.push(storeDir);
  const options = { nameServers: nameserver.address, storeDir, properties };
  if (name === 'ours') {
    const broker = await startOurBroker(options);
    await untilRegistered(nameserver.address, broker.address);
    await sendRecords(broker.address);
    await broker.program.stop();
  } else {
    const prompt = name === '5.3.3' ? { transactionOpBatchInterval: 50 } : {};
    const broker = await startJavaBroker(name, {
      ...options,
      properties: { ...properties, ...prompt },
    });
    await sendRecords(broker.address);
    await broker.stop();
  }
  logs.set(name, recordsOf(storeDir));
}

beforeAll(async () => {
  prepareJava();
  nameserver = await startOurNameserver();
  for (const name of ['ours', '4.9.7', '5.3.3'] as const) await record(name);
});

afterAll(async () => {
  await nameserver?.program.stop();
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

/** One place in a queue; the order between queues is not part of the format. */
function placeOf(record: StoredMessage): string {
  return `${record.topic}/${record.queueId}/${record.queueOffset}/${record.sysFlag}`;
}

/** What must be equal whichever broker wrote it: all but times, ports, positions. */
function viewOf(record: StoredMessage, version: string) {
  const data = Buffer.from(record.record);
  return {
    place: placeOf(record),
    magic: data.readUInt32BE(4).toString(16),
    flag: record.flag,
    bornTimestamp: record.bornTimestamp,
    reconsumeTimes: record.reconsumeTimes,
    isHalf: record.preparedTransactionOffset === 0,
    bodyCrc: record.bodyCrc,
    body: Buffer.from(record.storedBody).toString('hex'),
    properties: Object.fromEntries(
      Object.entries(record.properties)
        .filter(([name, value]) => !(`${version} ${name}` in ownProperties) && !isMadeUp(value))
        .map(([name, value]) => [
          name,
          name in valuesThatDiffer || isOfBatch(name, value) ? 'differs' : value,
        ]),
    ),
  };
}

/** A unique key of the broker's own, for a message that came without one (5.x and ours). */
const isMadeUp = (value: string) => /^([0-9A-F]{32}|[0-9A-F]{56})$/.test(value);

/** Java gives all messages of a batch the key of the batch; with us each keeps its own. */
const isOfBatch = (name: string, value: string) => name === 'UNIQ_KEY' && /^B\d?$/.test(value);

const isOp = (record: StoredMessage) => record.topic === 'RMQ_SYS_TRANS_OP_HALF_TOPIC';

function compared(name: string, version: string) {
  return (logs.get(name) ?? [])
    .filter((record) => !isOp(record))
    .map((record) => viewOf(record, version))
    .toSorted((a, b) => a.place.localeCompare(b.place));
}

describe.each(['4.9.7', '5.3.3'] as const)(
  'records of Java %s for the same requests',
  (version) => {
    it('have the fields, bodies, checksums and properties of ours', () => {
      const theirs = compared(version, version);
      expect(theirs.length).toBeGreaterThan(14);
      expect(compared('ours', version)).toEqual(theirs);
    });

    it('note decisions about transactions as ours do', () => {
      const notes = (name: string) =>
        (logs.get(name) ?? []).filter(isOp).map((record) => ({
          queueId: record.queueId,
          tags: record.tags,
          halves: record.text.split(',').filter((text) => text !== ''),
        }));
      expect(notes('ours')).toEqual(notes(version));
    });
  },
);
