import {
  clientVersions,
  JavaPeer,
  prepareJava,
  startJavaServers,
  type ClientVersion,
  type ProgramEvent,
  type ServerVersion,
} from '../support/java.js';
import { eventually } from '../support/eventually.js';
import { startOurServers } from '../support/our-servers.js';

/**
 * Official clients whose groups lie where the broker has removed the messages. Small files, and an
 * operator who has them deleted. INTEROP_SERVER=4.9.7|5.3.3|5.5.0 plays the same against an official
 * server, which removes nothing in its first minute.
 */
const serverName = process.env['INTEROP_SERVER'] ?? 'ours';
const properties = {
  mappedFileSizeCommitLog: 64 * 1024,
  fileReservedTime: 0,
  // At no hour by itself.
  deleteWhen: '24',
  cleanResourceInterval: 1000,
};
const deadline = 120_000;
const sentBefore = 60;
/** With those that are sent after the removal. */
const sentInAll = 70;

let servers: {
  readonly nameServers: string;
  readonly brokerName: string;
  readonly brokerAddress: string;
  close(): Promise<void>;
};
const peers = new Map<ClientVersion, JavaPeer>();
/** Where the queue of each version's topic begins after the removal. */
const firsts = new Map<ClientVersion, number>();
const all = [...clientVersions];
const peerOf = (version: ClientVersion): JavaPeer => peers.get(version) as JavaPeer;
const topicOf = (version: string): string => `Removed-${version.replaceAll('.', '')}`;
const groupOf = (what: string, version: string): string =>
  `g-${what}-${version.replaceAll('.', '')}`;

beforeAll(async () => {
  prepareJava();
  servers = await start();
  for (const version of all) {
    const peer = await JavaPeer.start(version);
    peers.set(version, peer);
    const group = `p-${version.replaceAll('.', '')}`;
    await peer.run('producer', { id: 'p', ns: servers.nameServers, group });
    await peer.run('topic', { id: 'p', topic: topicOf(version), queues: 1 });
  }
  await sendByTurns(0, sentBefore);
  for (const what of ['Push', 'Orderly', 'Lite'])
    for (const one of all) await leaveBehind(what, one);
  await removeOldFiles();
  await sendByTurns(sentBefore, sentInAll);
});

afterAll(async () => {
  await Promise.all([...peers.values()].map((peer) => peer.close()));
  await servers?.close();
});

async function start(): Promise<typeof servers> {
  if (serverName === 'ours') return startOurServers({ properties });
  const java = await startJavaServers(serverName as ServerVersion, { properties });
  const { name, address } = java.broker;
  return {
    nameServers: java.nameServers,
    brokerName: name,
    brokerAddress: address,
    close: () => java.close(),
  };
}

/** Ten of each version by turns, so that each topic has messages in all files. */
async function sendByTurns(from: number, to: number): Promise<void> {
  for (let first = from; first < to; first += 10) {
    for (const version of all) {
      const words = { id: 'p', topic: topicOf(version), body: 'm', size: 2000, first, count: 10 };
      await peerOf(version).send('send', words);
    }
  }
}

/** The group has consumed three messages, and is away since. */
async function leaveBehind(what: string, version: ClientVersion): Promise<void> {
  const peer = peerOf(version);
  const queue = { id: 'mover', topic: topicOf(version), broker: servers.brokerName, queue: 0 };
  const place = { ns: servers.nameServers, group: groupOf(what, version) };
  await peer.run('puller', { id: 'mover', ...place });
  // A pull makes the group known; a stranger's offsets are refused.
  await peer.run('pull', { ...queue, offset: 0, count: 3 });
  await peer.run('store-offset', { ...queue, offset: 3 });
  await peer.run('stop', { id: 'mover' });
}

async function removeOldFiles(): Promise<void> {
  const operator = peerOf('5.3.3');
  const at = ['-b', servers.brokerAddress, '-n', servers.nameServers];
  for (const version of all) {
    const place = { ns: servers.nameServers, group: groupOf('Looker', version) };
    await peerOf(version).run('puller', { id: 'looker', ...place });
  }
  await operator.admin(['deleteExpiredCommitLog', ...at]);
  let unchanged = 0;
  await eventually('first offsets that moved, and then stayed', deadline, async () => {
    const before = [...firsts.values()].join();
    for (const version of all) firsts.set(version, Number((await pullAt(version, 0))['min']));
    const hasMoved = [...firsts.values()].every((first) => first > 3);
    unchanged = hasMoved && [...firsts.values()].join() === before ? unchanged + 1 : 0;
    return unchanged >= 10 || undefined;
  });
  // What is sent from now on stays.
  await operator.admin(['updateBrokerConfig', '-k', 'fileReservedTime', '-v', '72', ...at]);
  for (const version of all) firsts.set(version, Number((await pullAt(version, 0))['min']));
}

async function pullAt(version: ClientVersion, offset: number): Promise<ProgramEvent> {
  const queue = { id: 'looker', topic: topicOf(version), broker: servers.brokerName, queue: 0 };
  const events = await peerOf(version).run('pull', { ...queue, offset });
  return events.findLast(({ event }) => event === 'pulled') as ProgramEvent;
}

/** Each offset that there is, once, in order. */
function offsetsFrom(version: ClientVersion): number[] {
  const first = firsts.get(version) as number;
  return Array.from({ length: sentInAll - first }, (_, i) => first + i);
}

describe.each(all)(
  `Java client %s at ${serverName}, after old messages were removed`,
  (version) => {
    const peer = (): JavaPeer => peerOf(version);
    const place = (what: string) => ({
      ns: servers.nameServers,
      group: groupOf(what, version),
      topic: topicOf(version),
    });
    const offsetsAt = (id: string) =>
      peer()
        .received(id)
        .map(({ queueOffset }) => queueOffset);

    it('is told where the queue begins when it pulls before that', async () => {
      const first = firsts.get(version) as number;
      expect(first).toBeGreaterThan(3);
      expect(first).toBeLessThanOrEqual(sentBefore);
      const corrected = { status: 'OFFSET_ILLEGAL', next: first, min: first, max: sentInAll };
      expect(await pullAt(version, 3)).toMatchObject(corrected);
      expect(await pullAt(version, first - 1)).toMatchObject(corrected);
      expect(await pullAt(version, first)).toMatchObject({ status: 'FOUND', min: first });
    });

    it('goes on by itself at the first message there is, polling', async () => {
      await peer().run('lite-open', { ...place('Lite'), id: 'lite' });
      const expected = offsetsFrom(version);
      await peer().run('lite-poll', { id: 'lite', count: expected.length, wait: 45_000 });
      expect(offsetsAt('lite')).toEqual(expected);
      await peer().run('stop', { id: 'lite' });
    });
  },
);

/** Pushed clients may wait ten seconds before they follow a correction, so all versions wait together. */
describe(`Java clients ${all.join(', ')} at ${serverName}, after old messages were removed`, () => {
  it('go on by themselves at the first message there is, pushed or in order, and new ones', async () => {
    for (const version of all) {
      const words = { ns: servers.nameServers, topic: topicOf(version) };
      await peerOf(version).run('push', { ...words, group: groupOf('Push', version), id: 'push' });
      const orderly = { ...words, group: groupOf('Orderly', version), id: 'orderly' };
      await peerOf(version).run('push', { ...orderly, mode: 'orderly' });
    }
    for (const version of all) {
      const expected = offsetsFrom(version);
      for (const id of ['push', 'orderly']) {
        const received = await peerOf(version).untilReceived(id, expected.length, deadline);
        expect(received.map(({ queueOffset }) => queueOffset).toSorted((a, b) => a - b)).toEqual(
          expected,
        );
      }
    }
    for (const version of all) {
      const words = { id: 'p', topic: topicOf(version), body: 'new' };
      const [sent] = await peerOf(version).send('send', words);
      for (const id of ['push', 'orderly']) {
        const count = offsetsFrom(version).length + 1;
        const received = await peerOf(version).untilReceived(id, count, deadline);
        expect(received.at(-1)?.queueOffset).toBe(sent?.queueOffset);
      }
    }
  });
});
