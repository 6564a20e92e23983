import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { decodeRecords, encodeProperties } from '@nestjs-rocketmq/message';
import {
  CheckClientConfig,
  HeartBeat,
  PullMessage,
  ResponseError,
  SendMessageV2,
} from '@nestjs-rocketmq/protocol';
import { prepareJava, startJavaBroker, temporaryFolder, untilRegistered } from '../support/java.js';
import { startOurBroker, startOurNameserver } from '../support/our-servers.js';
import { consumerOf, RawBroker } from '../support/raw-broker.js';

const topic = 'BenchmarkTest';
const timeoutMs = 60_000;
const properties = { brokerName: 'broker-filters', enablePropertyFilter: true };

let nameserver: Awaited<ReturnType<typeof startOurNameserver>>;
const client = RawBroker.clientOf();

beforeAll(async () => {
  prepareJava();
  nameserver = await startOurNameserver();
});

afterAll(async () => {
  await client.close();
  await nameserver?.program.stop();
});

async function brokerOn(side: 'ours' | '5.3.3', storeDir: string) {
  const options = { nameServers: nameserver.address, storeDir, properties };
  if (side === '5.3.3') return startJavaBroker(side, options);
  const { address, program } = await startOurBroker(options);
  await untilRegistered(nameserver.address, address);
  return { address, stop: () => program.stop() };
}

/** What a broker says: texts of messages, or the name of its answer. */
async function said(
  asking: Promise<{ name: string; body?: Uint8Array | undefined }>,
): Promise<string> {
  try {
    const { name, body } = await asking;
    if (body === undefined || body.length === 0) return name;
    return decodeRecords(body)
      .map(({ text }) => text)
      .join(' ');
  } catch (error) {
    if (error instanceof ResponseError) return error.responseName;
    throw error;
  }
}

const announced = (expression: string, version: number) => {
  const group = consumerOf('filtering', topic, expression, 'SQL92');
  const [subscription] = group.subscriptionDataSet;
  return { ...group, subscriptionDataSet: [{ ...subscription, subVersion: version } as never] };
};

async function beat(address: string, consumer: ReturnType<typeof consumerOf>): Promise<void> {
  const body = {
    clientID: 'c',
    producerDataSet: [],
    consumerDataSet: [consumer],
    heartbeatFingerprint: 0,
    withoutSub: false,
  };
  await client.invoke(address, HeartBeat, {}, { body, timeoutMs });
}

function pull(address: string, more: { subscription?: string; subVersion?: number } = {}) {
  const asked = {
    consumerGroup: 'filtering',
    topic,
    queueId: 0,
    queueOffset: 0,
    maxMsgNums: 32,
    // 4: the subscription stands in the request.
    sysFlag: more.subscription === undefined ? 0 : 4,
    commitOffset: 0,
    suspendTimeoutMillis: 0,
    expressionType: 'SQL92',
    subVersion: 0,
    ...more,
  };
  return said(client.invoke(address, PullMessage, asked, { timeoutMs }));
}

async function story(address: string): Promise<string[]> {
  const told: string[] = [];
  for (const amount of ['1', '6', 'six', '7']) {
    const asked = {
      producerGroup: 'p',
      topic,
      defaultTopic: 'TBW102',
      defaultTopicQueueNums: 4,
      queueId: 0,
      sysFlag: 0,
      bornTimestamp: Date.now(),
      flag: 0,
      properties: encodeProperties({ amount }),
    };
    await client.invoke(address, SendMessageV2, asked, { body: Buffer.from(amount), timeoutMs });
  }
  await beat(address, announced('amount >', 1));
  told.push(await pull(address));
  const [subscriptionData] = announced('amount >', 1).subscriptionDataSet;
  const check = { clientId: 'c', group: 'filtering', subscriptionData };
  told.push(
    await said(client.invoke(address, CheckClientConfig, {}, { body: check, timeoutMs }) as never),
  );
  await beat(address, announced('amount > 5', 2));
  told.push(await pull(address, { subVersion: 2 }), await pull(address, { subVersion: 3 }));
  told.push(await pull(address, { subscription: "amount > 100 OR amount = 'six'" }));
  told.push(await pull(address, { subscription: "amount = 'six' OR amount > 100" }));
  return told;
}

function filterFile(storeDir: string) {
  const text = readFileSync(join(storeDir, 'config', 'consumerFilter.json'), 'utf8');
  const table = (JSON.parse(text) as { filterDataByTopic: Record<string, never> })
    .filterDataByTopic;
  const { groupFilterData } = table[topic] as unknown as {
    groupFilterData: Record<string, Record<string, unknown>>;
  };
  const { bornTime, deadTime, dead, ...filter } = groupFilterData['filtering'] ?? {};
  return { filter, kinds: [typeof bornTime, typeof deadTime, typeof dead] };
}

it('both brokers judge alike, and each reads the filters that the other kept', async () => {
  const folders = {
    ours: temporaryFolder('filters-ours'),
    '5.3.3': temporaryFolder('filters-java'),
  };
  const stories = new Map<string, string[]>();
  for (const side of ['ours', '5.3.3'] as const) {
    const broker = await brokerOn(side, folders[side]);
    stories.set(side, await story(broker.address));
    await broker.stop();
  }
  expect(stories.get('ours')).toEqual(stories.get('5.3.3'));
  expect(filterFile(folders.ours)).toEqual(filterFile(folders['5.3.3']));
  for (const [side, folder] of [
    ['5.3.3', folders.ours],
    ['ours', folders['5.3.3']],
  ] as const) {
    const broker = await brokerOn(side, folder);
    // The filter stands before any heartbeat says it again: an older version does not replace it.
    await beat(broker.address, announced('amount > 6', 1));
    const before = filterFile(folder);
    await broker.stop();
    expect(filterFile(folder).filter).toEqual(before.filter);
  }
  for (const folder of Object.values(folders)) rmSync(folder, { recursive: true, force: true });
}, 400_000);
