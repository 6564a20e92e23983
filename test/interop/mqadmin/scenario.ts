import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { eventually } from '../../support/eventually.js';
import { createTopic, JavaPeer, temporaryFolder, type AdminEvent } from '../../support/java.js';

export const adminVersions = ['5.3.3', '5.5.0'] as const;
export type AdminVersion = (typeof adminVersions)[number];

export interface AdminPlace {
  readonly nameServers: string;
  readonly brokerAddress: string;
}

/** The broker's name in the scenario; it stands in what mqadmin prints. */
export const adminBrokerName = 'broker-a';

/** Settings of the broker in the scenario. */
export const adminSettings = {
  brokerName: adminBrokerName,
  traceTopicEnable: true,
  diskMaxUsedSpaceRatio: 95,
  // A slow disk of a busy machine is no reason to answer busy; the official servers have the same.
  brokerFastFailureEnable: true,
  osPageCacheBusyTimeOutMills: 60_000,
  waitTimeMillsInSendQueue: 60_000,
};

/** What every command printed, by its line with places masked; in the order in which they ran. */
export type AdminOutputs = Map<string, AdminEvent>;

const topic = 'AdminTopic';
const group = 'g-admin';
const cluster = ['-c', 'DefaultCluster'];

/** The scenario of an operator's day with mqadmin of one version, on whichever servers. */
export async function playAdmin(version: AdminVersion, place: AdminPlace): Promise<AdminOutputs> {
  const peer = await JavaPeer.start(version);
  const folder = temporaryFolder('mqadmin');
  const day = new AdminDay(peer, place, folder);
  try {
    await createTopic(place.brokerAddress, 'Unrelated', 1);
    await day.prepare();
    await day.sendAndConsume();
    await day.lookAround();
    await day.moveGroups();
    await day.changeSettings();
    await day.cleanUp();
  } finally {
    await peer.close();
    rmSync(folder, { recursive: true, force: true });
  }
  return day.outputs;
}

interface Sent {
  readonly msgId: string;
  readonly offsetMsgId: string;
}

class AdminDay {
  readonly outputs: AdminOutputs = new Map();
  private first: Sent = { msgId: '', offsetMsgId: '' };
  /** In a topic of one queue. */
  private only: Sent = { msgId: '', offsetMsgId: '' };

  constructor(
    private readonly peer: JavaPeer,
    private readonly place: AdminPlace,
    private readonly folder: string,
  ) {}

  /** Topics and groups, their order and permissions. */
  async prepare(): Promise<void> {
    const { brokerAddress } = this.place;
    const at = ['-b', brokerAddress];
    await this.run();
    await this.run('clusterList');
    await this.run('updateTopic', ...cluster, '-t', topic, '-r', '2', '-w', '2');
    await this.run('updateTopic', ...at, '-t', 'Dropped');
    await this.run('updateTopic', ...cluster, '-t', 'Ordered', '-r', '2', '-w', '2', '-o', 'true');
    await this.run('updateTopic', ...at, '-t', 'Typed', '-a', '+message.type=FIFO');
    await this.run('updateTopic', ...at, '-t', 'Typed', '-a', '+message.type=DELAY,+no.such=1');
    await this.run('updateTopic', ...at, '-t', 'Units', '-u', 'true', '-s', 'true');
    await this.run('updateTopic', ...at, '-t', 'not a name');
    await this.run('updateTopic', ...at, '-t', 'SCHEDULE_TOPIC_XXXX');
    await this.run(
      'updateTopicList',
      ...at,
      '-f',
      this.file('topics', [listed('ListedA'), listed('ListedB')]),
    );
    await this.run('updateTopicPerm', ...at, '-t', 'Dropped', '-p', '4');
    await this.run('updateTopicPerm', ...at, '-t', 'Dropped', '-p', '4');
    await this.run('updateTopicPerm', ...cluster, '-t', 'NoSuchTopic', '-p', '4');
    await this.run('updateOrderConf', '-t', 'Ordered', '-m', 'get');
    await this.run('updateOrderConf', '-t', 'Ordered', '-m', 'put', '-v', `${adminBrokerName}:4`);
    await this.run('updateOrderConf', '-t', 'Ordered', '-m', 'get');
    await this.run('topicRoute', '-t', 'Ordered');
    await this.run('updateOrderConf', '-t', 'Ordered', '-m', 'delete');
    await this.run('updateOrderConf', '-t', 'Ordered', '-m', 'get');
    await this.run('updateSubGroup', ...cluster, '-g', group, '-r', '3');
    await this.run('updateSubGroup', ...at, '-g', 'g-other', '-d', 'true', '-p', exponential);
    await this.run('updateSubGroup', ...at, '-g', 'not a name');
    await this.run(
      'updateSubGroupList',
      ...at,
      '-f',
      this.file('groups', [{ groupName: 'g-listed' }]),
    );
    await this.run('getConsumerConfig', '-g', group);
    await this.run('getConsumerConfig', '-g', 'g-other');
    await this.run('getConsumerConfig', '-g', 'g-listed');
    await this.run('getConsumerConfig', '-g', 'g-nobody');
  }

  async sendAndConsume(): Promise<void> {
    const { peer, place } = this;
    const ns = place.nameServers;
    await peer.run('producer', { id: 'p', ns, group: 'g-admin-producer' });
    const words = { id: 'p', topic, broker: adminBrokerName, tags: 'TagA', keys: 'key' };
    const queue = { ...words, queue: 0, property: 'blue' };
    const [first] = await peer.send('send', { ...queue, body: 'first' });
    await peer.send('send', { ...queue, body: 'second' });
    const alone = { ...words, topic: 'ListedB', queue: 0, body: 'alone' };
    const [only] = await peer.send('send', alone);
    if (first === undefined || only === undefined) throw new Error('nothing was sent');
    this.first = first;
    this.only = only;
    const to = ['-b', adminBrokerName, '-i', '1'];
    await this.run(
      'sendMessage',
      '-t',
      topic,
      '-p',
      'from mqadmin',
      '-k',
      'akey',
      '-c',
      'TagB',
      ...to,
    );
    await this.run('sendMessage', '-t', 'Dropped', '-p', 'nobody may write', ...to);
    await peer.run('push', { id: 'c', ns, group, topic });
    await peer.untilReceived('c', 3);
    await this.until(
      'its offsets',
      ['consumerProgress', '-g', group],
      (out) => out.includes('Consume Diff Total: 0') && out.includes(`\n${topic} `),
    );
    await this.until('its keys', ['queryMsgByKey', '-t', topic, '-k', 'akey'], (out) =>
      /[0-9A-F]{32}/.test(out),
    );
  }

  async lookAround(): Promise<void> {
    // Statistics show what was counted before their last sample, which is taken every 10 s.
    await this.until('its statistics', ['statsAll', '-t', topic], (out) =>
      /g-admin .* 3 +3 *$/m.test(out),
    );
    await this.lookAtTopics();
    await this.lookAtMessages();
    await this.lookAtClients();
    await this.lookAtBroker();
  }

  /** Offsets of groups, online and not. */
  async moveGroups(): Promise<void> {
    const { peer } = this;
    const reset = (...args: string[]) => this.run('resetOffsetByTime', '-t', topic, ...args);
    const before = peer.received('c').length;
    await reset('-g', group, '-s', '0');
    // Three messages and the traced one; what never comes shows in the outputs.
    await peer.untilReceived('c', before + 4).catch(() => undefined);
    await this.until('its offsets again', ['consumerProgress', '-g', group], (out) =>
      out.includes('Consume Diff Total: 0'),
    );
    await this.run('cloneGroupOffset', '-s', group, '-d', 'g-other', '-t', topic, '-o', 'true');
    await this.run('consumerProgress', '-g', 'g-other', '-t', topic);
    await peer.run('stop', { id: 'c' });
    await this.run('consumerConnection', '-g', group);
    await this.run('consumerProgress');
    await reset('-g', 'g-other', '-s', '0');
    await reset('-g', 'g-other', '-s', 'now', '-b', this.place.brokerAddress, '-q', '0', '-o', '1');
    await reset('-g', 'g-nobody', '-s', '0');
    await this.run('skipAccumulatedMessage', '-g', 'g-other', '-t', topic);
    await this.run('brokerConsumeStats', '-b', this.place.brokerAddress);
  }

  async changeSettings(): Promise<void> {
    const at = ['-b', this.place.brokerAddress];
    const update = (key: string, value: string) =>
      this.run('updateBrokerConfig', ...at, '-k', key, '-v', value);
    await update('defaultTopicQueueNums', '5');
    await update('brokerConfigPath', '/tmp/elsewhere');
    await this.run('getBrokerConfig', ...at);
    await this.run('getNamesrvConfig');
    await this.run('updateNamesrvConfig', '-k', 'scanNotActiveBrokerInterval', '-v', '6000');
    await this.run('updateNamesrvConfig', '-k', 'noSuchSetting', '-v', '1');
    await this.run('updateKvConfig', '-s', 'ADMIN', '-k', 'key', '-v', 'value');
    await this.run('deleteKvConfig', '-s', 'ADMIN', '-k', 'key');
    await this.run('wipeWritePerm', '-b', adminBrokerName);
    await this.run('topicRoute', '-t', topic, '-l');
    await this.run('addWritePerm', '-b', adminBrokerName);
    await this.run('topicRoute', '-t', topic, '-l');
  }

  async cleanUp(): Promise<void> {
    const at = ['-b', this.place.brokerAddress];
    await this.run('cleanExpiredCQ', ...at);
    await this.run('cleanUnusedTopic', ...cluster);
    await this.run('deleteExpiredCommitLog', ...at);
    await this.run('deleteSubGroup', ...at, '-g', 'g-listed');
    await this.run('deleteSubGroup', ...cluster, '-g', group, '-r', 'true');
    await this.run('deleteTopic', ...cluster, '-t', 'Dropped');
    await this.run('deleteTopic', ...cluster, '-t', 'SCHEDULE_TOPIC_XXXX');
    await this.run('deleteTopic', ...cluster, '-t', 'NoSuchTopic');
    await this.run('topicList');
    await this.run('topicRoute', '-t', 'Dropped');
    await this.run('topicStatus', '-t', 'Dropped');
    await this.run('consumerProgress', '-g', group);
  }

  private async lookAtTopics(): Promise<void> {
    await this.run('topicList');
    await this.run('topicList', '-c');
    await this.run('topicRoute', '-t', topic);
    await this.run('topicRoute', '-t', topic, '-l');
    await this.run('topicStatus', '-t', topic);
    await this.run('topicClusterList', '-t', topic);
    await this.run('allocateMQ', '-t', topic, '-i', '10.0.0.1,10.0.0.2');
    await this.run('queryCq', '-t', topic, '-q', '0', '-i', '0', '-b', this.place.brokerAddress);
    await this.run('queryCq', '-t', topic, '-q', '0', '-i', '1', '-c', '1', '-g', group);
    await this.run('queryCq', '-t', topic, '-q', '7', '-i', '0', '-b', this.place.brokerAddress);
    await this.run('statsAll', '-t', topic);
    await this.run('statsAll', '-a');
  }

  private async lookAtMessages(): Promise<void> {
    const of = ['-t', topic];
    const queue = ['-b', adminBrokerName, '-i', '0'];
    await this.run('consumeMessage', ...of, ...queue, '-o', '0', '-c', '2');
    await this.run('consumeMessage', ...of, '-g', 'g-reader', '-c', '3');
    await this.run('queryMsgById', ...of, '-i', this.first.offsetMsgId);
    await this.run('queryMsgById', ...of, '-i', this.first.msgId);
    await this.run('queryMsgById', '-t', 'ListedB', '-i', this.only.offsetMsgId, '-s', 'true');
    await this.run('queryMsgByKey', ...of, '-k', 'akey');
    await this.run('queryMsgByKey', ...of, '-k', 'no such key');
    await this.run('queryMsgByUniqueKey', ...of, '-i', this.first.msgId);
    await this.run('queryMsgByOffset', ...of, ...queue, '-o', '1');
    await this.run('queryMsgByOffset', ...of, ...queue, '-o', '100');
    await this.run('printMsg', ...of, '-d', 'true');
    await this.run('printMsg', ...of, '-s', 'TagB', '-d', 'true');
    const byQueue = ['-a', adminBrokerName, '-i', '0', '-p', 'true', '-d', 'true', '-f', 'true'];
    await this.run('printMsgByQueue', ...of, ...byQueue);
    await this.run('checkMsgSendRT', '-t', 'ListedA', '-a', '2', '-s', '16');
    await this.run('sendMsgStatus', '-b', adminBrokerName, '-s', '16', '-c', '2');
    const { out } = await this.run('sendMessage', ...of, '-p', 'traced', '-m', 'true', ...queue);
    const traced = /[0-9A-F]{32}/.exec(out)?.[0] ?? '';
    const trace = ['queryMsgTraceById', '-i', traced];
    await this.until('its trace', trace, (text) => text.includes('Pub'));
    await this.run(...trace);
  }

  private async lookAtClients(): Promise<void> {
    const { brokerAddress } = this.place;
    await this.run('consumerProgress', '-g', group);
    await this.run('consumerProgress', '-g', group, '-s', 'true');
    await this.run('consumerProgress', '-g', group, '-t', topic);
    await this.run('consumerProgress', '-g', 'g-nobody');
    const { out } = await this.run('consumerConnection', '-g', group);
    await this.run('consumerConnection', '-g', group, '-b', brokerAddress);
    const clientId = /^\d+ +(\S+@\S+)/m.exec(out)?.[1] ?? /\S+@\S+/.exec(out)?.[0] ?? '';
    await this.run('consumerStatus', '-g', group);
    await this.run('consumerStatus', '-g', group, '-i', clientId);
    await this.run('consumerStatus', '-g', 'g-nobody');
    await this.run('producerConnection', '-g', 'g-admin-producer', '-t', topic);
    await this.run('producerConnection', '-g', 'g-nobody', '-t', topic);
    await this.run('producer', '-b', brokerAddress);
    const push = ['-g', group, '-d', clientId];
    await this.run('queryMsgById', '-t', topic, '-i', this.first.offsetMsgId, ...push);
    await this.run('queryMsgByUniqueKey', '-t', topic, '-i', this.first.msgId, ...push);
  }

  private async lookAtBroker(): Promise<void> {
    const at = ['-b', this.place.brokerAddress];
    await this.run('clusterList', '-m');
    await this.run('brokerStatus', ...at);
    await this.run('brokerStatus', ...cluster);
    await this.run('getBrokerConfig', ...at);
    await this.run('getBrokerConfig', ...cluster);
    await this.run('brokerConsumeStats', ...at, '-o', 'true');
    await this.run('brokerConsumeStats', ...at, '-l', '0');
  }

  private async run(...args: string[]): Promise<AdminEvent> {
    const { nameServers } = this.place;
    const all = args.length === 0 ? [] : [...args, '-n', nameServers];
    const event = await this.peer.admin(all, true);
    const line = args.join(' ').replaceAll(this.folder, 'FOLDER');
    let name = masked(line, this.place);
    for (let again = 2; this.outputs.has(name); again += 1)
      name = `${masked(line, this.place)} (${again})`;
    this.outputs.set(name, event);
    return event;
  }

  /** Asks again and again, without noting it, until the output is as wanted. */
  private async until(
    what: string,
    args: readonly string[],
    isThere: (out: string) => boolean,
  ): Promise<void> {
    const wait = eventually(what, 20_000, async () => {
      const { out } = await this.peer.admin([...args, '-n', this.place.nameServers], true);
      return isThere(out) ? true : undefined;
    });
    // What never comes shows in the outputs that are compared.
    await wait.catch(() => undefined);
  }

  private file(name: string, content: unknown): string {
    const path = join(this.folder, `${name}.json`);
    writeFileSync(path, JSON.stringify(content));
    return path;
  }
}

/** Figures that differ from run to run, as `brokerStatus` prints them. */
const measuredNames = [
  'commitLogMaxOffset',
  'commitLogDirCapacity',
  'get\\w+',
  'put\\w+',
  'runtime',
  '\\w+Ratio',
  'remainHow\\w+',
  'msgGetTotalTodayNow',
];
const measured = new RegExp(`^((?:BROKER +)?(?:${measuredNames.join('|')}) *): .*`, 'gm');

const exponential =
  '{"type":"EXPONENTIAL","exponentialRetryPolicy":{"initial":5000,"max":60000,"multiplier":2}}';

function listed(topicName: string): object {
  return { topicName, readQueueNums: 1, writeQueueNums: 1, perm: 6, order: false };
}

/** Addresses, ids and places, which differ from run to run. */
function masked(text: string, place: AdminPlace): string {
  return text
    .replaceAll(place.brokerAddress, 'BROKER')
    .replaceAll(place.nameServers, 'NAMESERVER')
    .replace(/[0-9A-F]{32,58}/g, 'ID')
    .replace(/\d+\.\d+\.\d+\.\d+@\S+/g, 'CLIENT');
}

/** The output with everything taken out that differs from run to run; then the error, if any. */
export function normalised({ out, err }: AdminEvent, place: AdminPlace): string[] {
  const failure = /CODE: \d+ +DESC: .*/.exec(err)?.[0] ?? /^Caused by: .*/m.exec(err)?.[0];
  const text = failure === undefined ? out : `${out}\n${failure}`;
  return masked(text, place)
    .replace(/\b\d+\.\d+(E-?\d+)?(?![\d.])/g, (found, _, at: number, all: string) =>
      /[\d.]/.test(all[at - 1] ?? '') ? found : 'N.N',
    )
    .replace(/\d{4}-\d\d-\d\d[ ,]\d\d:\d\d:\d\d([:,]\d+)?/g, 'TIME')
    .replace(/\b\d{14,17}\b/g, 'TIME')
    .replace(/\b1[789]\d{11}\b/g, 'MILLIS')
    .replace(/\/?\d+\.\d+\.\d+\.\d+(:\d+)?/g, 'HOST')
    .replace(/\d+\.\d+@\S+|HOST@\S+/g, 'CLIENT')
    .replace(/commitLogOffset=\d+|CommitLog Offset: +\d+/g, 'POSITION')
    .replace(/(physicOffset|physicSize)=\d+/g, '$1=N')
    .replace(/ (true|false) +\d+ *$/gm, ' $1 N')
    .replace(/(spentTimeMills)=\d+/g, '$1=N')
    .replace(/storeSize=\d+/g, 'SIZE')
    .replace(/\/tmp\/[^\s,]+/g, 'FILE')
    .replace(/\b\d+(ms|MS)\b/g, 'Nms')
    .replace(/rt[=:] ?[\d.]+/gi, 'rt=N')
    .replace(/@[0-9a-f]{6,8}\b/g, '@OBJECT')
    .replace(measured, '$1: FIGURE')
    .replace(/^(DefaultCluster +broker-a +0 +0 +\d+) +\d+ *$/gm, '$1 N')
    .replace(/^(listenPort|haListenPort) +=.*/gm, '$1 = PORT')
    .replace(/[ \t]+/g, ' ')
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('See https'));
}
