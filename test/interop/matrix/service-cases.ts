import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  ClientAdmin,
  clientChannels,
  ClientInstance,
  Producer,
  PushConsumer,
} from '@nestjs-rocketmq/client';
import type { Logger } from '@nestjs-rocketmq/foundation';
import type { MessageQueue } from '@nestjs-rocketmq/message';
import { askByHand } from '../../support/java.js';
import { keepingLogger } from '../../support/operated-broker.js';
import type { CaseGroup, InteropCase } from './case.js';
import { binaryHeaders } from './listed-cases.js';
import { deadline, numbers } from './stand.js';

const traces: InteropCase = {
  feature: 'Trace of sends, consumption and transactions',
  proves: 'what a producer and a consumer traced is found at the server by the id of the message',
  how: {
    async play(stand) {
      const [queue] = (await stand.topic('Traced')) as [MessageQueue];
      const { topic } = queue;
      const producer = await stand.producer({ enableTrace: true });
      const { inbox } = await stand.push({ subscriptions: [{ topic }], enableTrace: true });
      const { msgId } = await producer.send({ topic, body: Buffer.from('seen'), keys: 'k' });
      await inbox.until(1, deadline);
      await using admin = new ClientAdmin(stand.common());
      await stand.until('the trace', async () => {
        const found = await admin.queryTrace(msgId);
        const kinds = new Set(found.map(({ kind }) => kind));
        return (['Pub', 'SubBefore', 'SubAfter'] as const).every((kind) => kinds.has(kind));
      });
    },
  },
};

const adminCalls: InteropCase = {
  feature: 'Admin calls: topics, offsets, messages by id and key',
  proves: 'a topic is made; its messages are found by both ids, by key, by offset and by time',
  how: {
    async play(stand) {
      await using admin = new ClientAdmin(stand.common());
      const topic = stand.name('Administered');
      // Brokers of other cases may have joined the cluster.
      const { brokers } = await admin.createTopic(topic, { queues: 1 });
      await stand.until('the route', async () => {
        const queues = await admin.fetchMessageQueues(topic).catch(() => []);
        return queues.length === brokers.length;
      });
      const sent = await stand.send({ topic, body: Buffer.from('found'), keys: 'the-key' });
      const { queue } = sent;
      await stand.until(
        'the message in its queue',
        async () => (await admin.maxOffset(queue)) === 1,
      );
      expect(await admin.minOffset(queue)).toBe(0);
      expect(await admin.searchOffset(queue, 0)).toBe(0);
      const byId = await admin.viewMessage(topic, sent.offsetMsgId);
      expect(byId).toMatchObject({ text: 'found', msgId: sent.msgId });
      const earliest = await admin.earliestMessageStoreTime(queue);
      expect(earliest).toBe(byId?.storeTimestamp);
      await stand.until('the message in the index', async () => {
        const byKey = await admin.queryMessages(topic, 'the-key');
        return byKey.length === 1 && byKey[0]?.text === 'found';
      });
      expect(await admin.viewMessage(topic, sent.msgId)).toMatchObject({ text: 'found' });
    },
  },
};

const orderlyEnd: InteropCase = {
  feature: 'Everything closes',
  proves: 'running handlers end, offsets are stored, and the server no longer knows the members',
  how: {
    async play(stand) {
      const queue = await stand.filled('Closing', 3);
      const group = stand.name('c-closing');
      const ended: string[] = [];
      let begun: () => void = () => undefined;
      const isBegun = new Promise<void>((resolve) => (begun = resolve));
      const consumer = new PushConsumer({
        ...stand.common(),
        group,
        from: 'first',
        subscriptions: [{ topic: queue.topic }],
        concurrency: 1,
        listener: async ([message]) => {
          begun();
          await stand.pause(200);
          ended.push(message?.text ?? '');
          return { kind: 'success' };
        },
      });
      await consumer.start();
      await isBegun;
      await consumer.close();
      expect(ended.length).toBeGreaterThanOrEqual(1);
      expect(await stand.committed(group, queue)).toBe(ended.length);
      await stand.until('a group without members', async () => {
        const answer = await askByHand(stand.brokerAddress, 38, { consumerGroup: group });
        return !answer.includes(consumer.clientId);
      });
    },
  },
};

const sharedInstance: InteropCase = {
  feature: 'One runtime for several clients',
  proves: 'a producer and a consumer share connections and one client id',
  how: {
    async play(stand) {
      const [queue] = (await stand.topic('Together')) as [MessageQueue];
      const instance = new ClientInstance(stand.common());
      const producer = await stand.producer({ instance });
      const { consumer, inbox } = await stand.push({
        instance,
        subscriptions: [{ topic: queue.topic }],
      });
      expect(consumer.clientId).toBe(producer.clientId);
      await producer.send({ topic: queue.topic, body: Buffer.from('both') });
      await inbox.until(1, deadline);
      await consumer.close();
      await producer.close();
      await instance.close();
    },
  },
};

const nameServerList: InteropCase = {
  feature: 'Several name servers, DNS names',
  proves: 'by name instead of address, with one beside it that is not there',
  how: {
    async play(stand) {
      const [queue] = (await stand.topic('Named')) as [MessageQueue];
      const [, port] = stand.nameServers.split(':');
      const nameServers = `127.0.0.1:1;localhost:${port}`;
      for (const i of numbers(0, 4)) {
        await using producer = new Producer({
          ...stand.common(),
          nameServers,
          group: stand.name('p-named'),
          sendTimeout: '60s',
        });
        await producer.start();
        const sent = await producer.send({ topic: queue.topic, body: Buffer.from(i) });
        expect(sent.status).toBe('SEND_OK');
      }
    },
  },
};

const logPort: InteropCase = {
  feature: 'Log port',
  proves: 'a listener that fails is told to the given logger, with the id of the message',
  how: {
    async play(stand) {
      const queue = await stand.filled('Logged', 1);
      const lines: string[] = [];
      const logger: Logger = keepingLogger(lines);
      const { inbox } = await stand.push({
        subscriptions: [{ topic: queue.topic }],
        logger,
        listener: ([message]) => {
          if (message?.reconsumeTimes === 0) throw new Error('broken');
          return { kind: 'success' };
        },
      });
      await inbox.until(2, deadline);
      expect(lines.filter((line) => /listener/i.test(line)).length).toBeGreaterThanOrEqual(1);
    },
  },
};

const diagnostics: InteropCase = {
  feature: 'Diagnostics channels',
  proves: 'connects, sends, pulls, consumption and shares are told, each with its payload',
  how: {
    async play(stand) {
      const queue = await stand.filled('Diagnosed', 1);
      const { topic } = queue;
      const told = new Map<string, unknown[]>();
      const channels = Object.entries(clientChannels).map(([kind, name]) => {
        const full = kind === 'rebalance' ? name : `tracing:${name}:asyncEnd`;
        const listener = (event: unknown) =>
          void told.set(kind, [...(told.get(kind) ?? []), event]);
        subscribe(full, listener);
        return () => unsubscribe(full, listener);
      });
      try {
        const producer = await stand.producer();
        const { consumer, inbox } = await stand.push({ subscriptions: [{ topic }] });
        const { msgId } = await producer.send({ topic, body: Buffer.from('told') });
        await inbox.until(2, deadline);
        const has = (kind: string, event: object) =>
          expect(told.get(kind)).toContainEqual(expect.objectContaining(event));
        const { clientId, group } = consumer;
        await stand.until('the end of the handler told', () => {
          const ends = (told.get('consume') ?? []) as readonly { readonly group?: string }[];
          return ends.some((event) => event.group === group);
        });
        const [, port] = stand.brokerAddress.split(':');
        has('connect', { clientId, port: Number(port) });
        has('send', { topic, msgId, result: expect.objectContaining({ status: 'SEND_OK' }) });
        has('pull', { group, topic, queueId: 0, offset: 0 });
        has('rebalance', { clientId, topic, mine: [queue] });
      } finally {
        for (const stop of channels) stop();
      }
    },
  },
};

const addressServer: InteropCase = {
  feature: 'Name servers from an address server (HTTP), unit names',
  proves: 'a producer finds the server by it; the unit name is asked for and ends the client id',
  how: {
    async play(stand) {
      const [queue] = (await stand.topic('ByHttp')) as [MessageQueue];
      const asked: string[] = [];
      const http = createServer((request, answer) => {
        asked.push(request.url ?? '');
        answer.end(`${stand.nameServers}\n`);
      });
      await new Promise<void>((listening) => http.listen(0, '127.0.0.1', listening));
      const { port } = http.address() as AddressInfo;
      const { nameServers: _unused, ...rest } = stand.common();
      await using producer = new Producer({
        ...rest,
        group: stand.name('p-by-http'),
        nameServerAddressUrl: `http://127.0.0.1:${port}/rocketmq/nsaddr`,
        unitName: 'north',
        sendTimeout: '60s',
      });
      await producer.start();
      const sent = await producer.send({ topic: queue.topic, body: Buffer.from('found') });
      expect(sent.status).toBe('SEND_OK');
      expect(producer.clientId).toMatch(/@north$/);
      expect(asked[0]).toBe('/rocketmq/nsaddr-north?nofix=1');
      await producer.close();
      http.closeAllConnections();
      http.close();
    },
  },
};

const encryption: InteropCase = {
  feature: 'TLS: own CA, client certificates, server name',
  proves: 'sends and consumes with certificates on both sides; what is wrong with one is said',
  limits: { ours: 'Our servers speak no TLS yet; a client that asks for it is told so.' },
  how: {
    spec: 'java-tls.spec.ts',
    title: 'sends and consumes with certificates on both sides',
  },
};

const unsigned = 'Our broker checks no signatures yet: it lets in whoever asks, signed or not.';

const accessControl: InteropCase = {
  feature: 'Signatures for access control (ACL 1.0 and 2.0)',
  proves:
    'a broker that checks them lets in the right key and refuses the wrong one, with what to do',
  limits: { ours: unsigned },
  how: {
    spec: 'java-access.spec.ts',
    title: 'lets in sends, one-way sends, batches and transactions, and what consumers ask',
  },
};

export const serviceCases: CaseGroup = {
  title: 'Trace, admin calls, diagnostics, closing',
  cases: [traces, adminCalls, diagnostics, logPort, orderlyEnd],
};

export const connectionCases: CaseGroup = {
  title: 'Connection',
  cases: [binaryHeaders, nameServerList, addressServer, sharedInstance, accessControl, encryption],
};
