import { silentLogger, systemClock } from '@nestjs-rocketmq/foundation';
import { encodeProperties, parseOffsetMessageId } from '@nestjs-rocketmq/message';
import {
  EndTransaction,
  GetMaxOffset,
  HeartBeat,
  PullMessage,
  PullSysFlag,
  QueryConsumerOffset,
  SendMessageV2,
  TransactionDecision,
  UpdateAndCreateTopic,
  UpdateConsumerOffset,
} from '@nestjs-rocketmq/protocol';
import { RemotingClient } from '@nestjs-rocketmq/remoting';
import { eventually } from '../support/eventually.js';
import { freePorts, prepareJava, startJavaServers } from '../support/java.js';
import { consumerOf, RawBroker } from '../support/raw-broker.js';

const how = { timeoutMs: 60_000 };
const topic = 'figured';
const watched = (metricsPromExporterPort: number) => ({
  metricsExporterType: 'PROM',
  metricsPromExporterPort,
  metricsPromExporterHost: '127.0.0.1',
});

/** Samples by name and labels, without the labels that all have and without time stamps. */
type Page = ReadonlyMap<string, number>;
const common = /^(cluster|node_type|node_id|otel_scope_name)="/;

async function pageOf(port: number): Promise<Page> {
  const answer = await fetch(`http://127.0.0.1:${port}/metrics`);
  const page = new Map<string, number>();
  for (const line of (await answer.text()).split('\n')) {
    const [, name, all = '', value] = /^(rocketmq_\w+)(?:\{(.*)\})? (\S+)/.exec(line) ?? [];
    // How often that is asked is left to the time that a broker takes.
    if (name === undefined || all.includes('request_code="get_max_offset"')) continue;
    const labels = (all.match(/\w+="[^"]*"/g) ?? []).filter((one) => !common.test(one));
    const told = labels.map((one) => one.replace(/^(le="[^"]*?)\.0"$/, '$1"'));
    page.set(`${name}{${told.toSorted().join(',')}}`, Number(value));
  }
  return page;
}

/** The samples of a metric. */
function of(page: Page, name: string, wanted = /./): Record<string, number> {
  const own = [...page].filter(([key]) => key.startsWith(`${name}{`) && wanted.test(key));
  return Object.fromEntries(own.toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

/** Names with the names of their labels. */
function shapes(page: Page): Set<string> {
  return new Set([...page.keys()].map((key) => key.replaceAll(/="[^"]*"/g, '')));
}

/** One client that asks the same of any broker and stays until it is closed. */
class Asker implements AsyncDisposable {
  readonly client = new RemotingClient({ clock: systemClock, logger: silentLogger });

  constructor(private readonly address: string) {}

  send(properties: Record<string, string> = {}) {
    const asked = {
      producerGroup: 'producers',
      topic,
      defaultTopic: 'TBW102',
      defaultTopicQueueNums: 4,
      queueId: 0,
      sysFlag: 0,
      bornTimestamp: systemClock.now(),
      flag: 0,
      properties: encodeProperties(properties),
    };
    const body = new TextEncoder().encode('figure');
    return this.client.invoke(this.address, SendMessageV2, asked, { ...how, body });
  }

  pull(queueOffset: number, maxMsgNums: number, suspendTimeoutMillis = 0) {
    const asked = {
      consumerGroup: 'readers',
      topic,
      queueId: 0,
      queueOffset,
      maxMsgNums,
      sysFlag: suspendTimeoutMillis > 0 ? PullSysFlag.suspend : 0,
      commitOffset: 0,
      suspendTimeoutMillis,
      subVersion: 0,
    };
    return this.client.invoke(this.address, PullMessage, asked, how);
  }

  async prepare(): Promise<void> {
    const { client, address } = this;
    const made = {
      topic,
      defaultTopic: 'TBW102',
      readQueueNums: 1,
      writeQueueNums: 1,
      perm: 6,
      topicFilterType: 'SINGLE_TAG',
      topicSysFlag: 0,
      order: false,
    };
    await client.invoke(address, UpdateAndCreateTopic, made, how);
    const body = {
      clientID: 'asker@1',
      producerDataSet: [{ groupName: 'producers' }],
      consumerDataSet: [consumerOf('readers', topic)],
      heartbeatFingerprint: 0,
      withoutSub: false,
    };
    await client.invoke(address, HeartBeat, {}, { ...how, body });
  }

  /** Every type of message; pulls of both kinds; a group that has acknowledged less than it got. */
  async act(): Promise<void> {
    const { client, address } = this;
    await this.prepare();
    for (let i = 0; i < 4; i += 1) await this.send();
    await this.send({ __SHARDINGKEY: 'customer 7' });
    await this.send({ DELAY: '18' });
    const half = await this.send({ TRAN_MSG: 'true', PGROUP: 'producers', UNIQ_KEY: 'A1' });
    const { msgId, queueOffset: tranStateTableOffset } = half.header;
    const { position: commitLogOffset } = parseOffsetMessageId(msgId);
    const end = {
      producerGroup: 'producers',
      tranStateTableOffset,
      commitLogOffset,
      commitOrRollback: TransactionDecision.commit,
      fromTransactionCheck: false,
      msgId,
    };
    await client.invoke(address, EndTransaction, end, how);
    await this.untilVisible(6);
    const where = { consumerGroup: 'readers', topic, queueId: 0 };
    expect((await this.pull(0, 32)).header.nextBeginOffset).toBe(6);
    // Held without a message for it: Java looks after held pulls every five seconds.
    expect((await this.pull(6, 32, 100)).name).toBe('PULL_NOT_FOUND');
    expect((await this.pull(0, 3)).header.nextBeginOffset).toBe(3);
    await client.invoke(address, UpdateConsumerOffset, { ...where, commitOffset: 1 }, how);
    await client.invoke(address, QueryConsumerOffset, where, how);
  }

  /** Java lets messages be seen a little after it has answered. */
  private async untilVisible(count: number): Promise<void> {
    await eventually(`${count} messages can be pulled`, 30_000, async () => {
      const asked = { topic, queueId: 0 };
      const { header } = await this.client.invoke(this.address, GetMaxOffset, asked, how);
      return header.offset >= count ? true : undefined;
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.client.close();
  }
}

/** Metrics whose names or labels differ, with the reason. */
const differing: readonly [RegExp, string][] = [
  [/^rocketmq_(pop|timer|timing)_/, 'there is no POP consumption and no timer here'],
  [/^rocketmq_half_messages/, 'a topic without open half messages is left out here'],
  [/^rocketmq_topic_create_execution_time_/, 'Java tells topics of its own apart'],
  [/^rocketmq_(messages|throughput)_out_total/, 'is_retry is an addition'],
];
const differs = (shape: string): boolean => differing.some(([what]) => what.test(shape));

let java: Page;
let ours: Page;

beforeAll(async () => {
  prepareJava();
  const port = await freePorts();
  await using servers = await startJavaServers('5.3.3', { properties: watched(port) });
  await using raw = await RawBroker.start(watched(0));
  await using ofJava = new Asker(servers.broker.address);
  await using ofOurs = new Asker(raw.address);
  await Promise.all([ofJava.act(), ofOurs.act()]);
  ours = await pageOf(raw.broker.statusPort ?? 0);
  // Java counts an answer after it has left, in another thread.
  java = await eventually('Java has counted every request', 30_000, async () => {
    const page = await pageOf(port);
    const counted = Object.values(of(page, 'rocketmq_rpc_latency_milliseconds_count'));
    const expected = Object.values(of(ours, 'rocketmq_rpc_latency_milliseconds_count'));
    const sum = (all: number[]): number => all.reduce((a, b) => a + b, 0);
    return sum(counted) >= sum(expected) ? page : undefined;
  });
});

describe('the figures of our broker and of Apache 5.3.3 after the same requests', () => {
  it('have the same names and labels', () => {
    const compared = (page: Page) =>
      [...shapes(page)].filter((shape) => !differs(shape)).toSorted();
    expect(compared(java).length).toBeGreaterThan(20);
    expect(compared(ours)).toEqual(compared(java));
  });

  it.each([
    'rocketmq_rpc_latency_milliseconds_count',
    'rocketmq_consumer_lag_messages',
    'rocketmq_consumer_inflight_messages',
    'rocketmq_consumer_ready_messages',
    'rocketmq_commit_messages_total',
  ])('agree about %s', (name) => {
    expect(Object.keys(of(java, name)).length).toBeGreaterThan(0);
    expect(of(ours, name)).toEqual(of(java, name));
  });

  it('agree about the messages of every type, but that a committed one counts in its topic', () => {
    const name = 'rocketmq_messages_in_total';
    const committed = `${name}{is_system="false",message_type="transaction",topic="${topic}"}`;
    expect(of(java, name)).not.toHaveProperty([committed]);
    expect(of(ours, name)).toEqual({ ...of(java, name), [committed]: 1 });
  });

  it('have the same bounds of latencies', () => {
    const name = 'rocketmq_rpc_latency_milliseconds_bucket';
    const held = /is_long_polling="true"/;
    const keys = Object.keys(of(java, name, held));
    expect(keys).toHaveLength(10);
    expect(Object.keys(of(ours, name, held))).toEqual(keys);
  });
});
