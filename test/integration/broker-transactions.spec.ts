import { silentLogger } from '@nestjs-rocketmq/foundation';
import { decodeRecords, parseOffsetMessageId, SystemTopic } from '@nestjs-rocketmq/message';
import {
  type Asked,
  CheckTransactionState,
  EndTransaction,
  ResponseError,
  ResumeCheckHalfMessage,
  type SendMessageV2,
  TransactionDecision,
  UpdateBrokerConfig,
} from '@nestjs-rocketmq/protocol';
import { type Answer, type RemotingClient, Router } from '@nestjs-rocketmq/remoting';
import { RawBroker, temporaryFolder } from '../support/raw-broker.js';

type Sent = Answer<typeof SendMessageV2>;

interface Check {
  readonly client: string;
  readonly asked: Asked<typeof CheckTransactionState>;
  readonly text: string;
}

const quick = {
  transactionTimeOut: 100,
  transactionCheckInterval: 100,
  transactionCheckMax: 1000,
};
const thrice = { ...quick, transactionCheckMax: 3 };

/** Writes down what the broker asks; `next` waits for one more question. */
class Questions {
  readonly all: Check[] = [];
  private waiting: (() => void) | undefined;

  router(client: string): Router {
    return new Router().route(CheckTransactionState, (asked, call) => {
      const [message] = decodeRecords(call.body);
      this.all.push({
        client,
        asked,
        text: `${message?.topic}/${message?.queueId}:${message?.text}`,
      });
      this.waiting?.();
    });
  }

  async until(count: number): Promise<void> {
    while (this.all.length < count) await new Promise<void>((done) => (this.waiting = done));
  }
}

function half(raw: RawBroker, text: string, more: Record<string, string> = {}): Promise<Sent> {
  const properties = {
    TRAN_MSG: 'true',
    PGROUP: 'payers',
    UNIQ_KEY: `U-${text}`,
    TAGS: 't',
    ...more,
  };
  return raw.send('payments', text, { queueId: 1, properties });
}

function end(
  raw: RawBroker,
  sent: Sent,
  decision: keyof typeof TransactionDecision,
  more: Partial<Asked<typeof EndTransaction>> = {},
  client: RemotingClient = raw.client,
): Promise<Answer<typeof EndTransaction>> {
  const asked = {
    producerGroup: 'payers',
    tranStateTableOffset: sent.header.queueOffset,
    commitLogOffset: parseOffsetMessageId(sent.header.msgId).position,
    commitOrRollback: TransactionDecision[decision],
    msgId: 'U',
    fromTransactionCheck: false,
    ...more,
  };
  return client.invoke(raw.address, EndTransaction, asked, { timeoutMs: 30_000 });
}

describe('a transaction', () => {
  let raw: RawBroker;

  beforeEach(async () => {
    raw = await RawBroker.start();
  });

  afterEach(() => raw[Symbol.asyncDispose]());

  it('shows a message when it is committed, with the place of its half', async () => {
    const sent = await half(raw, 'paid');
    expect(sent.header.transactionId).toBe('U-paid');
    expect(await raw.maxOffset('payments', 1)).toBe(0);
    await end(raw, sent, 'commit');
    const [message] = await raw.receive('payments', 1, { queueId: 1 });
    expect(message).toMatchObject({
      text: 'paid',
      tags: 't',
      msgId: 'U-paid',
      preparedTransactionOffset: parseOffsetMessageId(sent.header.msgId).position,
    });
    expect(message?.sysFlag).toBe(8);
  });

  it('never shows one that is rolled back, and marks both kinds of decisions alike', async () => {
    const one = await half(raw, 'no');
    const two = await half(raw, 'yes');
    await end(raw, one, 'rollback');
    await end(raw, two, 'commit');
    const messages = await raw.receive('payments', 1, { queueId: 1 });
    expect(messages.map(({ text }) => text)).toEqual(['yes']);
    const ops = await raw.receive(SystemTopic.TRANSACTION_OP, 2);
    expect(ops.map(({ text, tags }) => [text, tags])).toEqual([
      ['0', 'd'],
      ['1', 'd'],
    ]);
  });

  it('takes the first decision and refuses later ones', async () => {
    const sent = await half(raw, 'once');
    await end(raw, sent, 'commit');
    await expect(end(raw, sent, 'commit')).rejects.toThrow(ResponseError);
    await expect(end(raw, sent, 'rollback')).rejects.toThrow(/decided already/);
    expect(await raw.maxOffset('payments', 1)).toBe(1);
  });

  it('refuses a decision that names another group, offset, position or transaction', async () => {
    const sent = await half(raw, 'mine');
    const position = parseOffsetMessageId(sent.header.msgId).position;
    for (const wrong of [
      { producerGroup: 'others' },
      { tranStateTableOffset: 7 },
      { commitLogOffset: position + 1 },
      { transactionId: 'U-yours' },
    ]) {
      await expect(end(raw, sent, 'commit', wrong)).rejects.toThrow(ResponseError);
    }
    expect(await raw.maxOffset('payments', 1)).toBe(0);
  });
});

describe('an open transaction', () => {
  let raw: RawBroker;
  let questions: Questions;

  const start = async (settings: typeof quick): Promise<void> => {
    questions = new Questions();
    raw = await RawBroker.start(settings, { router: questions.router('one') });
    await raw.heartbeat('one', { producers: ['payers'] });
  };

  afterEach(() => raw[Symbol.asyncDispose]());

  it('asks a living producer of the group, which decides then', async () => {
    await start(quick);
    const sent = await half(raw, 'asked');
    await questions.until(1);
    const [check] = questions.all;
    expect(check?.text).toBe('payments/1:asked');
    expect(check?.asked).toMatchObject({
      tranStateTableOffset: sent.header.queueOffset,
      transactionId: 'U-asked',
      offsetMsgId: sent.header.msgId,
    });
    await end(raw, sent, 'commit', { fromTransactionCheck: true });
    await raw.receive('payments', 1, { queueId: 1 });
    const before = questions.all.length;
    await half(raw, 'another');
    await questions.until(before + 1);
    expect(questions.all.at(-1)?.text).toBe('payments/1:another');
  });

  it('asks another instance when the sender is gone', async () => {
    await start(quick);
    const sender = RawBroker.clientOf(questions.router('sender'));
    await raw.heartbeat('sender', { producers: ['payers'] }, sender);
    await half(raw, 'orphan');
    await sender.close();
    const count = questions.all.length;
    await questions.until(count + 1);
    expect(questions.all.at(-1)).toMatchObject({ client: 'one', text: 'payments/1:orphan' });
  });

  it('gives a half message up after the last check', async () => {
    await start(thrice);
    await half(raw, 'lost');
    await questions.until(3);
    // Its topic comes into being with the first that is given up; the op message tells of it.
    await raw.receive(SystemTopic.TRANSACTION_OP, 1);
    const [message] = await raw.receive(SystemTopic.TRANSACTION_GIVEN_UP, 1);
    expect(message?.text).toBe('lost');
    expect(questions.all).toHaveLength(3);
  });

  it('asks again about one that was given up, when an operator wants it', async () => {
    await start(thrice);
    const sent = await half(raw, 'late');
    await questions.until(3);
    await raw.receive(SystemTopic.TRANSACTION_OP, 1);
    const [message] = await raw.receive(SystemTopic.TRANSACTION_GIVEN_UP, 1);
    const resume = (msgId: string | undefined) =>
      raw.client.invoke(raw.address, ResumeCheckHalfMessage, { msgId }, { timeoutMs: 30_000 });
    await raw.client.invoke(
      raw.address,
      UpdateBrokerConfig,
      {},
      { body: 'transactionCheckMax=1000', timeoutMs: 30_000 },
    );
    await expect(resume(sent.header.msgId)).rejects.toMatchObject({ responseName: 'SYSTEM_ERROR' });
    await resume(message?.offsetMsgId);
    await questions.until(4);
    const { tranStateTableOffset, commitLogOffset } = questions.all[3]?.asked ?? {};
    const again = { tranStateTableOffset, commitLogOffset } as Partial<
      Asked<typeof EndTransaction>
    >;
    await end(raw, sent, 'commit', { ...again, fromTransactionCheck: true });
    const [paid] = await raw.receive('payments', 1, { queueId: 1 });
    expect(paid?.text).toBe('late');
  });

  it('leaves a half message alone for its time of immunity', async () => {
    await start(quick);
    await half(raw, 'immune', { CHECK_IMMUNITY_TIME_IN_SECONDS: '60' });
    await half(raw, 'plain');
    await questions.until(2);
    expect(new Set(questions.all.map(({ text }) => text))).toEqual(new Set(['payments/1:plain']));
  });
});

describe('a broker that starts again', () => {
  it('knows which half messages are decided, and asks about the others', async () => {
    const folder = temporaryFolder();
    try {
      const questions = new Questions();
      const first = await RawBroker.start({}, { dir: folder.path, logger: silentLogger });
      const decided = await half(first, 'done');
      await half(first, 'open');
      await end(first, decided, 'commit');
      await first.close();
      await using second = await RawBroker.start(quick, {
        dir: folder.path,
        router: questions.router('one'),
      });
      await second.heartbeat('one', { producers: ['payers'] });
      await questions.until(1);
      expect(new Set(questions.all.map(({ text }) => text))).toEqual(new Set(['payments/1:open']));
      await expect(end(second, decided, 'commit')).rejects.toThrow(/decided already|SYSTEM_ERROR/);
      expect(await second.maxOffset('payments', 1)).toBe(1);
    } finally {
      folder.remove();
    }
  });

  it('goes on counting how often a half message was asked about', async () => {
    const folder = temporaryFolder();
    try {
      const before = new Questions();
      const first = await RawBroker.start(quick, {
        dir: folder.path,
        router: before.router('one'),
      });
      await first.heartbeat('one', { producers: ['payers'] });
      await half(first, 'undecided');
      await before.until(3);
      await first.close();
      const after = new Questions();
      const router = after.router('one');
      await using second = await RawBroker.start(thrice, { dir: folder.path, router });
      await second.heartbeat('one', { producers: ['payers'] });
      await second.receive(SystemTopic.TRANSACTION_OP, 1);
      expect(after.all).toEqual([]);
    } finally {
      folder.remove();
    }
  });
});
