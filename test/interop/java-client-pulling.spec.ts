import {
  clientVersions,
  JavaPeer,
  prepareJava,
  startJavaServers,
  type ProgramEvent,
  type ServerVersion,
} from '../support/java.js';
import { eventually } from '../support/eventually.js';
import { startOurServers } from '../support/our-servers.js';

/**
 * Official clients that pull for themselves, hold locks, filter with SQL92, and are moved by
 * operators. INTEROP_SERVER=4.9.7|5.3.3|5.5.0 plays the same against an official server.
 */
const serverName = process.env['INTEROP_SERVER'] ?? 'ours';
const properties = { enablePropertyFilter: true, autoCreateTopicEnable: true };
const deadline = 90_000;

let servers: {
  readonly nameServers: string;
  readonly brokerName: string;
  close(): Promise<void>;
};
const peers = new Map<string, JavaPeer>();
/** The operator, whose mqadmin moves groups. */
let operator: JavaPeer;

beforeAll(async () => {
  prepareJava();
  if (serverName === 'ours') servers = await startOurServers({ properties });
  else {
    const java = await startJavaServers(serverName as ServerVersion, { properties });
    const brokerName = java.broker.name;
    servers = { nameServers: java.nameServers, brokerName, close: () => java.close() };
  }
  for (const version of clientVersions) {
    const peer = await JavaPeer.start(version);
    await peer.run('producer', {
      id: 'p',
      ns: servers.nameServers,
      group: `p-${version.replaceAll('.', '')}`,
    });
    peers.set(version, peer);
  }
  operator = peers.get('5.3.3') as JavaPeer;
});

afterAll(async () => {
  await Promise.all([...peers.values()].map((peer) => peer.close()));
  await servers?.close();
});

const sorted = (events: readonly { body: string }[]) => events.map(({ body }) => body).sort();
const numbered = (body: string, count: number, first = 0) =>
  Array.from({ length: count }, (_, i) => `${body}-${first + i}`).sort();

async function printed(peer: JavaPeer, verb: string, words: Record<string, string | number>) {
  const events = await peer.run(verb, words);
  return events.at(-2) as ProgramEvent;
}

describe.each(clientVersions)(`Java client %s against ${serverName}`, (version) => {
  const peer = (): JavaPeer => peers.get(version) as JavaPeer;
  const suffix = version.replaceAll('.', '');
  const base = (what: string) => ({
    ns: servers.nameServers,
    group: `g-${what}-${suffix}`,
    topic: `${what}-${suffix}`,
  });
  const make = (what: string, queues = 2) =>
    peer().run('topic', { id: 'p', topic: `${what}-${suffix}`, queues });
  const send = (what: string, words: Record<string, string | number>) =>
    peer().send('send', { id: 'p', topic: `${what}-${suffix}`, ...words });

  it('polls and commits; the next consumer of the group goes on behind', async () => {
    await make('Lite');
    await send('Lite', { body: 'a', count: 6 });
    await peer().run('lite-open', { ...base('Lite'), id: 'lite-1' });
    await peer().run('lite-poll', { id: 'lite-1', count: 6 });
    expect(sorted(peer().received('lite-1'))).toEqual(numbered('a', 6));
    await peer().run('lite-commit', { id: 'lite-1' });
    const { offsets } = await printed(peer(), 'lite-committed', {
      id: 'lite-1',
      topic: base('Lite').topic,
    });
    const kept = Object.values(offsets as Record<string, number>);
    expect(kept.reduce((sum, offset) => sum + offset, 0)).toBe(6);
    await peer().run('stop', { id: 'lite-1' });
    await send('Lite', { body: 'b', count: 4 });
    await peer().run('lite-open', { ...base('Lite'), id: 'lite-2' });
    await peer().run('lite-poll', { id: 'lite-2', count: 4 });
    expect(sorted(peer().received('lite-2'))).toEqual(numbered('b', 4));
    await peer().run('stop', { id: 'lite-2' });
  });

  it('takes queues for itself and seeks in them', async () => {
    const { topic } = base('Seek');
    await make('Seek');
    await send('Seek', { body: 'm', count: 8 });
    await peer().run('lite-open', { ...base('Seek'), id: 'seek', assign: 'true' });
    await peer().run('lite-poll', { id: 'seek', count: 8 });
    await peer().run('lite-seek', { id: 'seek', topic, to: 'begin' });
    await peer().run('lite-poll', { id: 'seek', count: 8 });
    expect(sorted(peer().received('seek'))).toEqual(
      [...numbered('m', 8), ...numbered('m', 8)].sort(),
    );
    await peer().run('lite-seek', { id: 'seek', topic, to: '3' });
    await peer().run('lite-poll', { id: 'seek', count: 2 });
    const behind = peer().received('seek').slice(16);
    expect(behind.map(({ queueOffset }) => queueOffset)).toEqual([3, 3]);
    await peer().run('stop', { id: 'seek' });
  });

  it('is told where a queue begins and ends when it pulls beside it', async () => {
    const { ns, group, topic } = base('Beside');
    const broker = servers.brokerName;
    await make('Beside', 1);
    await send('Beside', { body: 'm', count: 10 });
    await peer().run('puller', { id: 'puller', ns, group });
    const pull = (offset: number) =>
      printed(peer(), 'pull', { id: 'puller', topic, broker, queue: 0, offset });
    expect(await pull(4)).toMatchObject({
      status: 'FOUND',
      next: 10,
      min: 0,
      max: 10,
      bodies: numbered('m', 6, 4),
    });
    expect(await pull(10)).toMatchObject({ status: 'NO_NEW_MSG', next: 10 });
    expect(await pull(500)).toMatchObject({ status: 'OFFSET_ILLEGAL', min: 0, max: 10 });
    await peer().run('stop', { id: 'puller' });
  });

  it('holds a lock on each queue that it consumes in order, and hands it over', async () => {
    const words = { ...base('Locked'), mode: 'orderly' };
    const { topic } = words;
    await make('Locked', 4);
    await peer().run('push', { ...words, id: 'lock-1' });
    await peer().run('push', { ...words, id: 'lock-2' });
    const owned = async (id: string) => peer().queues(id);
    await eventually('two queues each', deadline, async () => {
      const [one, two] = [await owned('lock-1'), await owned('lock-2')];
      return one.length === 2 && two.length === 2 ? true : undefined;
    });
    expect(new Set([...(await owned('lock-1')), ...(await owned('lock-2'))]).size).toBe(4);
    await send('Locked', { body: 'm', hash: 'key', keysCount: 4, count: 24 });
    const all = () => [...peer().received('lock-1'), ...peer().received('lock-2')];
    await peer().program.until('24 messages', deadline, () => all().length >= 24 || undefined);
    expect(sorted(all())).toEqual(numbered('m', 24));
    await peer().run('stop', { id: 'lock-1' });
    await eventually('all queues at the one that stays', deadline, async () =>
      (await owned('lock-2')).length === 4 ? true : undefined,
    );
    const before = peer().received('lock-2').length;
    await send('Locked', { body: 'later', hash: 'key', keysCount: 4, count: 8 });
    const received = await peer().untilReceived('lock-2', before + 8, deadline);
    const perQueue = new Map<number, number[]>();
    for (const { queueId, queueOffset } of received) {
      perQueue.set(queueId, [...(perQueue.get(queueId) ?? []), queueOffset]);
    }
    for (const offsets of perQueue.values()) {
      expect(offsets).toEqual(offsets.toSorted((a, b) => a - b));
    }
    expect(received.every((one) => one.topic === topic)).toBe(true);
    await peer().run('stop', { id: 'lock-2' });
  });

  it('gets what a SQL92 expression lets through, pushed and polled', async () => {
    const sql = "colour = 'blue' AND (TAGS = 'TagA' OR size IS NOT NULL)";
    await make('Sql');
    await peer().run('push', { ...base('Sql'), id: 'sql', sql });
    const words = { tags: 'TagA,TagB', count: 6 };
    await send('Sql', { ...words, body: 'blue', property: 'blue' });
    await send('Sql', { ...words, body: 'red', property: 'red' });
    await send('Sql', { body: 'end', tags: 'TagA', property: 'blue' });
    const expected = ['blue-0', 'blue-2', 'blue-4', 'end-0'];
    expect(sorted(await peer().untilReceived('sql', 4))).toEqual(expected);
    await peer().run('lite-open', {
      ...base('Sql'),
      group: `g-SqlLite-${suffix}`,
      id: 'sql-lite',
      sql,
    });
    await peer().run('lite-poll', { id: 'sql-lite', count: 4 });
    expect(sorted(peer().received('sql-lite'))).toEqual(expected);
    await peer().run('stop', { id: 'sql-lite' });
    await peer().run('stop', { id: 'sql' });
  });

  it('is refused with an expression that is none', async () => {
    const words = { ...base('Sql'), group: `g-SqlBroken-${suffix}`, id: 'broken' };
    await expect(peer().run('push', { ...words, sql: "colour = 'blue' AND" })).rejects.toThrow();
  });
});

/** Clients wait ten seconds before they follow a correction, so all versions wait together. */
describe(`Java clients ${clientVersions.join(', ')} moved by others at ${serverName}`, () => {
  const group = (what: string, version: string) => `g-${what}-${version.replaceAll('.', '')}`;
  const topicOf = (what: string, version: string) => `${what}-${version.replaceAll('.', '')}`;
  const all = [...clientVersions];

  async function consumers(what: string): Promise<void> {
    for (const version of all) {
      const words = { group: group(what, version), topic: topicOf(what, version) };
      const ns = servers.nameServers;
      await peers.get(version)?.run('push', { ...words, ns, id: what });
    }
  }

  it('read anew from where an operator has set their running group', async () => {
    for (const version of all) {
      const topic = topicOf('Reset', version);
      await peers.get(version)?.run('topic', { id: 'p', topic });
      await peers.get(version)?.send('send', { id: 'p', topic, body: 'm', count: 6 });
    }
    await consumers('Reset');
    for (const version of all) await peers.get(version)?.untilReceived('Reset', 6, deadline);
    for (const version of all) {
      const place = ['-n', servers.nameServers, '-t', topicOf('Reset', version)];
      const command = ['resetOffsetByTime', '-s', '0', '-g', group('Reset', version), ...place];
      const { out } = await operator.admin(command);
      expect(out).toContain(servers.brokerName);
    }
    for (const version of all) {
      const peer = peers.get(version) as JavaPeer;
      const times = (body: string) =>
        peer.received('Reset').filter((one) => one.body === body).length;
      await peer.program.until(
        'every message twice',
        deadline,
        () => numbered('m', 6).every((body) => times(body) >= 2) || undefined,
      );
    }
  });

  it('go on when the offset of their group lies beyond the end of the queue', async () => {
    const broker = servers.brokerName;
    for (const version of all) {
      const peer = peers.get(version) as JavaPeer;
      const topic = topicOf('Beyond', version);
      await peer.run('topic', { id: 'p', topic, queues: 1 });
      await peer.send('send', { id: 'p', topic, body: 'old', count: 3 });
      const ns = servers.nameServers;
      await peer.run('puller', { id: 'mover', ns, group: group('Beyond', version) });
      // A pull makes the group known; a stranger's offsets are refused.
      await peer.run('pull', { id: 'mover', topic, broker, queue: 0, offset: 0 });
      await peer.run('store-offset', { id: 'mover', topic, broker, queue: 0, offset: 700 });
      await peer.run('stop', { id: 'mover' });
    }
    await consumers('Beyond');
    await Promise.all(
      all.map(async (version) => {
        const peer = peers.get(version) as JavaPeer;
        const topic = topicOf('Beyond', version);
        let next = 0;
        // What is sent before the correction may lie before the corrected offset.
        await eventually(`a message at ${version}`, deadline, async () => {
          await peer.send('send', { id: 'p', topic, body: 'new', first: next++ });
          return peer.received('Beyond').some(({ body }) => body.startsWith('new')) || undefined;
        });
      }),
    );
  });
});
