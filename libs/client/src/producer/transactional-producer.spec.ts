import { ManualClock } from '@nestjs-rocketmq/foundation/testing';
import type { StoredMessage } from '@nestjs-rocketmq/message';
import { CheckTransactionState } from '@nestjs-rocketmq/protocol';
import { LoopbackNetwork } from '@nestjs-rocketmq/remoting/testing';
import { recordOf } from '../testing/records.js';
import { ScriptedCluster } from '../testing/scripted-cluster.js';
import type { TransactionalProducerOptions, TransactionListener } from './transaction-options.js';
import { TransactionalProducer } from './transactional-producer.js';

const message = { topic: 'orders', body: Buffer.from('order 1') };
const [unknown, commit, rollback] = [0, 8, 12];

describe('TransactionalProducer', () => {
  let clock: ManualClock;
  let network: LoopbackNetwork;
  let cluster: ScriptedCluster;
  let producer: TransactionalProducer;
  let listener: TransactionListener;

  const start = async (options: Partial<TransactionalProducerOptions> = {}): Promise<void> => {
    const { nameServer } = cluster;
    const all = { nameServers: nameServer, group: 'g', clock, network, listener, ...options };
    producer = new TransactionalProducer(all);
    await producer.start();
  };

  const decided = async (count = 1) => {
    for (let i = 0; i < 50 && cluster.decisions.length < count; i += 1) await clock.advance(0);
    return cluster.decisions;
  };

  beforeEach(async () => {
    clock = new ManualClock();
    network = new LoopbackNetwork();
    cluster = await ScriptedCluster.start(network, clock);
    cluster.addTopic('orders', 1);
    cluster.addTopic('TBW102', 1);
    listener = { execute: async () => 'COMMIT', check: async () => 'COMMIT' };
  });

  afterEach(async () => {
    await producer.close({ deadline: 0 });
    await cluster.close();
  });

  it('sends the half message first, then runs the local part, then tells the verdict', async () => {
    const steps: string[] = [];
    cluster.onSend = ({ asked }) => {
      steps.push(`half ${asked.sysFlag}`);
      return {};
    };
    listener.execute = async (_, arg, { transactionId }) => {
      steps.push(`local ${String(arg)} ${transactionId.length}`);
      return 'COMMIT';
    };
    await start();
    const result = await producer.sendInTransaction(message, 'arg');
    expect(steps).toEqual(['half 4', 'local arg 32']);
    expect(result.verdict).toBe('COMMIT');
    expect(cluster.sends[0]?.asked.properties).toContain(
      'TRAN_MSG\u0001true\u0002PGROUP\u0001g\u0002',
    );
    expect(await decided()).toEqual([
      expect.objectContaining({
        commitOrRollback: commit,
        commitLogOffset: 256,
        tranStateTableOffset: 0,
        fromTransactionCheck: false,
        msgId: result.msgId,
        producerGroup: 'g',
        topic: 'orders',
      }),
    ]);
  });

  it('does not run the local part when the half message was not safely stored', async () => {
    let ran = false;
    listener.execute = async () => {
      ran = true;
      return 'COMMIT';
    };
    cluster.onSend = () => ({ code: 'SLAVE_NOT_AVAILABLE' });
    await start();
    expect((await producer.sendInTransaction(message)).verdict).toBe('ROLLBACK');
    expect(ran).toBe(false);
    expect((await decided())[0]?.commitOrRollback).toBe(rollback);
  });

  it('does not run the local part when the half message was not stored at all', async () => {
    listener.execute = async () => {
      throw new Error('must not run');
    };
    cluster.onSend = () => ({ code: 'MESSAGE_ILLEGAL' });
    await start();
    await expect(producer.sendInTransaction(message)).rejects.toMatchObject({ responseCode: 13 });
    expect(cluster.decisions).toEqual([]);
  });

  it('takes a failure of the local part for unknown', async () => {
    listener.execute = () => Promise.reject(new Error('database away'));
    await start();
    expect((await producer.sendInTransaction(message)).verdict).toBe('UNKNOWN');
    expect((await decided())[0]?.commitOrRollback).toBe(unknown);
  });

  it('takes an answer that is no verdict for unknown', async () => {
    listener.execute = async () => 'yes' as 'COMMIT';
    await start();
    expect((await producer.sendInTransaction(message)).verdict).toBe('UNKNOWN');
  });

  it('runs the listener of the message instead of its own', async () => {
    await start();
    const own = { execute: async () => 'ROLLBACK' as const };
    expect((await producer.sendInTransaction(message, 1, { listener: own })).verdict).toBe(
      'ROLLBACK',
    );
  });

  it('refuses a delay, and a send without any listener', async () => {
    await start();
    await expect(producer.sendInTransaction({ ...message, delayLevel: 1 })).rejects.toMatchObject({
      code: 'CLIENT_MESSAGE_INVALID',
    });
    await expect(producer.sendInTransaction({ ...message, delayMs: 1 })).rejects.toMatchObject({
      code: 'CLIENT_MESSAGE_INVALID',
    });
    await producer.close();
    producer = new TransactionalProducer({
      nameServers: cluster.nameServer,
      group: 'x',
      clock,
      network,
    });
    await producer.start();
    await expect(producer.sendInTransaction(message)).rejects.toMatchObject({
      code: 'CLIENT_CONFIGURATION_INVALID',
    });
  });

  /** Asks as a broker does, over the connection on which the heartbeat came. */
  const ask = (text: string, group = 'g'): void => {
    const peer = cluster.clients.at(-1);
    if (peer === undefined) throw new Error('no client said who it is');
    const header = {
      tranStateTableOffset: 3,
      commitLogOffset: 77,
      msgId: 'KEY',
      transactionId: 'KEY',
    };
    peer.notify(CheckTransactionState, header, { body: record(text, group) });
  };

  it('answers a check over the connection on which it came', async () => {
    const asked: string[] = [];
    listener.check = async (stored: StoredMessage) => {
      asked.push(`${stored.topic} ${stored.text} ${stored.msgId}`);
      return 'ROLLBACK';
    };
    await start();
    ask('half');
    expect(await decided()).toEqual([
      expect.objectContaining({
        commitOrRollback: rollback,
        fromTransactionCheck: true,
        tranStateTableOffset: 3,
        commitLogOffset: 77,
        msgId: 'KEY',
      }),
    ]);
    expect(asked).toEqual(['orders half KEY']);
  });

  it('is known to every broker at once, so that it is asked about what a crash left', async () => {
    cluster.routes.clear();
    listener.check = async () => 'COMMIT';
    await start();
    ask('half of the process before');
    expect((await decided())[0]?.commitOrRollback).toBe(commit);
  });

  it('takes a failing check for unknown', async () => {
    listener.check = () => Promise.reject(new Error('database away'));
    await start();
    ask('half');
    expect((await decided())[0]?.commitOrRollback).toBe(unknown);
  });

  it('takes a check without an end for unknown when its time is over', async () => {
    listener.check = () => new Promise(() => undefined);
    await start({ checkTimeout: '5s' });
    ask('half');
    await clock.advance(6_000);
    expect((await decided())[0]?.commitOrRollback).toBe(unknown);
  });

  it('answers no more checks at once than it may', async () => {
    let running = 0;
    let most = 0;
    const ends: (() => void)[] = [];
    listener.check = async () => {
      running += 1;
      most = Math.max(most, running);
      return new Promise((resolve) =>
        ends.push(() => {
          running -= 1;
          resolve('COMMIT');
        }),
      );
    };
    await start({ checkConcurrency: 2 });
    for (let i = 0; i < 6; i += 1) ask(`half ${i}`);
    while (cluster.decisions.length < 6) {
      await clock.advance(0);
      ends.shift()?.();
    }
    expect(most).toBe(2);
  });

  it('runs and asks the listener of the topic, and the common one for all others', async () => {
    cluster.addTopic('payments', 1);
    const asked: string[] = [];
    const listenerNamed = (name: string): TransactionListener => ({
      execute: async () => (asked.push(`run ${name}`), 'COMMIT'),
      check: async () => (asked.push(`check ${name}`), 'COMMIT'),
    });
    await start({
      listener: listenerNamed('common'),
      listeners: { orders: listenerNamed('orders') },
    });
    await producer.sendInTransaction(message);
    await producer.sendInTransaction({ ...message, topic: 'payments' });
    ask('half');
    await decided(3);
    expect(asked).toEqual(['run orders', 'run common', 'check orders']);
  });

  it.each([
    [{ listener: { execute: async () => 'COMMIT' } }],
    [{ listeners: { orders: { check: async () => 'COMMIT' } } }],
    [{ listeners: { 'or ders': { execute: async () => 'COMMIT', check: async () => 'COMMIT' } } }],
  ])('refuses listeners that cannot work: %j', async (wrong) => {
    await start();
    const options = { nameServers: 'a:1', group: 'g', ...wrong } as TransactionalProducerOptions;
    expect(() => new TransactionalProducer(options)).toThrow(
      expect.objectContaining({ code: expect.stringMatching(/INVALID/) as string }),
    );
  });

  it('shows hooks the half message and each verdict that was told', async () => {
    const seen: string[] = [];
    await start({
      hooks: [
        {
          beforeSend: ({ type }) => void seen.push(type),
          afterDecision: ({ verdict, isCheck, msgId, group }) =>
            void seen.push(`${verdict} ${isCheck} ${group} ${msgId.length}`),
        },
      ],
    });
    await producer.sendInTransaction(message);
    ask('half');
    await decided(2);
    expect(seen).toEqual(['half', 'COMMIT false g 32', 'COMMIT true g 3']);
  });

  it('waits at close for a check under way and still tells its verdict', async () => {
    let end: (() => void) | undefined;
    listener.check = () => new Promise((resolve) => (end = () => resolve('COMMIT')));
    await start();
    ask('half');
    while (end === undefined) await clock.advance(0);
    const closed = producer.close();
    await clock.advance(10);
    ask('too late');
    end();
    await closed;
    expect((await decided()).map((one) => one.commitOrRollback)).toEqual([commit]);
  });

  it('leaves checks of other groups unanswered', async () => {
    await start();
    ask('half', 'somebody else');
    ask('half');
    expect(await decided()).toHaveLength(1);
  });

  it('waits at close for a local part under way and still tells its verdict', async () => {
    let end: (() => void) | undefined;
    listener.execute = () => new Promise((resolve) => (end = () => resolve('COMMIT')));
    await start();
    const sent = producer.sendInTransaction(message);
    while (end === undefined) await clock.advance(0);
    const closed = producer.close();
    await clock.advance(10);
    end();
    expect((await sent).verdict).toBe('COMMIT');
    await closed;
    expect((await decided())[0]?.commitOrRollback).toBe(commit);
  });
});

function record(text: string, group: string): Uint8Array {
  return recordOf({ topic: 'orders', text, properties: { PGROUP: group, UNIQ_KEY: 'KEY' } });
}
