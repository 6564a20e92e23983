import { writeFileSync } from 'node:fs';
import { PullConsumer } from '@nestjs-rocketmq/client';
import { PropertyName, SystemTopic } from '@nestjs-rocketmq/message';
import { createTopic, JavaPeer, prepareJava, startJavaServers } from '../../support/java.js';
import { eventually } from '../../support/eventually.js';
import {
  goldenTracesPath,
  tracingVersions,
  type GoldenTrace,
  type TracingVersion,
} from '../golden-traces.js';

const properties = {
  traceTopicEnable: true,
  transactionTimeOut: 1_000,
  transactionCheckInterval: 1_000,
  messageDelayLevel: '1s 2s 3s',
};
const trace = true;
const deadline = 60_000;

beforeAll(() => prepareJava());

it.each(tracingVersions)('records the traces of the client %s', async (version) => {
  const server = version === '4.9.8' ? '4.9.7' : version;
  const servers = await startJavaServers(server, { properties });
  await createTopic(servers.broker.address, 'Traced', 2);
  const { nameServers } = servers;
  const peer = await JavaPeer.start(version);
  await play(peer, nameServers);
  await peer.close();
  const traces = await readTraces(nameServers, servers.broker.name);
  await servers.close();
  writeFileSync(
    goldenTracesPath(version as TracingVersion),
    `${JSON.stringify(traces, undefined, 1)}\n`,
  );
});

/** Every kind of record: sends of all kinds, verdicts told and asked for, calls that end well or not. */
async function play(peer: JavaPeer, ns: string): Promise<void> {
  const topic = 'Traced';
  await peer.run('push', {
    id: 'c',
    ns,
    group: 'traced-concurrent',
    topic,
    trace,
    failing: 'late:1',
  });
  await peer.run('push', { id: 'o', ns, group: 'traced-orderly', topic, trace, mode: 'orderly' });
  await peer.run('producer', { id: 'p', ns, group: 'traced-producer', trace });
  await peer.run('transaction-producer', { id: 't', ns, group: 'traced-tx', trace });
  await peer.send('send', { id: 'p', topic, body: 'plain', tags: 'TagA', keys: 'key', count: 3 });
  await peer.send('send', { id: 'p', topic, body: 'bare' });
  await peer.send('send', { id: 'p', topic, body: 'late' });
  await peer.send('send', { id: 'p', topic, body: 'large', size: 9000 });
  await peer.send('send', { id: 'p', topic, body: 'delayed', delay: 1 });
  await peer.send('send', { id: 'p', topic, body: 'async', mode: 'async' });
  await peer.send('send', { id: 'p', topic, body: 'hashed', hash: 'h' });
  await peer.send('batch', { id: 'p', topic, body: 'batch', keys: 'b', count: 2 });
  await peer.send('transaction', { id: 't', topic, body: 'good', keys: 'k', local: 'commit' });
  await peer.send('transaction', { id: 't', topic, body: 'bad', tags: 'TagB', local: 'rollback' });
  await peer.send('transaction', { id: 't', topic, body: 'asked', check: 'commit' });
  await peer.untilReceived('o', 13, deadline);
  await peer.untilReceived('c', 14, deadline);
  for (const id of ['c', 'o', 'p', 't']) await peer.run('stop', { id });
}

async function readTraces(nameServers: string, brokerName: string): Promise<GoldenTrace[]> {
  const consumer = new PullConsumer({ nameServers, group: 'g-traces' });
  await consumer.start();
  const queue = { topic: SystemTopic.TRACE, brokerName, queueId: 0 };
  const { messages } = await eventually('the traces', deadline, async () => {
    const pulled = await consumer.pull(queue, '*', 0, 64);
    const records = pulled.messages.flatMap(({ text }) => text.split('\u0002'));
    const verdicts = records.filter((record) => record.startsWith('EndTransaction'));
    return verdicts.length >= 4 ? pulled : undefined;
  });
  await consumer.close();
  return messages.map((one) => ({
    keys: one.property(PropertyName.KEYS) ?? '',
    body: one.text,
  }));
}
