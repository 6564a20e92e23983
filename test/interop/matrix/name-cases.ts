import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { clientChannels, type ConnectEvent } from '@nestjs-rocketmq/client';
import { createTopic } from '../../support/java.js';
import type { CaseGroup, InteropCase } from './case.js';
import { deadline, type Stand } from './stand.js';

/** The same words in two namespaces, and a message that comes again. */
async function apart(stand: Stand): Promise<void> {
  const topic = stand.name('Names');
  const group = stand.name('names');
  const namespaces = [stand.name('north'), stand.name('south')];
  for (const namespace of namespaces) {
    await createTopic(stand.brokerAddress, `${namespace}%${topic}`, 1);
    const producer = await stand.producer({ group, namespace });
    await stand.until(`a message to ${namespace}`, async () => {
      const sent = await producer
        .send({ topic, body: Buffer.from(namespace) })
        .catch(() => undefined);
      if (sent !== undefined) expect(sent.queue.topic).toBe(topic);
      return sent !== undefined;
    });
  }
  for (const namespace of namespaces) {
    const { inbox } = await stand.push({
      group,
      subscriptions: [{ topic }],
      namespace,
      listener: ([message]) =>
        message?.reconsumeTimes === 0 ? { kind: 'retry', delayLevel: 1 } : { kind: 'success' },
    });
    const seen = await inbox.until(2, deadline);
    expect(seen.map(({ message, text }) => [message.topic, text])).toEqual([
      [topic, namespace],
      [topic, namespace],
    ]);
  }
}

const first: InteropCase = {
  feature: 'Namespaces of the first kind (`namespace`)',
  proves: 'groups and topics of the same names in two of them do not meet, retries find their way',
  how: { play: apart },
};

const second: InteropCase = {
  feature: 'Namespaces of the second kind (`namespaceV2`)',
  proves: 'every request carries it, which brokers leave to gateways before them, and serve it',
  how: {
    async play(stand) {
      const [queue] = await stand.topic('Carried');
      const topic = queue?.topic ?? '';
      for (const headerForm of ['json', 'binary'] as const) {
        const options = { namespaceV2: 'shop', headerForm };
        const producer = await stand.producer(options);
        const { inbox } = await stand.push({ subscriptions: [{ topic }], ...options });
        await producer.send({ topic, body: Buffer.from(headerForm) });
        await stand.until('the message', () => inbox.texts.includes(headerForm));
      }
    },
  },
};

const vip: InteropCase = {
  feature: 'VIP channel (`vipChannelEnabled`)',
  proves: 'sends go to the second port of the broker, pulls and heartbeats to the first',
  how: {
    async play(stand) {
      const [queue] = await stand.topic('Vip');
      const topic = queue?.topic ?? '';
      const made: string[] = [];
      const tell = (event: unknown) => {
        const { clientId, port } = event as ConnectEvent;
        made.push(`${clientId} ${port}`);
      };
      const channel = `tracing:${clientChannels.connect}:start`;
      subscribe(channel, tell);
      try {
        const producer = await stand.producer({ vipChannelEnabled: true });
        const sent = await producer.send({ topic, body: Buffer.from('by the second port') });
        expect(sent.status).toBe('SEND_OK');
        const options = { subscriptions: [{ topic }], vipChannelEnabled: true };
        const { consumer, inbox } = await stand.push(options);
        await inbox.until(1, deadline);
        expect(inbox.texts).toEqual(['by the second port']);
        const port = Number(stand.brokerAddress.split(':')[1]);
        expect(made).toContain(`${producer.clientId} ${port - 2}`);
        expect(made).toContain(`${consumer.clientId} ${port}`);
      } finally {
        unsubscribe(channel, tell);
      }
    },
  },
};

export const nameCases: CaseGroup = { title: 'Names and ports', cases: [first, second, vip] };
