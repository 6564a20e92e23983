import { rmSync } from 'node:fs';
import {
  clientVersions,
  createTopic,
  freePorts,
  JavaPeer,
  prepareJava,
  startJavaBroker,
  startJavaNameserver,
  temporaryFolder,
  type RunningProgram,
  type ServerVersion,
} from '../support/java.js';
import { startOurBroker, startOurNameserver } from '../support/our-servers.js';

/**
 * Official producers and consumers while the broker is killed and started again, all versions at
 * once. INTEROP_SERVER=4.9.7|5.3.3|5.5.0 does the same to an official broker.
 */
const serverName = process.env['INTEROP_SERVER'] ?? 'ours';
const kills = 2;
const beforeKill = 150;
const deadline = 90_000;

interface Broker {
  readonly address: string;
  readonly program: RunningProgram;
}

const storeDir = temporaryFolder('kill-store');
let nameserver: { readonly address: string; readonly program: RunningProgram };
let broker: Broker;
let port: number;
const peers: JavaPeer[] = [];

async function startBroker(): Promise<Broker> {
  const options = { nameServers: nameserver.address, storeDir, port };
  if (serverName === 'ours') return startOurBroker(options);
  return startJavaBroker(serverName as ServerVersion, options);
}

beforeAll(async () => {
  prepareJava();
  nameserver =
    serverName === 'ours'
      ? await startOurNameserver()
      : await startJavaNameserver(serverName as ServerVersion);
  port = await freePorts([-2, 0, 1]);
  broker = await startBroker();
  for (const version of clientVersions) peers.push(await JavaPeer.start(version));
});

afterAll(async () => {
  await Promise.all(peers.map((peer) => peer.close()));
  await broker?.program.kill();
  await nameserver?.program.kill();
  rmSync(storeDir, { recursive: true, force: true });
});

const topicOf = (peer: JavaPeer): string => `Killed-${peer.version.replaceAll('.', '')}`;
const bodiesOf = (peer: JavaPeer): string[] =>
  peer.program.events('flowed').map((event) => String(event['body']));

describe(`Java clients ${clientVersions.join(', ')} while the broker (${serverName}) is killed`, () => {
  it('go on by themselves each time it is back', async () => {
    const ns = nameserver.address;
    for (const peer of peers) {
      const topic = topicOf(peer);
      await createTopic(broker.address, topic, 4);
      await peer.run('push', { id: 'c', ns, group: `g-${topic}`, topic });
      await peer.run('flow', { id: 'f', ns, group: `p-${topic}`, topic, body: 'm' });
    }
    for (let kill = 1; kill <= kills; kill += 1) {
      const enough = peers.map((peer) => bodiesOf(peer).length + beforeKill);
      await Promise.all(peers.map((peer, i) => peer.untilEvents('flowed', enough[i]!, deadline)));
      await broker.program.kill();
      broker = await startBroker();
    }
    const enough = peers.map((peer) => bodiesOf(peer).length + beforeKill);
    await Promise.all(peers.map((peer, i) => peer.untilEvents('flowed', enough[i]!, deadline)));
  });

  it.each(clientVersions)(
    'of version %s get every message that was acknowledged',
    async (version) => {
      const peer = peers.find((one) => one.version === version) as JavaPeer;
      await peer.run('flow-stop', { id: 'f' });
      const acknowledged = bodiesOf(peer);
      expect(acknowledged.length).toBeGreaterThanOrEqual((kills + 1) * beforeKill);
      const missing = () => {
        const received = new Set(peer.received('c').map(({ body }) => body));
        return acknowledged.filter((body) => !received.has(body));
      };
      await peer.program
        .until('every acknowledged message', deadline, () => missing().length === 0 || undefined)
        .catch(() => undefined);
      expect(missing()).toEqual([]);
    },
  );
});
