import { ClientAdmin, Producer, PushConsumer, type MessageTrace } from '@nestjs-rocketmq/client';
import {
  clientVersions,
  createTopic,
  JavaPeer,
  prepareJava,
  serverVersions,
  startJavaServers,
} from '../support/java.js';
import { eventually } from '../support/eventually.js';
import { startOurServers } from '../support/our-servers.js';

const deadline = 90_000;
const properties = { traceTopicEnable: true };
const enableTrace = true;

/** The operator, whose mqadmin asks. */
let operator: JavaPeer;

beforeAll(async () => {
  prepareJava();
  operator = await JavaPeer.start('5.3.3');
});

afterAll(() => operator?.close());

interface Servers {
  readonly nameServers: string;
  readonly address: string;
  close(): Promise<void>;
}

async function start(name: 'ours' | (typeof serverVersions)[number]): Promise<Servers> {
  if (name === 'ours') {
    const servers = await startOurServers({ properties });
    const { nameServers, brokerAddress: address } = servers;
    return { nameServers, address, close: () => servers.close() };
  }
  const servers = await startJavaServers(name, { properties });
  const { nameServers, broker } = servers;
  return { nameServers, address: broker.address, close: () => servers.close() };
}

describe.each(['ours', ...serverVersions] as const)('traces at the servers %s', (name) => {
  let servers: Servers;
  let admin: ClientAdmin;

  beforeAll(async () => {
    servers = await start(name);
    admin = new ClientAdmin({ nameServers: servers.nameServers, requestTimeout: '30s' });
    await createTopic(servers.address, 'Traced', 1);
    await eventually('the route', deadline, () =>
      admin.fetchPublishQueues('Traced').catch(() => undefined),
    );
  });

  afterAll(async () => {
    await admin?.close();
    await servers?.close();
  });

  const tracesOf = (msgId: string, count: number): Promise<readonly MessageTrace[]> =>
    eventually(`${count} traces of ${msgId}`, deadline, async () => {
      const traces = await admin.queryTrace(msgId).catch(() => []);
      return traces.length >= count ? traces : undefined;
    });

  it('of our clients are read by mqadmin', async () => {
    const { nameServers } = servers;
    const common = { nameServers, enableTrace, requestTimeout: '30s' };
    const producer = new Producer({ ...common, group: 'our-producers', sendTimeout: '30s' });
    await producer.start();
    const seen: string[] = [];
    const consumer = new PushConsumer({
      ...common,
      group: 'our-consumers',
      from: 'first',
      subscriptions: [{ topic: 'Traced' }],
      listener: (messages) => {
        seen.push(...messages.map((one) => one.msgId));
        return { kind: 'success' };
      },
    });
    await consumer.start();
    const { msgId } = await producer.send({ topic: 'Traced', body: Buffer.from('x'), keys: 'k' });
    await eventually('the message', deadline, async () =>
      seen.includes(msgId) ? true : undefined,
    );
    await Promise.all([producer.close(), consumer.close()]);
    await tracesOf(msgId, 3);
    const { out } = await operator.admin(['queryMsgTraceById', '-n', nameServers, '-i', msgId]);
    expect(out).toMatch(/Pub +our-producers +127\.0\.0\.1 .*success/);
    expect(out).toMatch(/Sub +our-consumers +127\.0\.0\.1 .*success/);
  });

  // From 5.x on Java traces no consumption at 4.x servers, which store no region with a message.
  const readable = name === '4.9.7' ? (['4.9.8'] as const) : (['5.3.3'] as const);
  it.each(name === 'ours' ? clientVersions : readable)(
    'of the Java client %s are read by us',
    async (version) => {
      const ns = servers.nameServers;
      const group = `java-${version.replaceAll('.', '')}`;
      await using peer = await JavaPeer.start(version);
      const trace = true;
      await peer.run('push', { id: 'c', ns, group, topic: 'Traced', trace });
      await peer.run('producer', { id: 'p', ns, group, trace });
      await peer.run('transaction-producer', { id: 't', ns, group: `${group}-tx`, trace });
      const [sent] = await peer.send('send', {
        id: 'p',
        topic: 'Traced',
        body: version,
        keys: 'k',
      });
      const [half] = await peer.send('transaction', {
        id: 't',
        topic: 'Traced',
        body: `half ${version}`,
        local: 'commit',
      });
      const received = (await peer.untilReceived('c', 1, deadline)).map(({ body }) => body);
      expect(received.length).toBeGreaterThan(0);
      await eventually('both messages', deadline, async () => {
        const bodies = peer.received('c').map(({ body }) => body);
        const isThere = (start: string) => bodies.some((body) => body.startsWith(start));
        return isThere(version) && isThere(`half ${version}`) ? true : undefined;
      });
      // Java's clients may lose what they have not traced yet when they are stopped: they go on here.
      const traces = await tracesOf(sent?.msgId ?? '', 3);
      expect(traces.map(({ kind }) => kind).toSorted()).toEqual(['Pub', 'SubAfter', 'SubBefore']);
      const pub = traces.find((one) => one.kind === 'Pub');
      expect(pub).toMatchObject({ group, topic: 'Traced', success: true, keys: 'k0' });
      const verdicts = (await tracesOf(half?.msgId ?? '', 4)).filter(
        (one) => one.kind === 'EndTransaction',
      );
      expect(verdicts).toMatchObject([{ state: 'COMMIT_MESSAGE', group: `${group}-tx` }]);
    },
  );
});
