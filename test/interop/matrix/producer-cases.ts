import { selectRandomly } from '@nestjs-rocketmq/client';
import type { MessageQueue } from '@nestjs-rocketmq/message';
import { isOfProducer, listedSends } from './listed-cases.js';
import type { CaseGroup, InteropCase } from './case.js';
import { deadline, numbers, text } from './stand.js';

const noTimers = {
  '4.9.7':
    'Apache 4.9.7 has no timer messages: it delivers one at once, and knows no request to recall.',
  ours: 'Our broker has no timer messages yet: it refuses one instead of delivering it at once.',
} as const;

const queueChoices: InteropCase = {
  feature: 'Queue by hand, hash key, selector',
  proves: 'each of them sends to the queue it says; the hash is that of Java',
  how: {
    async play(stand) {
      const queues = await stand.topic('Choices', 4);
      const { topic } = queues[0] as MessageQueue;
      const producer = await stand.producer();
      const message = { topic, body: Buffer.from('chosen') };
      const byHand = await producer.send(message, { queue: queues[3] as MessageQueue });
      expect(byHand.queue).toEqual(queues[3]);
      // In Java "order-1039".hashCode() is 708180964.
      const byHash = await producer.send(message, { hashKey: 'order-1039' });
      expect(byHash.queue).toEqual(queues[0]);
      const bySelector = await producer.send(message, {
        selector: (all) => all.at(-2) as MessageQueue,
      });
      expect(bySelector.queue).toEqual(queues[2]);
    },
  },
};

const waitStore: InteropCase = {
  feature: 'Send without waiting for the store (`waitStoreMsgOk`)',
  proves: 'the broker takes the message; those of 5.x tell consumers that nobody waited',
  how: {
    async play(stand) {
      const [queue] = (await stand.topic('NoWait')) as [MessageQueue];
      const { inbox } = await stand.push({ subscriptions: [{ topic: queue.topic }] });
      const body = Buffer.from('quick');
      const sent = await stand.send({ topic: queue.topic, body, waitStoreMsgOk: false });
      expect(sent.status).toBe('SEND_OK');
      const [seen] = await inbox.until(1, deadline);
      // 4.9 stores no word of it.
      const told = stand.server === '4.9.7' ? undefined : 'false';
      expect(seen?.message.properties['WAIT']).toBe(told);
    },
  },
};

const inFlight: InteropCase = {
  feature: 'Bounded sends in flight',
  proves: '300 sends at once with room for 8 all end well, by waiting',
  how: {
    async play(stand) {
      const [queue] = (await stand.topic('InFlight', 4)) as [MessageQueue];
      const producer = await stand.producer({ maxInFlight: 8 });
      const sends = numbers(0, 300).map((i) =>
        producer.send({ topic: queue.topic, body: Buffer.from(i) }),
      );
      expect(producer.inFlightCount).toEqual({ running: 8, waiting: 292 });
      const results = await Promise.all(sends);
      expect(new Set(results.map((one) => one.status))).toEqual(new Set(['SEND_OK']));
      expect(new Set(results.map((one) => one.msgId)).size).toBe(300);
    },
  },
};

const validation: InteropCase = {
  feature: 'Validation before a send',
  proves:
    'a wrong topic, an empty or too large body never reach the server, and the producer goes on',
  how: {
    async play(stand) {
      const [queue] = (await stand.topic('Checked')) as [MessageQueue];
      const producer = await stand.producer({ maxMessageSize: 1024 });
      const refused = [
        { topic: 'not a topic', body: Buffer.from('x') },
        { topic: queue.topic, body: Buffer.alloc(0) },
        { topic: queue.topic, body: Buffer.alloc(1025) },
        { topic: queue.topic, body: Buffer.from('x'), properties: { KEYS: 'reserved' } },
      ];
      for (const message of refused) {
        await expect(producer.send(message)).rejects.toMatchObject({
          code: expect.stringMatching(/^(CLIENT|MESSAGE)_/) as string,
        });
      }
      const sent = await producer.send({ topic: queue.topic, body: Buffer.from('good') });
      expect(sent).toMatchObject({ status: 'SEND_OK', queueOffset: 0 });
    },
  },
};

const otherBroker: InteropCase = {
  feature: 'Retry on another broker',
  proves: 'sends whose turn is a broker that cannot be reached end well at another one',
  how: {
    async play(stand) {
      const [queue] = (await stand.topic('Elsewhere', 2)) as [MessageQueue];
      const second = await stand.secondBroker();
      await second.makeTopic(queue.topic, 2);
      const producer = await stand.producer({ pollNameServerInterval: '10m' });
      const send = async (i: string) => {
        const sent = await producer.send({ topic: queue.topic, body: Buffer.from(i) });
        return sent.queue.brokerName;
      };
      const before = new Set<string>();
      for (const i of numbers(0, 8)) before.add(await send(i));
      expect([...before].toSorted()).toEqual([stand.brokerName, second.name].toSorted());
      await second.close();
      for (const i of numbers(8, 16)) expect(await send(i)).toBe(stand.brokerName);
    },
  },
};

const avoidance: InteropCase = {
  feature: 'Latency fault tolerance',
  proves: 'a broker that failed is avoided: after one failed attempt, none goes there',
  how: {
    async play(stand) {
      const [queue] = (await stand.topic('Avoided', 2)) as [MessageQueue];
      const second = await stand.secondBroker();
      await second.makeTopic(queue.topic, 2);
      const attempts: string[] = [];
      const producer = await stand.producer({
        pollNameServerInterval: '10m',
        sendLatencyEnable: true,
        hooks: [{ beforeSend: (context) => void attempts.push(context.queue.brokerName) }],
      });
      const send = (i: string) => producer.send({ topic: queue.topic, body: Buffer.from(i) });
      for (const i of numbers(0, 8)) await send(i);
      expect(new Set(attempts)).toEqual(new Set([stand.brokerName, second.name]));
      await second.close();
      attempts.length = 0;
      for (const i of numbers(8, 28)) {
        expect((await send(i)).queue.brokerName).toBe(stand.brokerName);
      }
      expect(attempts.filter((name) => name === second.name).length).toBeLessThanOrEqual(1);
    },
  },
};

const randomSelector: InteropCase = {
  feature: 'Random selector',
  proves: 'messages go to queues that the topic has, and arrive',
  how: {
    async play(stand) {
      const queues = await stand.topic('Random', 3);
      const { topic } = queues[0] as MessageQueue;
      const { inbox } = await stand.push({ subscriptions: [{ topic }] });
      for (const i of numbers(0, 9)) {
        const sent = await stand.send(
          { topic, body: Buffer.from(i) },
          { selector: selectRandomly },
        );
        expect(queues).toContainEqual(sent.queue);
      }
      await inbox.until(9, deadline);
      expect(inbox.texts.toSorted()).toEqual(numbers(0, 9));
    },
  },
};

const compressions: InteropCase = {
  feature: 'Compression of bodies, lz4 and zstd',
  proves: 'consumers get the body that was sent, from a record that is smaller',
  how: {
    async play(stand) {
      const [queue] = (await stand.topic('Packed')) as [MessageQueue];
      const { inbox } = await stand.push({ subscriptions: [{ topic: queue.topic }] });
      const body = Buffer.from('packed '.repeat(2_000));
      for (const compressType of ['lz4', 'zstd'] as const) {
        const producer = await stand.producer({ compressType });
        await producer.send({ topic: queue.topic, body });
      }
      const seen = await inbox.until(2, deadline);
      for (const { message } of seen) {
        expect(text(message.body)).toBe(text(body));
        expect(message.storeSize).toBeLessThan(1_000);
      }
    },
  },
};

const cutBatches: InteropCase = {
  feature: 'Batches cut by size, a result per message',
  proves: 'thirty messages in several requests: each result names the place where its message lies',
  how: {
    async play(stand) {
      const queue = (await stand.topic('Cut'))[0] as MessageQueue;
      const { topic } = queue;
      const producer = await stand.producer();
      const messages = numbers(0, 30).map((i) => ({
        topic,
        body: Buffer.from(i.padEnd(200, '.')),
      }));
      const results = await producer.sendInBatches(messages, { maxBatchBytes: 2_048 });
      expect(results.map((one) => one.queueOffset)).toEqual(numbers(0, 30).map(Number));
      const { inbox } = await stand.push({ subscriptions: [{ topic }] });
      const seen = await inbox.until(30, deadline);
      expect(seen.map((one) => one.text)).toEqual(messages.map(({ body }) => text(body)));
    },
  },
};

const automaticBatches: InteropCase = {
  feature: 'Automatic batching',
  proves: 'messages sent one by one go in batches; each sender learns its own place',
  how: {
    async play(stand) {
      const [queue] = (await stand.topic('Gathered')) as [MessageQueue];
      const { topic } = queue;
      let requests = 0;
      const hooks = [{ beforeSend: () => void (requests += 1) }];
      const producer = await stand.producer({ autoBatch: true, hooks });
      const sends = numbers(0, 40).map((i) => producer.send({ topic, body: Buffer.from(i) }));
      const results = await Promise.all(sends);
      expect(requests).toBeLessThan(40);
      expect(new Set(results.map((one) => one.queueOffset)).size).toBe(40);
      const { inbox } = await stand.push({ subscriptions: [{ topic }] });
      const seen = await inbox.until(40, deadline);
      for (const { text: i, message } of seen) {
        expect(message.queueOffset).toBe(results[Number(i)]?.queueOffset);
      }
    },
  },
};

const timers: InteropCase = {
  feature: 'Timer messages: delay in ms, in seconds, deliver at',
  proves: 'each comes when it is due, by the clock of the broker',
  limits: noTimers,
  how: {
    async play(stand) {
      const [queue] = (await stand.topic('Timed')) as [MessageQueue];
      const { topic } = queue;
      const { inbox } = await stand.push({ subscriptions: [{ topic }] });
      const start = Date.now();
      const send = (body: string, delay: object) =>
        stand.send({ topic, body: Buffer.from(body), ...delay });
      await send('past', { deliverAt: start - 60_000 });
      await send('ms', { delayMs: 3_000 });
      await send('seconds', { delaySeconds: 5 });
      await send('date', { deliverAt: new Date(start + 7_000) });
      const seen = await inbox.until(4, deadline);
      const waited = new Map(seen.map((one) => [one.text, one.message.storeTimestamp - start]));
      expect([...waited.keys()].toSorted()).toEqual(['date', 'ms', 'past', 'seconds']);
      // Brokers round the time of delivery down to a second.
      expect(waited.get('ms')).toBeGreaterThanOrEqual(2_000);
      expect(waited.get('seconds')).toBeGreaterThanOrEqual(4_000);
      expect(waited.get('date')).toBeGreaterThanOrEqual(6_000);
    },
  },
};

const recall: InteropCase = {
  feature: 'Recall of a timer message',
  proves: 'what was taken back in time never comes, what lies behind it does',
  limits: noTimers,
  how: {
    async play(stand) {
      const [queue] = (await stand.topic('Recalled')) as [MessageQueue];
      const { topic } = queue;
      const { inbox } = await stand.push({ subscriptions: [{ topic }] });
      const producer = await stand.producer();
      const due = Date.now() + 20_000;
      const first = await producer.send({ topic, body: Buffer.from('first'), deliverAt: due });
      await producer.send({ topic, body: Buffer.from('second'), deliverAt: due + 2_000 });
      expect(await producer.recall(topic, first.recallHandle ?? '')).toBe(first.msgId);
      await inbox.until(1, deadline);
      expect(inbox.texts).toEqual(['second']);
    },
  },
};

const sendHooks: InteropCase = {
  feature: 'Hooks before and after a send',
  proves: 'they see each attempt and how it ended; one can forbid a send',
  how: {
    async play(stand) {
      const [queue] = (await stand.topic('Hooked')) as [MessageQueue];
      const { topic } = queue;
      const seen: unknown[] = [];
      const producer = await stand.producer({
        hooks: [
          {
            checkSend: ({ messages }) => {
              if (messages[0]?.tags === 'forbidden') throw new Error('not this one');
            },
            beforeSend: (context) => void seen.push([context.mode, context.queue.brokerName]),
            afterSend: (_, { result }) => void seen.push(result?.status),
          },
        ],
      });
      await producer.send({ topic, body: Buffer.from('good') });
      const forbidden = producer.send({ topic, body: Buffer.from('bad'), tags: 'forbidden' });
      await expect(forbidden).rejects.toMatchObject({ code: 'CLIENT_SEND_FORBIDDEN' });
      expect(seen).toEqual([['send', stand.brokerName], 'SEND_OK']);
    },
  },
};

export const producerCases: CaseGroup = {
  title: 'Producer',
  cases: [
    ...listedSends.filter(isOfProducer),
    compressions,
    cutBatches,
    automaticBatches,
    queueChoices,
    randomSelector,
    timers,
    recall,
    waitStore,
    inFlight,
    validation,
    otherBroker,
    avoidance,
    sendHooks,
  ],
};
