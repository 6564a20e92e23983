import { rmSync } from 'node:fs';
import { LitePullConsumer } from '@nestjs-rocketmq/client';
import { eventually } from '../support/eventually.js';
import {
  createTopic,
  JavaPeer,
  prepareJava,
  startJavaServers,
  temporaryFolder,
  type ServerVersion,
} from '../support/java.js';
import { startOurServers } from '../support/our-servers.js';
import { OurPeer } from './our-peer.js';

const serverName = process.env['INTEROP_SERVER'] ?? 'ours';
const folder = temporaryFolder('shared-group');

let servers: { nameServers: string; brokerAddress: string; close(): Promise<void> };

beforeAll(async () => {
  prepareJava();
  if (serverName === 'ours') {
    servers = await startOurServers();
  } else {
    const java = await startJavaServers(serverName as ServerVersion);
    servers = { ...java, brokerAddress: java.broker.address };
  }
});

afterAll(async () => {
  await servers?.close();
  rmSync(folder, { recursive: true, force: true });
});

const numbers = (count: number) => Array.from({ length: count }, (_, i) => i);

describe.each([
  ['4.9.8', 'concurrent'],
  ['5.3.3', 'concurrent'],
  ['5.3.3', 'orderly'],
] as const)('a Java consumer %s and ours in one group, %s', (version, mode) => {
  let java: JavaPeer;
  let ours: OurPeer;
  const topic = `Shared-${version.replaceAll('.', '')}-${mode}`;
  const group = `g-${topic}`;

  beforeAll(async () => {
    java = await JavaPeer.start(version);
    ours = new OurPeer({ broker: servers.brokerAddress, folder });
    await java.run('producer', { id: 'p', ns: servers.nameServers, group: 'g-producer-java' });
    await ours.run('producer', { id: 'p', ns: servers.nameServers, group: 'g-producer-ours' });
    await ours.run('topic', { topic, queues: 4 });
  });

  afterAll(async () => {
    await ours?.close();
    await java?.close();
  });

  const join = (peer: JavaPeer | OurPeer, id: string) =>
    peer.run('push', { id, ns: servers.nameServers, group, topic, mode });

  const owned = (javaCount: number, oursCount: number, javaId: string, oursId: string) =>
    eventually(`Java owns ${javaCount} queues and ours ${oursCount}`, 60_000, async () => {
      const theirs = javaCount === 0 ? [] : await java.queues(javaId);
      const own = oursCount === 0 ? [] : await ours.queues(oursId);
      const all = new Set([...theirs, ...own]);
      const fits = theirs.length === javaCount && own.length === oursCount && all.size === 4;
      return fits ? { theirs, own } : undefined;
    });

  const bodies = (peer: JavaPeer | OurPeer, id: string) =>
    new Set(peer.received(id).map((one) => one.body));

  async function sendRound(round: string): Promise<void> {
    await java.send('send', { id: 'p', topic, body: `${round}-java`, count: 20 });
    await ours.send('send', { id: 'p', topic, body: `${round}-ours`, count: 20 });
  }

  const missing = (rounds: readonly string[], sets: readonly Set<string>[]) =>
    rounds
      .flatMap((round) => ['java', 'ours'].map((from) => `${round}-${from}`))
      .flatMap((body) => numbers(20).map((i) => `${body}-${i}`))
      .filter((body) => !sets.some((set) => set.has(body)));

  const allArrived = (rounds: readonly string[], sets: () => Set<string>[]) =>
    eventually(`all messages of ${rounds.join()}`, 60_000, () =>
      missing(rounds, sets()).length === 0 ? true : undefined,
    );

  it('share the queues, each with one owner, and both consume', async () => {
    await join(java, 'j1');
    await join(ours, 'o1');
    const { theirs, own } = await owned(2, 2, 'j1', 'o1');
    expect(theirs.filter((queue) => own.includes(queue))).toEqual([]);
    await sendRound('first');
    await allArrived(['first'], () => [bodies(java, 'j1'), bodies(ours, 'o1')]);
    expect(bodies(java, 'j1').size).toBeGreaterThan(0);
    expect(bodies(ours, 'o1').size).toBeGreaterThan(0);
  });

  it('hand over to Java when ours stops', async () => {
    await ours.run('stop', { id: 'o1' });
    await owned(4, 0, 'j1', 'o1');
    await sendRound('second');
    await allArrived(['first', 'second'], () => [bodies(java, 'j1'), bodies(ours, 'o1')]);
    expect(missing(['second'], [bodies(java, 'j1')])).toEqual([]);
  });

  it('hand over to ours when Java stops, and nothing is lost', async () => {
    await join(ours, 'o2');
    await owned(2, 2, 'j1', 'o2');
    await java.run('stop', { id: 'j1' });
    await owned(0, 4, 'j1', 'o2');
    await sendRound('third');
    await allArrived(['third'], () => [bodies(ours, 'o2')]);
    const everybody = [bodies(java, 'j1'), bodies(ours, 'o1'), bodies(ours, 'o2')];
    expect(missing(['first', 'second', 'third'], everybody)).toEqual([]);
  });
});

describe.each(['4.9.8', '5.5.0'] as const)(
  'a Java lite pull consumer %s and ours in one group',
  (version) => {
    it('share the queues, and Java goes on where ours committed', async () => {
      const { nameServers, brokerAddress } = servers;
      const topic = `Lite-${version.replaceAll('.', '')}`;
      const group = `g-${topic}`;
      await using peer = await JavaPeer.start(version);
      await createTopic(brokerAddress, topic, 4);
      await peer.run('producer', { id: 'p', ns: nameServers, group: 'g-producer-lite' });
      await peer.send('send', { id: 'p', topic, body: 'before' });
      const ours = new LitePullConsumer({
        nameServers,
        group,
        subscriptions: [{ topic }],
        from: 'first',
        rebalanceInterval: 1_000,
      });
      await ours.start();
      expect((await ours.poll('60s'))?.messages.map((one) => one.text)).toEqual(['before-0']);
      await ours.commit();
      await peer.run('lite-open', { ns: nameServers, id: 'java', group, topic });
      await eventually('two queues for ours', 60_000, () =>
        ours.assignment().length === 2 ? true : undefined,
      );
      await ours.close();
      await peer.send('send', { id: 'p', topic, body: 'after', count: 4 });
      await peer.run('lite-poll', { id: 'java', count: 4, wait: 50_000 });
      const bodies = peer.received('java').map((one) => one.body);
      expect(bodies.toSorted()).toEqual(['after-0', 'after-1', 'after-2', 'after-3']);
    });
  },
);
