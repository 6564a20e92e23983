import type { TransactionVerdict } from '@nestjs-rocketmq/client';
import { ClientCluster, Inbox } from '../support/client-cluster.js';
import { eventually } from '../support/eventually.js';

const body = (text: string): Uint8Array => Buffer.from(text);

describe('our transactional producer on our broker', () => {
  let cluster: ClientCluster;
  let inbox: Inbox;
  let topic: string;

  beforeAll(async () => {
    cluster = await ClientCluster.start({
      transactionTimeOut: 500,
      transactionCheckInterval: 500,
      transactionCheckMax: 1000,
    });
  });

  afterAll(() => cluster[Symbol.asyncDispose]());

  beforeEach(async () => {
    topic = cluster.name('orders');
    inbox = new Inbox();
    await cluster.consumer({
      subscriptions: [{ topic }],
      listener: (messages) => {
        inbox.take(messages);
        return { kind: 'success' };
      },
    });
  });

  it('delivers what was committed, at once, and never what was rolled back', async () => {
    const listener = {
      execute: async (_: unknown, verdict: unknown) => verdict as TransactionVerdict,
      check: async () => 'UNKNOWN' as const,
    };
    const producer = await cluster.transactional({ listener });
    await producer.sendInTransaction({ topic, body: body('no') }, 'ROLLBACK');
    const sent = await producer.sendInTransaction(
      { topic, body: body('yes'), tags: 'a' },
      'COMMIT',
    );
    const [message] = await inbox.until(1);
    expect([message?.text, message?.message.msgId, message?.message.tags]).toEqual([
      'yes',
      sent.msgId,
      'a',
    ]);
    await producer.sendInTransaction({ topic, body: body('end') }, 'COMMIT');
    await inbox.until(2);
    expect(inbox.texts).toEqual(['yes', 'end']);
  });

  it('asks back until it hears a decision, also after a failure', async () => {
    const checks: string[] = [];
    const producer = await cluster.transactional({
      listener: {
        execute: () => Promise.reject(new Error('connection to the database lost')),
        check: async ({ text, msgId }) => {
          checks.push(`${text} ${msgId}`);
          if (checks.length === 1) throw new Error('still away');
          return checks.length === 2 ? 'UNKNOWN' : 'COMMIT';
        },
      },
    });
    const sent = await producer.sendInTransaction({ topic, body: body('late') });
    expect(sent.verdict).toBe('UNKNOWN');
    const [message] = await inbox.until(1);
    expect(message?.message.msgId).toBe(sent.msgId);
    expect(new Set(checks)).toEqual(new Set([`late ${sent.msgId}`]));
    expect(checks.length).toBeGreaterThanOrEqual(3);
  });

  it('asks another instance of the group when the sender is gone', async () => {
    const group = cluster.name('shared-group');
    const sender = await cluster.transactional({
      group,
      listener: { execute: async () => 'UNKNOWN', check: async () => 'UNKNOWN' },
    });
    await sender.sendInTransaction({ topic, body: body('orphan') });
    await sender.close();
    const asked = new Set<string>();
    await cluster.transactional({
      group,
      listener: {
        execute: async () => 'UNKNOWN',
        check: async ({ text }) => {
          asked.add(text);
          return 'COMMIT';
        },
      },
    });
    expect((await inbox.until(1))[0]?.text).toBe('orphan');
    expect([...asked]).toEqual(['orphan']);
  });

  it('withdraws a message when the check says rollback', async () => {
    let checks = 0;
    const producer = await cluster.transactional({
      listener: {
        execute: async () => 'UNKNOWN',
        check: async () => {
          checks += 1;
          return 'ROLLBACK';
        },
      },
    });
    await producer.sendInTransaction({ topic, body: body('never') });
    await eventually('a check', 60_000, () => (checks > 0 ? true : undefined));
    const committing = { execute: async () => 'COMMIT' as const };
    await producer.sendInTransaction({ topic, body: body('end') }, undefined, {
      listener: committing,
    });
    await inbox.until(1);
    expect(inbox.texts).toEqual(['end']);
  });
});
