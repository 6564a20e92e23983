import { cpSync, rmSync } from 'node:fs';
import { deadLetterTopic, retryTopic } from '@nestjs-rocketmq/message';
import { eventually } from '../../support/eventually.js';
import {
  createTopic,
  freePorts,
  JavaPeer,
  prepareJava,
  temporaryFolder,
  type RunningProgram,
} from '../../support/java.js';
import { startOurNameserver } from '../../support/our-servers.js';
import { Asker } from './asker.js';
import { unreadableRecords } from './disk.js';
import type { Holder } from './plan.js';
import { hasIpv6, open, type Turn } from './turns.js';

const version = '5.3.3';
const deadline = 60_000;

const topic = 'Moved';
const group = 'moving';

/** Skipped where there is no IPv6. */
const describeHere = hasIpv6 ? describe : describe.skip;

/**
 * A message sent back keeps the flags of the record that it was, and 5.x writes its own address of now
 * beside them. When that was IPv6 and is IPv4, the record is 12 bytes shorter than its flags say, and
 * nobody can read it. That is why 5.x keeps to IPv6 in the second half of a history.
 */
describeHere('messages sent back to a broker whose address was IPv6 and is IPv4 now', () => {
  const storeDir = temporaryFolder('moved');
  const brokenDir = temporaryFolder('moved-broken');
  const oursDir = temporaryFolder('moved-ours');
  let nameserver: { program: RunningProgram; address: string };
  let peer: JavaPeer;
  let asker: Asker;
  let port = 0;
  let turn: Turn | undefined;
  let names = 0;

  beforeAll(async () => {
    prepareJava();
    nameserver = await startOurNameserver();
    peer = await JavaPeer.start(version);
    port = await freePorts([-2, 0, 1]);
    asker = new Asker(port);
    await start(version, storeDir, '::1');
    await createTopic(`127.0.0.1:${port}`, topic, 1);
    await send('first');
    await send('second');
    // Sent back once, and waiting for the second attempt.
    await consume((id) => Promise.resolve(peer.received(id).length === 2));
    await eventually('both to try again', deadline, async () =>
      (await bodies(retryTopic(group))).length === 2 ? true : undefined,
    );
    await end();
    cpSync(storeDir, oursDir, { recursive: true });
  });

  afterAll(async () => {
    await turn?.end('killed');
    await asker?.close();
    await peer?.close();
    await nameserver?.program.stop();
    for (const dir of [storeDir, brokenDir, oursDir]) rmSync(dir, { recursive: true, force: true });
  });

  async function start(holder: Holder, dir: string, host: string): Promise<void> {
    const brokerName = `broker-${topic}`;
    const nameServers = nameserver.address;
    turn = await open(holder, { nameServers, storeDir: dir, brokerName, port, host });
  }

  async function end(): Promise<void> {
    await turn?.end('closed');
    turn = undefined;
  }

  async function send(body: string): Promise<void> {
    const id = `producer-${(names += 1)}`;
    await peer.run('producer', { id, ns: nameserver.address, group: 'producers' });
    const [sent] = await peer.send('send', { id, topic, body });
    expect(sent?.status).toBe('SEND_OK');
    await peer.run('stop', { id });
  }

  /** A consumer that fails always; the second attempt is its last one. */
  async function consume(isDone: (id: string) => Promise<boolean>): Promise<void> {
    const id = `consumer-${(names += 1)}`;
    const words = { id, ns: nameserver.address, group, topic, fail: 9, maxReconsume: 1 };
    await peer.run('push', words);
    await eventually('the consumer is done', deadline, async () =>
      (await isDone(id)) ? true : undefined,
    );
    await peer.run('stop', { id });
  }

  const bodies = async (name: string) => (await asker.pull(name, 0)).map((one) => one.text);
  const deadLetters = () => bodies(deadLetterTopic(group));

  it('ours writes dead letters', async () => {
    await start('ours', oursDir, '127.0.0.1');
    await consume(async () => (await deadLetters()).length === 2);
    expect((await deadLetters()).toSorted()).toEqual(['first-0', 'second-0']);
    expect(unreadableRecords(oursDir)).toEqual([]);
    await end();
  });

  it('Java 5.3.3 answers success and writes what nobody can read', async () => {
    await start(version, storeDir, '127.0.0.1');
    await consume((id) =>
      Promise.resolve(peer.received(id).length === 2 && unreadableRecords(storeDir).length === 2),
    );
    await send('after');
    await eventually('the message after them', deadline, async () =>
      (await bodies(topic)).includes('after-0') ? true : undefined,
    );
    expect(await deadLetters()).toEqual([]);
    await end();
    cpSync(storeDir, brokenDir, { recursive: true });
  });

  it('Java 5.3.3 cuts its log there at the next start, with everything behind', async () => {
    await start(version, storeDir, '127.0.0.1');
    expect(await bodies(topic)).toEqual(['first-0', 'second-0']);
    await end();
  });

  it('ours passes over such records and keeps what is behind', async () => {
    await start('ours', brokenDir, '127.0.0.1');
    expect(await bodies(topic)).toEqual(['first-0', 'second-0', 'after-0']);
    await end();
  });
});
