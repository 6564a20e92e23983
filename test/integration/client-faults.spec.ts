import { startBroker, type RunningBroker } from '@nestjs-rocketmq/broker';
import { Producer, PushConsumer } from '@nestjs-rocketmq/client';
import { silentLogger } from '@nestjs-rocketmq/foundation';
import { startNameserver, type RunningNameserver } from '@nestjs-rocketmq/nameserver';
import { Inbox, patience } from '../support/client-cluster.js';
import { eventually } from '../support/eventually.js';
import { temporaryFolder } from '../support/raw-broker.js';

const success = { kind: 'success' } as const;
const body = (text: string): Uint8Array => Buffer.from(text);
const local = { bindAddress: '127.0.0.1', listenPort: 0 };

describe('our client when servers fail', () => {
  const folder = temporaryFolder();
  let nameserver: RunningNameserver;
  const brokers = new Map<string, RunningBroker>();
  const closers: (() => Promise<void>)[] = [];

  const openBroker = async (name: string, listenPort = 0): Promise<RunningBroker> => {
    const properties = {
      ...local,
      listenPort,
      brokerIP1: '127.0.0.1',
      brokerName: name,
      brokerClusterName: 'c',
      mappedFileSizeCommitLog: 16 * 1024 * 1024,
      messageDelayLevel: '1s 1s 1s 1s 1s',
    };
    const dir = `${folder.path}/${name}`;
    const { address } = nameserver;
    const broker = await startBroker({
      properties,
      dir,
      nameServers: address,
      logger: silentLogger,
    });
    brokers.set(name, broker);
    return broker;
  };

  const closeBroker = async (name: string): Promise<void> => {
    await brokers.get(name)?.close();
    brokers.delete(name);
  };

  const openProducer = async (): Promise<Producer> => {
    const nameServers = nameserver.address;
    const group = 'producers';
    const producer = new Producer({
      nameServers,
      group,
      pollNameServerInterval: '1s',
      ...patience,
    });
    closers.push(() => producer.close({ deadline: 500 }));
    await producer.start();
    return producer;
  };

  const openConsumer = async (
    topic: string,
    listener: ConstructorParameters<typeof PushConsumer>[0]['listener'],
    group = `${topic}-group`,
    pollNameServerInterval = '1s',
  ): Promise<PushConsumer> => {
    const consumer = new PushConsumer({
      nameServers: nameserver.address,
      group,
      subscriptions: [{ topic }],
      from: 'first',
      listener,
      pollNameServerInterval,
    });
    closers.push(() => consumer.close({ deadline: 500 }));
    await consumer.start();
    return consumer;
  };

  beforeEach(async () => {
    const dir = `${folder.path}/ns`;
    nameserver = await startNameserver({ ...local, dir, logger: silentLogger });
    await openBroker('broker-a');
    await openBroker('broker-b');
  });

  afterEach(async () => {
    await Promise.all(closers.splice(0).map((close) => close()));
    for (const name of brokers.keys()) await closeBroker(name);
    await nameserver.close();
  });

  afterAll(() => folder.remove());

  /** A topic on both brokers. */
  const onBoth = async (producer: Producer, topic: string): Promise<void> => {
    const used = new Set<string>();
    await eventually('a topic on both brokers', 60_000, async () => {
      used.add((await producer.send({ topic, body: body('made') })).queue.brokerName);
      return used.size === 2 ? true : undefined;
    });
  };

  /** A consumer of everything on both brokers, its retry topic included. */
  const ownsAll = (consumer: PushConsumer): Promise<true> =>
    eventually('queues of both brokers', 60_000, () => {
      const owned = consumer.assignedQueues();
      return owned.filter((queue) => queue.brokerName === 'broker-a').length === 5 &&
        owned.filter((queue) => queue.brokerName === 'broker-b').length === 5
        ? true
        : undefined;
    });

  it('retries a failed message elsewhere when the broker that holds it is gone', async () => {
    const producer = await openProducer();
    const topic = 'orphan';
    await onBoth(producer, topic);
    const inbox = new Inbox();
    const group = 'orphan-group';
    // The first member makes the retry topic on both brokers; the second knows it from its start,
    // and does not hear from the name server that broker-a is gone.
    const first = await openConsumer(topic, () => success, group);
    await ownsAll(first);
    await first.close();
    let failOnce: (() => void) | undefined;
    const consumer = await openConsumer(
      topic,
      async (messages) => {
        const [message] = messages;
        if (message?.text === 'orphan' && message.reconsumeTimes === 0) {
          await new Promise<void>((resolve) => (failOnce = resolve));
          throw new Error('not now');
        }
        inbox.take(messages);
        return success;
      },
      group,
      '30s',
    );
    await ownsAll(consumer);
    const queue = { topic, brokerName: 'broker-a', queueId: 0 };
    await producer.send({ topic, body: body('orphan') }, { queue });
    await eventually('the listener has it', 60_000, () => failOnce);
    await closeBroker('broker-a');
    failOnce?.();
    const again = await eventually('it comes again', 60_000, () =>
      inbox.all.find((one) => one.text === 'orphan'),
    );
    expect([again.topic, again.reconsumeTimes]).toEqual([topic, 1]);
  });

  it('starts before its servers and consumes when they are there', async () => {
    const topic = 'early';
    const port = nameserver.address.split(':')[1];
    for (const name of brokers.keys()) await closeBroker(name);
    await nameserver.close();
    const inbox = new Inbox();
    await openConsumer(topic, (messages) => (inbox.take(messages), success));
    const dir = `${folder.path}/ns`;
    nameserver = await startNameserver({
      ...local,
      listenPort: Number(port),
      dir,
      logger: silentLogger,
    });
    await openBroker('broker-a');
    const producer = await openProducer();
    await producer.send({ topic, body: body('hello') });
    await eventually('the message', 60_000, () =>
      inbox.texts.includes('hello') ? true : undefined,
    );
  });

  it('closes quickly and completely when everything is gone', async () => {
    const producer = await openProducer();
    const topic = 'gone';
    await onBoth(producer, topic);
    const consumer = await openConsumer(topic, () => success);
    for (const name of brokers.keys()) await closeBroker(name);
    await nameserver.close();
    const started = Date.now();
    await Promise.all([producer.close({ deadline: 1_000 }), consumer.close({ deadline: 1_000 })]);
    expect(Date.now() - started).toBeLessThan(30_000);
  });
});
