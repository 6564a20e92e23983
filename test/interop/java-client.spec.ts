import {
  JavaPeer,
  prepareJava,
  startJavaServers,
  type ClientVersion,
  type HeaderFormName,
  type ServerVersion,
} from '../support/java.js';
import { startOurServers } from '../support/our-servers.js';
import {
  listBrokerProperties,
  ListPlace,
  promptOpMessages,
  sendAndConsume,
  type BehaviourList,
} from './client-list.js';
import { retryAndStop } from './client-list-retry.js';
import { transactions } from './client-list-transactions.js';

/**
 * Official clients against our servers. INTEROP_SERVER=4.9.7|5.3.3|5.5.0 runs the same list against
 * an official server instead: that is how the expectations were found.
 */
const serverName = process.env['INTEROP_SERVER'] ?? 'ours';
const clients: ReadonlyArray<readonly [ClientVersion, HeaderFormName, 'all' | 'send and consume']> =
  [
    ['4.9.8', 'json', 'all'],
    ['4.9.8', 'binary', 'all'],
    ['5.3.3', 'json', 'all'],
    ['5.3.3', 'binary', 'all'],
    ['5.5.0', 'json', 'send and consume'],
    ['5.5.0', 'binary', 'send and consume'],
  ];
const only = process.env['INTEROP_CLIENT'];

let servers: { nameServers: string; close(): Promise<void> };

beforeAll(async () => {
  prepareJava();
  servers =
    serverName === 'ours'
      ? await startOurServers({ properties: listBrokerProperties })
      : await startJavaServers(serverName as ServerVersion, {
          properties: {
            ...listBrokerProperties,
            ...(serverName === '4.9.7' ? {} : promptOpMessages),
          },
        });
});

afterAll(() => servers?.close());

describe.each(
  clients.filter(([version, form]) => only === undefined || only === `${version}-${form}`),
)(`Java client %s speaking %s against ${serverName}`, (version, form, extent) => {
  let peer: JavaPeer;

  beforeAll(async () => {
    peer = await JavaPeer.start(version, { form });
    await peer.run('producer', { id: 'p', ns: servers.nameServers, group: 'g-producer' });
  });

  afterAll(() => peer?.close());

  const suffix = `${version.replaceAll('.', '')}-${form}`;
  const place = new ListPlace(
    () => servers,
    () => peer,
    suffix,
  );
  const playsAll = ({ prepare, list }: BehaviourList) => {
    if (prepare !== undefined) beforeAll(() => prepare(place));
    for (const one of list) it(one.title, () => one.play(place));
  };
  playsAll(sendAndConsume);
  if (extent === 'all') {
    playsAll(retryAndStop);
    playsAll(transactions);
  }

  if (extent === 'all' && form === 'json') {
    it('another process of the group is asked when the sender was killed', async () => {
      const ns = servers.nameServers;
      const topic = `Killed-${place.suffix}`;
      const group = `g-killed-${place.suffix}`;
      await peer.run('topic', { id: 'p', topic });
      await peer.run('push', { id: 'mourner', ns, group: `${group}-consumer`, topic });
      await peer.run('transaction-producer', { id: 'survivor', ns, group });
      await peer.send('transaction', { id: 'survivor', topic, body: 'hello', local: 'commit' });
      const victim = await JavaPeer.start(version, { form });
      await victim.run('transaction-producer', { id: 'victim', ns, group });
      const words = { id: 'victim', topic, body: 'orphan', local: 'unknown', check: 'commit' };
      await victim.send('transaction', words);
      await victim.program.kill();
      const received = await peer.untilReceived('mourner', 2, 60_000);
      expect(received.map((one) => one.body)).toEqual(['hello-0', 'orphan-0']);
      const checks = (await peer.untilEvents('check', 1)).filter(
        (one) => one['body'] === 'orphan-0' && one['topic'] === topic,
      );
      expect(checks.at(-1)).toMatchObject({ id: 'survivor' });
    });
  }

  it('ends when everything is shut down', async () => {
    await peer.run('quit');
    await expect(peer.program.exited).resolves.toBe(0);
  });
});
