import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { prepareJava } from '../support/java.js';
import { startOurServers, type OurServers } from '../support/our-servers.js';
import { goldenFolder } from './golden-frames.js';
import { adminBrokerName, normalised, playAdmin, type AdminOutputs } from './mqadmin-scenario.js';

/** What the same scenario printed with official servers (recording/mqadmin.record.ts). */
const official = JSON.parse(
  readFileSync(join(goldenFolder, 'mqadmin-5.3.3.json'), 'utf8'),
) as Record<string, string[]>;

let servers: OurServers;
let outputs: AdminOutputs;

beforeAll(async () => {
  prepareJava();
  servers = await startOurServers({ properties: { brokerName: adminBrokerName } });
  outputs = await playAdmin(servers);
});

afterAll(() => servers?.close());

function printed(name: string): string[] {
  return normalised(outputs.get(name)?.out ?? '', servers).split('\n');
}

/** Keys of the lines `key : value` or `key = value`. */
function keysOf(lines: readonly string[], separator: RegExp): string[] {
  return lines.filter((line) => separator.test(line)).map((line) => line.split(separator)[0] ?? '');
}

describe('mqadmin 5.3.3 against our servers', () => {
  it.each([
    'clusterList',
    'updateTopic',
    'updateTopic at an address',
    'updateSubGroup',
    'sendMessage',
    'topicRoute',
    'topicRoute as a list',
    'topicStatus',
    'consumeMessage',
    'queryMsgById',
    'queryMsgByOffset',
    'consumerProgress',
    'consumerProgress with clients',
    'consumerConnection',
    'producerConnection',
    'deleteTopic',
    'topicRoute of nothing',
    'consumerConnection offline',
  ])('%s prints what it prints about official servers', (name) => {
    expect(withoutToolGroup(printed(name))).toEqual(withoutToolGroup(official[name] ?? []));
  });

  it.each(['topicList', 'topicList after', 'consumerProgress all'])(
    '%s lists what it lists at official servers, in some order',
    (name) => {
      expect(printed(name).toSorted()).toEqual((official[name] ?? []).toSorted());
    },
  );

  it('topicList -c names cluster and consumers of a topic', () => {
    expect(printed('topicList with clusters')).toContain('DefaultCluster AdminTopic g-admin');
  });

  it('brokerStatus has every key that an official broker has', () => {
    const ours = keysOf(printed('brokerStatus'), / ?: ?/);
    const theirs = keysOf(official['brokerStatus'] ?? [], / ?: ?/);
    const missing = theirs.filter((key) => !ours.includes(key) && !(key in keysWeLack));
    expect(theirs.length).toBeGreaterThan(40);
    expect(missing).toEqual([]);
  });

  it('getBrokerConfig prints settings under the names and with the values of official servers', () => {
    const valuesOf = (lines: readonly string[]) =>
      new Map(lines.map((line) => [line.split(' = ')[0], line.split(' = ')[1]]));
    const ours = valuesOf(printed('getBrokerConfig'));
    const theirs = valuesOf(official['getBrokerConfig'] ?? []);
    for (const key of [
      'brokerName',
      'brokerClusterName',
      'brokerId',
      'brokerRole',
      'namesrvAddr',
      'flushDiskType',
      'autoCreateTopicEnable',
      'messageDelayLevel',
      'transactionCheckMax',
      'maxMessageSize',
      'defaultTopicQueueNums',
    ]) {
      expect([key, ours.get(key)]).toEqual([key, theirs.get(key)]);
    }
    expect(ours.has('listenPort')).toBe(true);
    expect(ours.has('storePathRootDir')).toBe(true);
  });
});

/** Keys of brokerStatus that stand for parts of Java that we have not, and why. */
const keysWeLack: Readonly<Record<string, string>> = {
  remainTransientStoreBufferNumbs: 'the transient store pool',
};

/**
 * The official broker counts the group of mqadmin's own pull (named like the topic) as a consumer and
 * then cannot find it; ours does not list it.
 */
function withoutToolGroup(lines: readonly string[]): string[] {
  return lines.filter(
    (line) =>
      !line.startsWith('MessageTrack [consumerGroup=AdminTopic') && !line.startsWith('See https'),
  );
}
