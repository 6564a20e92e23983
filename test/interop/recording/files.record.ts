import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  createTopic,
  JavaPeer,
  prepareJava,
  startJavaBroker,
  startJavaNameserver,
  temporaryFolder,
  type ReceivedEvent,
  type ServerVersion,
} from '../../support/java.js';
import { goldenFolder } from '../golden-frames.js';
import { goldenStores, type GoldenMessage, type GoldenStore } from '../golden-store.js';
import { storeFiles } from './store-files.js';

const properties = {
  mappedFileSizeCommitLog: 16 * 1024,
  mappedFileSizeConsumeQueue: 20 * 50,
  maxIndexNum: 400,
  maxHashSlotNum: 100,
  messageDelayLevel: '1s 2s 3s',
  flushIntervalCommitLog: 100,
  flushCommitLogLeastPages: 0,
  flushConsumeQueueLeastPages: 0,
};

beforeAll(() => prepareJava());

describe('golden store files', () => {
  it.each(goldenStores)('records a store of %s that was %s', async (version, state) => {
    const store = await record(version, state);
    const path = join(goldenFolder, `store-${version}-${state}.json`);
    writeFileSync(path, `${JSON.stringify(store, undefined, 1)}\n`);
    expect(store.messages.length).toBeGreaterThan(50);
  });
});

async function record(version: ServerVersion, state: 'closed' | 'killed'): Promise<GoldenStore> {
  const storeDir = temporaryFolder('golden-store');
  const nameserver = await startJavaNameserver(version);
  const broker = await startJavaBroker(version, {
    nameServers: nameserver.address,
    storeDir,
    properties,
  });
  const peer = await JavaPeer.start(version === '4.9.7' ? '4.9.8' : version);
  await createTopic(broker.address, 'Stored', 2);
  const received = await fill(peer, nameserver.address);
  await peer.close();
  if (state === 'closed') await broker.stop();
  else await broker.kill();
  await nameserver.stop();
  if (existsSync(join(storeDir, 'abort')) !== (state === 'killed')) {
    throw new Error(`${version} was not ${state}:\n${broker.program.output()}`);
  }
  const files = storeFiles(storeDir);
  rmSync(storeDir, { recursive: true, force: true });
  return { version, state, properties, files, messages: received.map(messageOf) };
}

/** Every kind of record: plain, batch, compressed, delayed, sent back, committed and rolled back. */
async function fill(peer: JavaPeer, ns: string): Promise<ReceivedEvent[]> {
  const topic = 'Stored';
  await peer.run('push', { id: 'c', ns, group: 'stored-consumer', topic });
  await peer.run('producer', { id: 'p', ns, group: 'stored-producer' });
  await peer.run('transaction-producer', { id: 't', ns, group: 'stored-tx' });
  await peer.send('send', {
    id: 'p',
    topic,
    body: 'plain',
    tags: 'TagA,TagB',
    keys: 'key',
    count: 40,
  });
  await peer.send('send', { id: 'p', topic, body: 'unicode', property: 'blue ü 蓝', flag: 5 });
  await peer.send('send', { id: 'p', topic, body: 'large', size: 5000 });
  await peer.send('send', { id: 'p', topic, body: 'delayed', delay: 1 });
  await peer.send('batch', { id: 'p', topic, body: 'batch', tags: 'TagC', count: 3 });
  await peer.send('transaction', { id: 't', topic, body: 'committed', local: 'commit' });
  await peer.send('transaction', { id: 't', topic, body: 'rolled-back', local: 'rollback' });
  await peer.send('send', { id: 'p', topic, body: 'roll', size: 1500, count: 20 });
  const received = await peer.untilReceived('c', 67);
  // Consumed offsets reach the broker's file before it ends.
  await peer.run('stop', { id: 'c' });
  return [...received].sort((a, b) => Number(a['commitLogOffset']) - Number(b['commitLogOffset']));
}

/** Properties that the client adds to what it received. */
const ofTheClient = new Set(['MIN_OFFSET', 'MAX_OFFSET', 'CONSUME_START_TIME']);

function messageOf(event: ReceivedEvent): GoldenMessage {
  const {
    event: _event,
    id: _id,
    at: _at,
    msgId: _msgId,
    ...rest
  } = event as ReceivedEvent & {
    commitLogOffset: number;
  };
  const own = Object.entries(event.properties).filter(([name]) => !ofTheClient.has(name));
  return { ...rest, properties: Object.fromEntries(own) };
}
