import { TransactionalProducer, type TransactionVerdict } from '@nestjs-rocketmq/client';
import type { MessageQueue, StoredMessage } from '@nestjs-rocketmq/message';
import type { CaseGroup, InteropCase } from './case.js';
import { listedTransactions } from './listed-cases.js';
import { deadline, text } from './stand.js';

const exceptionIsUnknown: InteropCase = {
  feature: 'Transaction: a listener that throws',
  proves: 'a local transaction and a check that throw mean UNKNOWN; a later check commits',
  how: {
    async play(stand) {
      const [queue] = (await stand.topic('TxThrows')) as [MessageQueue];
      const { inbox } = await stand.push({ subscriptions: [{ topic: queue.topic }] });
      let checks = 0;
      await using producer = new TransactionalProducer({
        ...stand.common(),
        group: stand.name('p-throwing'),
        listener: {
          execute: () => Promise.reject(new Error('the local transaction broke')),
          check: () => {
            checks += 1;
            if (checks === 1) return Promise.reject(new Error('the check broke'));
            return Promise.resolve('COMMIT' as TransactionVerdict);
          },
        },
      });
      await producer.start();
      const body = Buffer.from('survived');
      const sent = await producer.sendInTransaction({ topic: queue.topic, body });
      expect(sent.verdict).toBe('UNKNOWN');
      const [seen] = await inbox.until(1, deadline);
      expect(seen?.text).toBe('survived');
      expect(checks).toBeGreaterThanOrEqual(2);
    },
  },
};

const listenersByTopic: InteropCase = {
  feature: 'Transaction: listeners by topic',
  proves: 'each topic is decided and checked by its own listener',
  how: {
    async play(stand) {
      const topics = await Promise.all(['TxLeft', 'TxRight'].map((word) => stand.topic(word)));
      const [left, right] = topics.map(([queue]) => queue?.topic) as [string, string];
      const subscriptions = [left, right].map((topic) => ({ topic }));
      const { inbox } = await stand.push({ subscriptions });
      const told: string[] = [];
      const listener = (name: string) => ({
        execute: () => Promise.resolve('UNKNOWN' as const),
        check: ({ text: body }: StoredMessage) => {
          told.push(`${name} ${body}`);
          return Promise.resolve('COMMIT' as const);
        },
      });
      await using producer = new TransactionalProducer({
        ...stand.common(),
        group: stand.name('p-by-topic'),
        listeners: { [left]: listener('left'), [right]: listener('right') },
      });
      await producer.start();
      await producer.sendInTransaction({ topic: left, body: Buffer.from('l') });
      await producer.sendInTransaction({ topic: right, body: Buffer.from('r') });
      await inbox.until(2, deadline);
      expect(inbox.all.map(({ topic, text: body }) => [topic, body]).toSorted()).toEqual(
        [
          [left, 'l'],
          [right, 'r'],
        ].toSorted(),
      );
      expect(new Set(told)).toEqual(new Set(['left l', 'right r']));
    },
  },
};

const closingWaits: InteropCase = {
  feature: 'Transaction: closing waits for running checks',
  proves: 'a check that runs while the producer closes is answered; the message is delivered',
  how: {
    async play(stand) {
      const [queue] = (await stand.topic('TxClosing')) as [MessageQueue];
      const { inbox } = await stand.push({ subscriptions: [{ topic: queue.topic }] });
      let asked: () => void = () => undefined;
      const isAsked = new Promise<void>((resolve) => (asked = resolve));
      let go: () => void = () => undefined;
      const mayGo = new Promise<void>((resolve) => (go = resolve));
      const producer = new TransactionalProducer({
        ...stand.common(),
        group: stand.name('p-closing'),
        listener: {
          execute: () => Promise.resolve('UNKNOWN' as const),
          check: async () => {
            asked();
            await mayGo;
            return 'COMMIT';
          },
        },
      });
      await producer.start();
      await producer.sendInTransaction({ topic: queue.topic, body: Buffer.from('just so') });
      await isAsked;
      const closed = producer.close({ deadline: deadline });
      go();
      await closed;
      await inbox.until(1, deadline);
      expect(inbox.texts).toEqual(['just so']);
    },
  },
};

const requestAndReply: InteropCase = {
  feature: 'Request and reply, both ends',
  proves: 'our consumer answers our requester through the server; properties come along',
  how: {
    async play(stand) {
      const [queue] = (await stand.topic('Asked')) as [MessageQueue];
      const producer = await stand.producer();
      await stand.push({
        subscriptions: [{ topic: queue.topic }],
        listener: async ([message]) => {
          const request = message as StoredMessage;
          const body = Buffer.from(`answer to ${request.text}`);
          await producer.reply(request, { body, properties: { colour: 'blue' } });
          return { kind: 'success' };
        },
      });
      const asked = { topic: queue.topic, body: Buffer.from('question') };
      const reply = await producer.request(asked, { timeout: deadline });
      expect(text(reply.body)).toBe('answer to question');
      expect(reply.properties).toMatchObject({ colour: 'blue', MSG_TYPE: 'reply' });
    },
  },
};

const lateReply: InteropCase = {
  feature: 'Request: time-out and late reply',
  proves: 'a request that nobody answers in time fails; the late reply is counted and dropped',
  how: {
    async play(stand) {
      const [queue] = (await stand.topic('AskedLate')) as [MessageQueue];
      const producer = await stand.producer();
      const failed = producer.request(
        { topic: queue.topic, body: Buffer.from('question') },
        { timeout: '2s' },
      );
      await expect(failed).rejects.toMatchObject({ code: 'CLIENT_REQUEST_TIMEOUT' });
      // Whoever answers comes only now.
      const { inbox } = await stand.push({ subscriptions: [{ topic: queue.topic }] });
      const [seen] = await inbox.until(1, deadline);
      await producer.reply(seen?.message as StoredMessage, { body: Buffer.from('too late') });
      await stand.until('the late reply', () => producer.lateReplies === 1);
    },
  },
};

export const transactionCases: CaseGroup = {
  title: 'Transactions',
  cases: [...listedTransactions, exceptionIsUnknown, listenersByTopic, closingWaits],
};

export const requestCases: CaseGroup = {
  title: 'Request and reply',
  cases: [requestAndReply, lateReply],
};
