import { createTopic, JavaPeer, type AdminEvent } from '../support/java.js';
import { eventually } from '../support/eventually.js';

export interface AdminPlace {
  readonly nameServers: string;
  readonly brokerAddress: string;
}

/** The broker's name in the scenario; it stands in what mqadmin prints. */
export const adminBrokerName = 'broker-a';

/** What every command printed, by a name of ours; in the order in which they ran. */
export type AdminOutputs = Map<string, AdminEvent>;

const topic = 'AdminTopic';
const group = 'g-admin';

/** The scenario of an operator's day with mqadmin 5.3.3, on whichever servers. */
export async function playAdmin(place: AdminPlace): Promise<AdminOutputs> {
  const peer = await JavaPeer.start('5.3.3');
  const outputs: AdminOutputs = new Map();
  const ns = place.nameServers;
  const run = async (name: string, ...args: string[]): Promise<string> => {
    const event = await peer.admin([...args, '-n', ns]);
    outputs.set(name, event);
    return event.out;
  };
  try {
    await createTopic(place.brokerAddress, 'Unrelated', 1);
    await run('clusterList', 'clusterList');
    await run(
      'updateTopic',
      'updateTopic',
      '-c',
      'DefaultCluster',
      '-t',
      topic,
      '-r',
      '2',
      '-w',
      '2',
    );
    await run(
      'updateTopic at an address',
      'updateTopic',
      '-b',
      place.brokerAddress,
      '-t',
      'Dropped',
    );
    await run('updateSubGroup', 'updateSubGroup', '-c', 'DefaultCluster', '-g', group, '-r', '3');
    await peer.run('producer', { id: 'p', ns, group: 'g-admin-producer' });
    const sent = await sendTwo(peer, adminBrokerName);
    await run(
      'sendMessage',
      'sendMessage',
      '-t',
      topic,
      '-p',
      'from mqadmin',
      '-k',
      'akey',
      '-c',
      'TagA',
      '-b',
      adminBrokerName,
      '-i',
      '1',
    );
    await peer.run('push', { id: 'c', ns, group, topic });
    await peer.untilReceived('c', 3);
    await untilCommitted(peer, ns);
    await lookAround(run, place, sent.offsetMsgId);
    await peer.run('stop', { id: 'c' });
    await run('consumerConnection offline', 'consumerConnection', '-g', group);
    await run('consumerProgress all', 'consumerProgress');
    await run('deleteTopic', 'deleteTopic', '-c', 'DefaultCluster', '-t', 'Dropped');
    await run('topicList after', 'topicList');
    await run('topicRoute of nothing', 'topicRoute', '-t', 'Dropped');
  } finally {
    await peer.close();
  }
  return outputs;
}

async function sendTwo(peer: JavaPeer, broker: string) {
  const words = { id: 'p', topic, broker, tags: 'TagA', keys: 'key', property: 'blue' };
  const [first] = await peer.send('send', { ...words, queue: 0, body: 'first' });
  await peer.send('send', { ...words, queue: 0, body: 'second' });
  if (first === undefined) throw new Error('nothing was sent');
  return first;
}

/** The consumer gives its offsets to the broker every second. */
async function untilCommitted(peer: JavaPeer, ns: string): Promise<void> {
  await eventually('offsets of the consumer at the broker', 30_000, async () => {
    const { out } = await peer.admin(['consumerProgress', '-g', group, '-n', ns]);
    return /Consume Diff Total: 0/.test(out) && new RegExp(`^${topic} `, 'm').test(out)
      ? true
      : undefined;
  });
}

async function lookAround(
  run: (name: string, ...args: string[]) => Promise<string>,
  place: AdminPlace,
  offsetMsgId: string,
): Promise<void> {
  await run('topicList', 'topicList');
  await run('topicList with clusters', 'topicList', '-c');
  await run('topicRoute', 'topicRoute', '-t', topic);
  await run('topicRoute as a list', 'topicRoute', '-t', topic, '-l');
  await run('topicStatus', 'topicStatus', '-t', topic);
  await run(
    'consumeMessage',
    'consumeMessage',
    '-t',
    topic,
    '-b',
    adminBrokerName,
    '-i',
    '0',
    '-o',
    '0',
    '-c',
    '2',
  );
  await run('queryMsgById', 'queryMsgById', '-t', topic, '-i', offsetMsgId);
  await run(
    'queryMsgByOffset',
    'queryMsgByOffset',
    '-t',
    topic,
    '-b',
    adminBrokerName,
    '-i',
    '0',
    '-o',
    '1',
  );
  await run('consumerProgress', 'consumerProgress', '-g', group);
  await run('consumerProgress with clients', 'consumerProgress', '-g', group, '-s', 'true');
  await run('consumerConnection', 'consumerConnection', '-g', group);
  await run('producerConnection', 'producerConnection', '-g', 'g-admin-producer', '-t', topic);
  await run('brokerStatus', 'brokerStatus', '-b', place.brokerAddress);
  await run('getBrokerConfig', 'getBrokerConfig', '-b', place.brokerAddress);
}

/** What differs from run to run, taken out; blanks of the columns made one. */
export function normalised(output: string, place: AdminPlace): string {
  return output
    .replaceAll(place.brokerAddress, 'BROKER')
    .replaceAll(place.nameServers, 'NAMESERVER')
    .replace(/\b[0-9A-F]{32,58}\b/g, 'ID')
    .replace(/\d{4}-\d\d-\d\d[ ,]\d\d:\d\d:\d\d(,\d+)?/g, 'TIME')
    .replace(/\b1[789]\d{11}\b/g, 'MILLIS')
    .replace(/\/?\d+\.\d+\.\d+\.\d+(:\d+)?/g, 'HOST')
    .replace(/\d+\.\d+@\S+|HOST@\S+/g, 'CLIENT')
    .replace(/commitLogOffset=\d+|CommitLog Offset: +\d+/g, 'POSITION')
    .replace(/storeSize=\d+/g, 'SIZE')
    .replace(/\/tmp\/\S+/g, 'FILE')
    .replace(/\b\d+\.\d+\b/g, 'N.N')
    .replace(/[ \t]+/g, ' ')
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')
    .join('\n');
}
