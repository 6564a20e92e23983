import { writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  freePorts,
  JavaPeer,
  prepareJava,
  startJavaBroker,
  startJavaNameserver,
  type ClientVersion,
  type HeaderFormName,
  type ServerVersion,
} from '../../support/java.js';
import { FrameRelay } from '../../support/frame-relay.js';
import { FrameCollector, requestCodeNames, type GoldenFrame } from './frame-collector.js';
import { playMainPath } from './main-path.js';
import { registerRarely } from './rare-calls.js';

const golden = join(dirname(fileURLToPath(import.meta.url)), '..', 'golden');
const pairs: ReadonlyArray<readonly [ServerVersion, ClientVersion]> = [
  ['4.9.7', '4.9.8'],
  ['5.3.3', '5.3.3'],
  ['5.5.0', '5.5.0'],
];
const byVersion = new Map<string, GoldenFrame[]>();

beforeAll(() => prepareJava());

describe('golden frames', () => {
  for (const [server, client] of pairs) {
    for (const form of ['json', 'binary'] as const) {
      it(`records client ${client} and server ${server} speaking ${form}`, async () => {
        const frames = await record(server, client, form);
        for (const [version, list] of frames) {
          byVersion.set(version, [...(byVersion.get(version) ?? []), ...list]);
        }
        expect(frames.size).toBeGreaterThan(0);
      });
    }
  }

  it('writes them by version of the writer', () => {
    for (const [version, frames] of byVersion) {
      frames.sort((a, b) => order(a).localeCompare(order(b)));
      const lines = frames.map((frame) => JSON.stringify(frame));
      writeFileSync(join(golden, `frames-${version}.jsonl`), `${lines.join('\n')}\n`);
    }
  });
});

function order(frame: GoldenFrame): string {
  return `${String(frame.code).padStart(8)} ${frame.direction === 'request' ? 0 : 1} ${frame.form}`;
}

async function record(
  server: ServerVersion,
  client: ClientVersion,
  form: HeaderFormName,
): Promise<Map<string, GoldenFrame[]>> {
  const collector = new FrameCollector();
  const brokerPort = await freePorts([-2, 0, 1]);
  const relayPort = await freePorts();
  const nameserver = await startJavaNameserver(server, { form });
  const names = await FrameRelay.start({
    target: nameserver.address,
    replace: [[`127.0.0.1:${brokerPort}`, `127.0.0.1:${relayPort}`]],
    onFrame: (frame) => collector.collect('nameserver', 'n', frame),
  });
  const messages = await FrameRelay.start({
    target: `127.0.0.1:${brokerPort}`,
    port: relayPort,
    onFrame: (frame) => collector.collect('broker', 'b', frame),
  });
  const broker = await startJavaBroker(server, {
    form,
    nameServers: names.address,
    registeredAt: nameserver.address,
    port: brokerPort,
    properties: {
      transactionTimeOut: 2000,
      transactionCheckInterval: 2000,
      messageDelayLevel: '1s 2s 3s',
      defaultTopicQueueNums: 4,
      registerNameServerPeriod: 10_000,
      enablePropertyFilter: true,
      ...(server === '4.9.7' ? {} : { useServerSideResetOffset: false }),
    },
  });
  const peer = await JavaPeer.start(client, { form });
  const plain = await JavaPeer.start(client, {
    form,
    jvm: ['-XX:TieredStopAtLevel=1', '-Dorg.apache.rocketmq.client.sendSmartMsg=false'],
  });
  const admin = server === client ? peer : await JavaPeer.start(server, { form });
  const played = playMainPath({
    peer,
    plain,
    admin,
    nameServers: names.address,
    broker: broker.name,
    brokerAddress: messages.address,
    relayPort,
  }).then(() =>
    registerRarely(server, collector, admin, {
      form,
      nameServers: names.address,
      registeredAt: nameserver.address,
    }),
  );
  const failure = await played.then(
    () => undefined,
    (error: unknown) => error,
  );
  await plain.close();
  await peer.close();
  await admin.close();
  await broker.stop();
  await nameserver.stop();
  await messages.close();
  await names.close();
  if (failure !== undefined) throw failure;
  return collector.golden(server, await requestCodeNames(server));
}
