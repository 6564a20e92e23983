import { parseOffsetMessageId } from '@nestjs-rocketmq/message';
import {
  CheckTransactionState,
  EndTransaction,
  QueryConsumerOffset,
  ResponseError,
  type SendMessageV2,
  TransactionDecision,
  UpdateConsumerOffset,
} from '@nestjs-rocketmq/protocol';
import { type Answer, Router } from '@nestjs-rocketmq/remoting';
import { eventually } from '../support/eventually.js';
import { RawBroker, temporaryFolder } from '../support/raw-broker.js';

/* Bugs that were reported of Apache RocketMQ, each by its number there; a broker must not have them. */

type Sent = Answer<typeof SendMessageV2>;

const quick = { transactionTimeOut: 100, transactionCheckInterval: 100, transactionCheckMax: 1000 };

function half(raw: RawBroker, text: string, more: Record<string, string> = {}): Promise<Sent> {
  const properties = { TRAN_MSG: 'true', PGROUP: 'payers', UNIQ_KEY: `U-${text}`, ...more };
  return raw.send('payments', text, { properties });
}

function end(
  raw: RawBroker,
  sent: Sent,
  decision: 'commit' | 'rollback',
  fromTransactionCheck = false,
): Promise<unknown> {
  const asked = {
    producerGroup: 'payers',
    tranStateTableOffset: sent.header.queueOffset,
    commitLogOffset: parseOffsetMessageId(sent.header.msgId).position,
    commitOrRollback: TransactionDecision[decision],
    msgId: 'U',
    fromTransactionCheck,
  };
  return raw.client.invoke(raw.address, EndTransaction, asked, { timeoutMs: 30_000 });
}

describe('apache/rocketmq, transactions', () => {
  it.each([
    ['#544', 'of a group that nobody knows', { PGROUP: 'nobody' }],
    ['#2840', 'without a group', { PGROUP: '' }],
    ['#1568', 'with a time of immunity that is no number', { CHECK_IMMUNITY_TIME_IN_SECONDS: 'x' }],
    ['#9500', 'with a number of checks that is none', { TRANSACTION_CHECK_TIMES: 'often' }],
  ] as const)('%s: a half message %s does not stop the checks of others', async (_, __, odd) => {
    const asked = new Set<string>();
    const router = new Router().route(CheckTransactionState, ({ msgId }) => {
      asked.add(msgId ?? '');
    });
    await using raw = await RawBroker.start(quick, { router });
    await raw.heartbeat('one', { producers: ['payers'] });
    await half(raw, 'odd', odd);
    await half(raw, 'sound');
    await eventually('a check of the sound one', 60_000, () => asked.has('U-sound') || undefined);
    await half(raw, 'later');
    await eventually('a check of the later one', 60_000, () => asked.has('U-later') || undefined);
  });

  it('#8158: what was committed is not committed again by the answer to a check', async () => {
    await using raw = await RawBroker.start(quick);
    const sent = await half(raw, 'once');
    await end(raw, sent, 'commit');
    await expect(end(raw, sent, 'commit', true)).rejects.toThrow(ResponseError);
    await expect(end(raw, sent, 'rollback', true)).rejects.toThrow(/decided already/);
    expect(await raw.maxOffset('payments')).toBe(1);
  });

  it('#2694: a commit after a rollback is refused, and nothing becomes visible', async () => {
    await using raw = await RawBroker.start(quick);
    const sent = await half(raw, 'no');
    await end(raw, sent, 'rollback');
    await expect(end(raw, sent, 'commit')).rejects.toThrow(/decided already/);
    await expect(end(raw, sent, 'commit', true)).rejects.toThrow(/decided already/);
    expect(await raw.maxOffset('payments')).toBe(0);
  });

  it('#10199: a decision is known after a restart, for it is written with its message', async () => {
    const folder = temporaryFolder();
    try {
      const first = await RawBroker.start({}, { dir: folder.path });
      const sent = await half(first, 'decided');
      await end(first, sent, 'commit');
      await first.close();
      await using second = await RawBroker.start(quick, { dir: folder.path });
      await expect(end(second, sent, 'commit', true)).rejects.toThrow(/decided already/);
      expect(await second.maxOffset('payments')).toBe(1);
    } finally {
      folder.remove();
    }
  });
});

describe('apache/rocketmq, offsets', () => {
  const place = { consumerGroup: 'consumers', topic: 'orders', queueId: 0 };

  async function position(raw: RawBroker): Promise<number> {
    const answer = await raw.client.invoke(raw.address, QueryConsumerOffset, place, {
      timeoutMs: 30_000,
    });
    return answer.name === 'SUCCESS' ? answer.header.offset : 0;
  }

  it('#10955: a group that begins gets the first message, and none is passed over', async () => {
    await using raw = await RawBroker.start();
    for (const text of ['one', 'two', 'three']) await raw.send('orders', text);
    const messages = await raw.receive('orders', 3, { offset: await position(raw) });
    expect(messages.map(({ text }) => text)).toEqual(['one', 'two', 'three']);
  });

  it('#1825: a group that comes back goes on where it was, not at the first message', async () => {
    const folder = temporaryFolder();
    try {
      const first = await RawBroker.start({}, { dir: folder.path });
      for (const text of ['one', 'two', 'three']) await first.send('orders', text);
      const commit = { ...place, commitOffset: 2 };
      await first.createGroup(place.consumerGroup);
      await first.client.invoke(first.address, UpdateConsumerOffset, commit, { timeoutMs: 30_000 });
      expect(await position(first)).toBe(2);
      await first.close();
      await using second = await RawBroker.start({}, { dir: folder.path });
      expect(await position(second)).toBe(2);
    } finally {
      folder.remove();
    }
  });

  it('#10870: the next offset of an answer is where the next message is, whatever the filter', async () => {
    await using raw = await RawBroker.start();
    for (const tag of ['a', 'b', 'b', 'a', 'b']) {
      await raw.send('orders', tag, { properties: { TAGS: tag } });
    }
    const found: number[] = [];
    let offset = 0;
    while (offset < 5) {
      const answer = await raw.pull('orders', { offset, subscription: 'a', maxCount: 1 });
      expect(answer.header.nextBeginOffset).toBeGreaterThan(offset);
      if (answer.name === 'SUCCESS') found.push(offset);
      offset = answer.header.nextBeginOffset;
    }
    expect(offset).toBe(5);
    expect(found.length).toBe(2);
  });
});
