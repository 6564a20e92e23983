import type { MessageQueue } from '@nestjs-rocketmq/message';
import { isOfProducer, listedSends } from './listed-cases.js';
import type { CaseGroup, InteropCase } from './case.js';
import { deadline, numbers } from './stand.js';

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

export const producerCases: CaseGroup = {
  title: 'Producer',
  cases: [
    ...listedSends.filter(isOfProducer),
    queueChoices,
    waitStore,
    inFlight,
    validation,
    otherBroker,
  ],
};
