import {
  ClientInstance,
  Producer,
  PushConsumer,
  type ConsumeVerdicts,
  type PushConsumerOptions,
  type SendResult,
} from '@nestjs-rocketmq/client';
import { silentLogger, systemClock } from '@nestjs-rocketmq/foundation';
import { InvokeBrokerToGetConsumerStatus } from '@nestjs-rocketmq/protocol';
import { RemotingClient } from '@nestjs-rocketmq/remoting';
import { createTopic, JavaPeer, prepareJava, startJavaServers } from '../support/java.js';
import { eventually } from '../support/eventually.js';
import { startOurServers } from '../support/our-servers.js';

/** What operators ask of our consumers with mqadmin 5.3.3, through our broker and official ones. */
const deadline = 60_000;
const properties = { autoCreateTopicEnable: true, autoCreateSubscriptionGroup: true };
const servers = ['ours', '5.5.0'] as const;

let operator: JavaPeer;

beforeAll(async () => {
  prepareJava();
  operator = await JavaPeer.start('5.3.3');
});

afterAll(() => operator?.close());

describe.each(servers)('mqadmin asks our consumers by way of the servers %s', (version) => {
  let place: { nameServers: string; address: string; close: () => Promise<void> };
  let producer: Producer;
  let open: PushConsumer[] = [];

  beforeAll(async () => {
    if (version === 'ours') {
      // Our broker tells the clients, as 4.x ones do; 5.x ones move the offset themselves.
      const moves = { ...properties, useServerSideResetOffset: false };
      const ours = await startOurServers({ properties: moves });
      const { nameServers, brokerAddress: address } = ours;
      place = { nameServers, address, close: () => ours.close() };
    } else {
      const java = await startJavaServers(version, { properties });
      const { nameServers, broker } = java;
      place = { nameServers, address: broker.address, close: () => java.close() };
    }
    producer = new Producer({ nameServers: place.nameServers, group: 'g-sender' });
    await producer.start();
  });

  afterAll(async () => {
    await producer?.close();
    await place?.close();
  });

  afterEach(async () => {
    await Promise.all(open.map((one) => one.close({ deadline: '5s' })));
    open = [];
  });

  const admin = async (...args: string[]): Promise<string> => {
    const { out, err } = await operator.admin([...args, '-n', place.nameServers], true);
    return `${out}${err}`;
  };

  /** A topic with one queue and these messages; where each of them is. */
  const filled = async (topic: string, ...texts: string[]): Promise<SendResult[]> => {
    await createTopic(place.address, topic, 1);
    const sent: SendResult[] = [];
    for (const text of texts) {
      const body = Buffer.from(text);
      const one = await eventually(`${text} in ${topic}`, deadline, () =>
        producer.send({ topic, body }).catch(() => undefined),
      );
      sent.push(one);
    }
    return sent;
  };

  const consumer = async (
    topic: string,
    options: Partial<PushConsumerOptions>,
  ): Promise<PushConsumer> => {
    const one = new PushConsumer({
      nameServers: place.nameServers,
      group: `g-${topic}`,
      subscriptions: [{ topic }],
      from: 'first',
      persistConsumerOffsetInterval: '1s',
      listener: () => ({ kind: 'success' }),
      ...options,
    });
    open.push(one);
    await one.start();
    return one;
  };

  it('to go back to a time while they run: every message comes again', async () => {
    const topic = 'Moved';
    const seen: string[] = [];
    await filled(topic, 'a', 'b', 'c');
    const one = await consumer(topic, {
      listener: ([message]) => {
        seen.push(message?.text ?? '');
        return { kind: 'success' };
      },
    });
    await eventually('all once', deadline, () => seen.length === 3 || undefined);
    await eventually('their offset at the broker', deadline, async () => {
      const out = await admin('consumerProgress', '-g', one.group);
      return out.includes('Consume Diff Total: 0') || undefined;
    });
    await admin('resetOffsetByTime', '-s', '0', '-g', one.group, '-t', topic);
    await eventually('all twice', deadline, () => {
      const times = ['a', 'b', 'c'].map((text) => seen.filter((one) => one === text).length);
      return times.every((count) => count >= 2) || undefined;
    });
  });

  it('how they run: options, queues, rates, and what runs in place of threads', async () => {
    const topic = 'Shown';
    await filled(topic, 'quick', 'endless');
    const one = await consumer(topic, {
      maxReconsumeTimes: 7,
      listener: ([message]) =>
        message?.text === 'quick' ? { kind: 'success' } : new Promise(() => undefined),
    });
    await eventually('both handed out', deadline, () => one.statistics().pulled === 2 || undefined);
    const out = await admin('consumerStatus', '-g', one.group, '-i', one.clientId, '-s', 'true');
    const lines = out.split('\n').map((line) => line.trim());
    const valueOf = (name: string): string | undefined =>
      lines.find((line) => line.startsWith(`${name} `))?.split(/ *: /)[1];
    expect(valueOf('PROP_CONSUMEORDERLY')).toBe('false');
    expect(valueOf('PROP_CONSUME_TYPE')).toBe('CONSUME_PASSIVELY');
    expect(valueOf('maxReconsumeTimes')).toBe('7');
    expect(valueOf('consumerGroup')).toBe(one.group);
    // A row of the offsets, one of the queue, one of the rates.
    expect(lines.some((line) => /^Shown +\S+ +0 +1$/.test(line))).toBe(true);
    expect(lines.some((line) => /^Shown .*cachedMsgCount=1/.test(line))).toBe(true);
    expect(lines.some((line) => /^Shown +[\d.]+ +[\d.]+ +[\d.]+/.test(line))).toBe(true);
    expect(out).toContain('#Consumer jstack#');
    expect(out).toContain('listener calls: 1');
  });

  it.each<[string, string, ConsumeVerdicts | 'throw' | 'nothing', boolean]>([
    ['CR_SUCCESS', 'DirectA', { kind: 'success' }, false],
    ['CR_LATER', 'DirectB', { kind: 'retry' }, false],
    ['CR_THROW_EXCEPTION', 'DirectC', 'throw', false],
    ['CR_RETURN_NULL', 'DirectD', 'nothing', false],
    ['CR_COMMIT', 'DirectE', { kind: 'commit' }, true],
    ['CR_ROLLBACK', 'DirectF', { kind: 'rollback' }, true],
    ['CR_LATER', 'DirectG', { kind: 'suspend' }, true],
  ])('to consume one message directly: %s (%s)', async (expected, topic, answer, isOrderly) => {
    const [sent] = await filled(topic, 'one');
    const one = await consumer(topic, {
      from: 'last',
      mode: isOrderly ? 'orderly' : 'concurrent',
      listener: (_, context) => {
        context.autoCommit = false;
        if (answer === 'throw') throw new Error('broken on purpose');
        return answer === 'nothing' ? (undefined as never) : answer;
      },
    });
    const member = ['-g', one.group, '-d', one.clientId];
    const id = sent?.offsetMsgId ?? '';
    const out = await admin('queryMsgById', '-t', topic, '-i', id, ...member);
    expect(out).toContain(`order=${isOrderly}, autoCommit=${!isOrderly}`);
    expect(out).toContain(`consumeResult=${expected}`);
    if (answer === 'throw') expect(out).toContain('broken on purpose');
  });

  it('where they stand in the queues of a topic', async () => {
    const topic = 'Standing';
    await filled(topic, 'a', 'b');
    const one = await consumer(topic, {});
    await eventually('both consumed', deadline, () => one.statistics().consumed === 2 || undefined);
    const client = new RemotingClient({ clock: systemClock, logger: silentLogger });
    const asked = { topic, group: one.group, clientAddr: one.clientId };
    const timeoutMs = deadline;
    const ask = client.invoke(place.address, InvokeBrokerToGetConsumerStatus, asked, { timeoutMs });
    const { body } = await ask.finally(() => client.close());
    const rows = body.consumerTable[one.clientId] ?? [];
    expect(rows.map(([queue, offset]) => [queue.topic, queue.queueId, offset])).toEqual([
      [topic, 0, 2],
    ]);
  });

  it('whether all members of a group want the same', async () => {
    const topic = 'Same';
    await filled(topic, 'a');
    const { nameServers } = place;
    const instances = ['one', 'two'].map((name) => {
      return new ClientInstance({ nameServers, instanceName: `${version}-${name}` });
    });
    for (const instance of instances) await consumer(topic, { instance });
    await eventually('both members', deadline, async () => {
      const out = await admin('consumerConnection', '-g', `g-${topic}`);
      return instances.every(({ clientId }) => out.includes(clientId)) || undefined;
    });
    for (const { clientId } of instances) {
      const out = await admin('consumerStatus', '-g', `g-${topic}`, '-i', clientId);
      expect(out).toMatch(/Topic: Same +ClassFilter: false +SubExpression: \*/);
    }
    await Promise.all(open.splice(0).map((one) => one.close()));
    await Promise.all(instances.map((instance) => instance.close()));
  });
});
