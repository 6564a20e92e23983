import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryFolder, type JavaPeer } from '../../support/java.js';
import { callRarely } from './rare-calls.js';

export interface MainPathPlace {
  peer: JavaPeer;
  /** A client that sends with the long field names (code 10). */
  plain: JavaPeer;
  /** A peer whose class path has mqadmin. */
  admin: JavaPeer;
  nameServers: string;
  broker: string;
  brokerAddress: string;
  relayPort: number;
}

/** Lets official clients and mqadmin ask everything that the main path answers. */
export async function playMainPath(place: MainPathPlace): Promise<void> {
  const { peer, nameServers } = place;
  const cluster = 'DefaultCluster';
  const admin = async (...args: string[]) => {
    const { out, err } = await place.admin.admin([...args, '-n', nameServers]);
    if (!/success/.test(out)) throw new Error(`${args.join(' ')}: ${out}\n${err}`);
  };
  await admin('updateTopic', '-c', cluster, '-t', 'Golden', '-r', '2', '-w', '2');
  await admin('updateTopic', '-c', cluster, '-t', 'GoldenOrdered', '-r', '2', '-w', '2');
  await admin('updateSubGroup', '-c', cluster, '-g', 'golden-consumer', '-r', '2');
  await sendAndConsume(place);
  await transact(place);
  await administer(place);
  await peer.run('stop', { id: 'c1' });
  await admin('deleteSubGroup', '-c', cluster, '-g', 'golden-consumer', '-r', 'true');
  await admin('deleteTopic', '-c', cluster, '-t', 'GoldenOrdered');
}

async function sendAndConsume({ peer, plain, nameServers: ns, broker, relayPort }: MainPathPlace) {
  await peer.run('push', {
    id: 'c1',
    ns,
    group: 'golden-consumer',
    topic: 'Golden',
    fail: 1,
    level: 1,
  });
  await peer.run('push', {
    id: 'o1',
    ns,
    group: 'golden-orderly',
    topic: 'GoldenOrdered',
    mode: 'orderly',
  });
  await peer.run('producer', { id: 'p', ns, group: 'golden-producer' });
  await plain.run('producer', { id: 'q', ns, group: 'golden-producer' });
  const [first] = await peer.send('send', {
    id: 'p',
    topic: 'Golden',
    tags: 'TagA',
    keys: 'key',
    property: 'blue ü 蓝',
    count: 2,
  });
  await peer.send('send', { id: 'p', topic: 'Golden', mode: 'oneway' });
  await peer.send('send', { id: 'p', topic: 'Golden', delay: 1 });
  await peer.send('send', { id: 'p', topic: 'GoldenOrdered', hash: 'order', count: 4 });
  await peer.send('send', { id: 'p', topic: 'GoldenAuto' });
  await peer.send('batch', { id: 'p', topic: 'Golden', tags: 'TagB', count: 3 });
  await plain.send('send', { id: 'q', topic: 'Golden', tags: 'TagA' });
  await plain.send('send', { id: 'q', topic: 'Golden', mode: 'oneway' });
  await plain.send('batch', { id: 'q', topic: 'Golden', count: 2 });
  await peer.untilReceived('c1', 10);
  await peer.untilReceived('o1', 4);
  await peer.run('ask', {
    id: 'p',
    topic: 'Golden',
    broker,
    queue: first?.queueId ?? 0,
    time: Date.now(),
    view: throughRelay(first?.offsetMsgId ?? '', relayPort),
  });
  await peer.run('topic', { id: 'p', topic: 'GoldenMade' });
  await peer.run('lite', { id: 'l', ns, group: 'golden-lite', topic: 'GoldenOrdered', count: 4 });
  // A second member: the broker tells the first, and queues are shared anew.
  await peer.run('push', {
    id: 'o2',
    ns,
    group: 'golden-orderly',
    topic: 'GoldenOrdered',
    mode: 'orderly',
  });
  await untilShared(peer, 'o1', 'o2');
  await peer.run('stop', { id: 'o2' });
  await requestAndReply(peer, ns);
  // Refusals have frames too.
  await peer.run('send', { id: 'p', topic: 'Golden', queue: 9, broker }).catch(() => undefined);
  await peer.run('send', { id: 'p', topic: 'No%Topic' }).catch(() => undefined);
}

async function requestAndReply(peer: JavaPeer, ns: string): Promise<void> {
  const place = { ns, group: 'golden-reply', topic: 'GoldenMade' };
  await peer.run('push', { ...place, id: 'r1', reply: 'p' });
  await peer.run('push', {
    ns,
    id: 's1',
    group: 'golden-sql',
    topic: 'Golden',
    sql: "colour = 'blue'",
  });
  // Recorded where the reply comes in time; any one version is enough for these commands.
  const question = { id: 'p', topic: 'GoldenMade', body: 'question' };
  await peer.run('request', question).catch(() => undefined);
}

async function untilShared(peer: JavaPeer, one: string, other: string): Promise<void> {
  const deadline = Date.now() + 30_000;
  for (;;) {
    const [a, b] = [await peer.queues(one), await peer.queues(other)];
    if (a.length > 0 && b.length > 0) return;
    if (Date.now() > deadline)
      throw new Error(`queues are not shared: ${a.join()} and ${b.join()}`);
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

/** The id names the broker itself; its port is exchanged for the relay's. */
function throughRelay(offsetMsgId: string, port: number): string {
  return (
    offsetMsgId.slice(0, 8) +
    port.toString(16).toUpperCase().padStart(8, '0') +
    offsetMsgId.slice(16)
  );
}

async function transact({ peer, nameServers: ns }: MainPathPlace): Promise<void> {
  await peer.run('transaction-producer', { id: 't', ns, group: 'golden-tx' });
  for (const local of ['commit', 'rollback']) {
    await peer.send('transaction', { id: 't', topic: 'Golden', local });
  }
  await peer.send('transaction', { id: 't', topic: 'Golden', local: 'unknown', check: 'commit' });
  await peer.program.untilEvents('check', 1, 60_000);
  await peer.untilReceived('c1', 12);
}

async function administer(place: MainPathPlace): Promise<void> {
  const { admin, nameServers, broker, brokerAddress, peer } = place;
  const exported = temporaryFolder('export');
  const id = peer.received('c1')[0]?.msgId ?? '';
  const commands = [
    ['clusterList'],
    ['topicList'],
    ['topicList', '-c'],
    ['topicRoute', '-t', 'Golden'],
    ['topicRoute', '-t', 'NoSuchTopic'],
    ['topicStatus', '-t', 'Golden'],
    ['sendMessage', '-t', 'Golden', '-p', 'from mqadmin'],
    ['consumeMessage', '-t', 'Golden', '-c', '2'],
    // mqadmin of 4.9.7 refuses the topic here, and ends the process when it does.
    ['queryMsgById', ...(admin.version === '4.9.7' ? [] : ['-t', 'Golden']), '-i', id],
    ['queryMsgByOffset', '-t', 'Golden', '-b', broker, '-i', '0', '-o', '0'],
    ['consumerProgress', '-g', 'golden-consumer'],
    ['consumerProgress'],
    ['consumerConnection', '-g', 'golden-consumer'],
    ['producerConnection', '-g', 'golden-producer', '-t', 'Golden'],
    ['brokerStatus', '-b', brokerAddress],
    ['getBrokerConfig', '-b', brokerAddress],
    ['getConsumerConfig', '-g', 'golden-consumer'],
    ['updateTopicPerm', '-b', brokerAddress, '-t', 'Golden', '-p', '6'],
    [
      'cloneGroupOffset',
      '-s',
      'golden-consumer',
      '-d',
      'golden-clone',
      '-t',
      'Golden',
      '-o',
      'true',
    ],
    ['resetOffsetByTime', '-g', 'golden-consumer', '-t', 'Golden', '-s', 'now'],
    ['queryMsgByKey', '-t', 'Golden', '-k', 'key0'],
    ['exportMetadata', '-c', 'DefaultCluster', '-f', exported],
    ['cleanExpiredCQ', '-b', brokerAddress],
    ['cleanUnusedTopic', '-b', brokerAddress],
    ['deleteExpiredCommitLog', '-b', brokerAddress],
  ];
  if (admin.version !== '4.9.7') commands.push(...rareCommands(exported, brokerAddress, broker));
  for (const args of commands) await admin.admin([...args, '-n', nameServers]);
  await callRarely(place, id);
  await admin.run('group-config', {
    ns: nameServers,
    address: brokerAddress,
    group: 'golden-consumer',
  });
  rmSync(exported, { recursive: true, force: true });
}

/** Commands of which one recorded version is enough. */
function rareCommands(folder: string, address: string, broker: string): string[][] {
  const topics = join(folder, 'topics.json');
  const groups = join(folder, 'groups.json');
  const topic = { readQueueNums: 1, writeQueueNums: 1, perm: 6, order: false };
  writeFileSync(topics, JSON.stringify([{ ...topic, topicName: 'GoldenListed' }]));
  writeFileSync(groups, JSON.stringify([{ groupName: 'golden-listed' }]));
  return [
    ['updateTopicList', '-b', address, '-f', topics],
    ['updateSubGroupList', '-b', address, '-f', groups],
    ['updateBrokerConfig', '-b', address, '-k', 'defaultTopicQueueNums', '-v', '5'],
    ['updateNamesrvConfig', '-k', 'notifyMinBrokerIdChanged', '-v', 'false'],
    ['getNamesrvConfig'],
    ['updateKvConfig', '-s', 'GOLDEN', '-k', 'key', '-v', 'value'],
    ['updateOrderConf', '-t', 'GoldenMade', '-m', 'put', '-v', `${broker}:2`],
    ['updateOrderConf', '-t', 'GoldenMade', '-m', 'get'],
    ['deleteKvConfig', '-s', 'GOLDEN', '-k', 'key'],
    ['queryCq', '-t', 'Golden', '-q', '0', '-i', '0', '-b', address, '-g', 'golden-consumer'],
    ['consumerStatus', '-g', 'golden-consumer'],
    ['consumerProgress', '-g', 'golden-consumer', '-s', 'true'],
    ['statsAll', '-a'],
    ['topicClusterList', '-t', 'Golden'],
    ['brokerConsumeStats', '-b', address],
    ['wipeWritePerm', '-b', broker],
    ['addWritePerm', '-b', broker],
  ];
}
