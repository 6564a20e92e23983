import { rmSync } from 'node:fs';
import { eventually } from '../support/eventually.js';
import {
  askByHand,
  createTopic,
  JavaPeer,
  prepareJava,
  startJavaBroker,
  startJavaNameserver,
  temporaryFolder,
  untilRegistered,
  type JavaBroker,
  type JavaNameserver,
  type SentEvent,
  type ServerVersion,
} from '../support/java.js';
import { startOurBroker, startOurNameserver } from '../support/our-servers.js';
import type { SteeredClient } from './client-list.js';
import { OurPeer } from './our-peer.js';

/**
 * One cluster of an official broker and ours, known to an official name server and to ours: whoever
 * asks whichever, sees the whole of it.
 */
const versions: readonly ServerVersion[] = ['4.9.7', '5.3.3', '5.5.0'];
const names = ['broker-java', 'broker-ours'];
const seconds = 60_000;

/** Brokers of 5.x can beat, by the request of 5.0 or by asking for the data version. */
const silence = 15_000;
/** How often a name server looks for the silent. */
const scan = 5000;
function beats(version: ServerVersion): Record<string, string | number | boolean> {
  if (version === '4.9.7') return {};
  return {
    enableSlaveActingMaster: true,
    brokerNotActiveTimeoutMillis: silence,
    compatibleWithOldNameSrv: version === '5.5.0',
  };
}

type OurProgram = Awaited<ReturnType<typeof startOurNameserver>>;

beforeAll(() => prepareJava());

describe.each(versions)('a cluster of a Java %s broker and ours', (version) => {
  const store = temporaryFolder('mixed-store');
  const folder = temporaryFolder('mixed-client');
  let javaNames: JavaNameserver;
  let ourNames: OurProgram;
  let javaBroker: JavaBroker;
  let ourBroker: Awaited<ReturnType<typeof startOurBroker>>;
  let java: JavaPeer;
  let ours: OurPeer;
  let registeredAt: number;

  beforeAll(async () => {
    javaNames = await startJavaNameserver(version);
    ourNames = await startOurNameserver();
    const nameServers = `${javaNames.address};${ourNames.address}`;
    // What neither side does by default: ask for the data version, compress, beat in between.
    const started = { forceRegister: false, registerNameServerPeriod: 60_000, ...beats(version) };
    javaBroker = await startJavaBroker(version, { nameServers, properties: started });
    ourBroker = await startOurBroker({
      nameServers,
      storeDir: store,
      properties: { compressedRegister: true, forceRegister: false, ...beats(version) },
    });
    registeredAt = Date.now();
    for (const { address } of [javaNames, ourNames]) {
      await untilRegistered(address, ourBroker.address);
    }
    java = await JavaPeer.start(version);
    ours = new OurPeer({ broker: ourBroker.address, folder });
  });

  afterAll(async () => {
    await ours?.close();
    await java?.close();
    await ourBroker?.program.stop();
    await javaBroker?.kill();
    await ourNames?.program.stop();
    await javaNames?.kill();
    for (const each of [store, folder]) rmSync(each, { recursive: true, force: true });
  });

  const places = [
    ['an official name server', () => javaNames.address],
    ['our name server', () => ourNames.address],
  ] as const;

  const brokersIn = (answer: string): string[] =>
    names.filter((name) => answer.includes(`"${name}"`));

  async function topicOnBoth(topic: string): Promise<void> {
    for (const { address } of [javaBroker, ourBroker]) await createTopic(address, topic, 2);
    for (const { address } of [javaNames, ourNames]) {
      await eventually(`a route of ${topic} over both at ${address}`, seconds, async () => {
        const answer = await askByHand(address, 105, { topic });
        return brokersIn(answer).length === 2 ? true : undefined;
      });
    }
  }

  it('stands whole in the cluster list of both name servers', async () => {
    for (const [, place] of places) {
      const answer = await askByHand(place(), 106);
      expect(brokersIn(answer)).toEqual(names);
      expect(answer).toContain(`"${javaBroker.address}"`);
      expect(answer).toContain(`"${ourBroker.address}"`);
      const { out } = await java.admin(['clusterList', '-n', place()]);
      for (const name of names) expect(out).toContain(name);
    }
  });

  it.each(places)(
    'carries a topic on both brokers for clients that ask %s',
    async (what, place) => {
      const ns = place();
      const suffix = what.split(' ')[0];
      const topic = `Mixed-${suffix}`;
      await topicOnBoth(topic);
      const clients: readonly (readonly [string, SteeredClient])[] = [
        ['java', java],
        ['ours', ours],
      ];
      for (const [id, client] of clients) {
        const group = `g-${id}-${suffix}`;
        await client.run('producer', { id: `p-${id}-${suffix}`, ns, group: `p-${group}` });
        await client.run('push', { id: `c-${id}-${suffix}`, ns, group, topic });
      }
      const bodies: string[] = [];
      for (const [id, client] of clients) {
        const words = { id: `p-${id}-${suffix}`, topic, body: id, count: 8 };
        const sent: SentEvent[] = await client.send('send', words);
        expect(sent.map(({ status }) => status)).toEqual(Array(8).fill('SEND_OK'));
        expect([...new Set(sent.map(({ broker }) => broker))].toSorted()).toEqual(names);
        bodies.push(...sent.map(({ body }) => body));
      }
      for (const [id, client] of clients) {
        const received = await client.untilReceived(`c-${id}-${suffix}`, 16, seconds);
        expect(received.map(({ body }) => body).toSorted()).toEqual(bodies.toSorted());
      }
    },
  );

  if (version !== '4.9.7') {
    it('stays whole as long as its brokers beat', async () => {
      await eventually('more than the silence they asked for', seconds, () =>
        Date.now() - registeredAt > silence + 2 * scan ? true : undefined,
      );
      for (const [, place] of places) {
        expect(brokersIn(await askByHand(place(), 106))).toEqual(names);
      }
    });
  }

  it('is the rest of it when one of its brokers has left, and whole when it is back', async () => {
    const ns = ourNames.address;
    const topic = 'Mixed-leaving';
    await topicOnBoth(topic);
    await java.run('producer', { id: 'leaving', ns, group: 'p-leaving' });
    await ourBroker.program.stop();
    for (const [, place] of places) {
      await eventually(`our broker gone at ${place()}`, seconds, async () =>
        brokersIn(await askByHand(place(), 106)).join() === 'broker-java' ? true : undefined,
      );
    }
    const sent = await java.send('send', { id: 'leaving', topic, body: 'rest', count: 4 });
    expect(new Set(sent.map(({ broker }) => broker))).toEqual(new Set(['broker-java']));
    ourBroker = await startOurBroker({
      nameServers: `${javaNames.address};${ns}`,
      storeDir: store,
      properties: { compressedRegister: true, ...beats(version) },
    });
    for (const [, place] of places) await untilRegistered(place(), ourBroker.address);
    for (const [, place] of places) {
      expect(brokersIn(await askByHand(place(), 105, { topic }))).toEqual(names);
    }
  });
});
