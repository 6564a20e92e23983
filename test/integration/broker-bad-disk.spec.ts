import { ManualClock, seedOfRun } from '@nestjs-rocketmq/foundation/testing';
import { parseOffsetMessageId, SystemTopic } from '@nestjs-rocketmq/message';
import {
  EndTransaction,
  QueryConsumerOffset,
  ResponseError,
  TransactionDecision,
  UpdateConsumerOffset,
} from '@nestjs-rocketmq/protocol';
import { FaultyFileSystem } from '@nestjs-rocketmq/store/testing';
import { RawBroker } from '../support/raw-broker.js';

const dir = '/data/store';
const quick = { messageDelayLevel: '1s 2s', mappedFileSizeCommitLog: 1024 * 1024 };
const inLog = { call: 'write', path: 'commitlog' } as const;

async function outcomeOf(work: Promise<unknown>): Promise<string> {
  try {
    await work;
    return 'SUCCESS';
  } catch (error) {
    if (error instanceof ResponseError) return error.responseName;
    throw error;
  }
}

const seed = seedOfRun();

describe(`a broker on a disk that fails (seed ${seed})`, () => {
  let disk: FaultyFileSystem;

  beforeEach(() => {
    disk = new FaultyFileSystem(seed);
  });

  const start = (more: Record<string, unknown> = {}, clock?: ManualClock): Promise<RawBroker> =>
    RawBroker.start({ ...quick, ...more }, { dir, fileSystem: disk, clock });

  it('refuses what it cannot write, keeps what it acknowledged, and goes on', async () => {
    const clock = new ManualClock(Date.now());
    const raw = await start({}, clock);
    expect(await outcomeOf(raw.send('orders', 'one'))).toBe('SUCCESS');
    disk.fail({ ...inLog, code: 'ENOSPC' });
    expect(await outcomeOf(raw.send('orders', 'lost'))).toBe('SYSTEM_ERROR');
    expect(await outcomeOf(raw.send('orders', 'too soon'))).toBe('SERVICE_NOT_AVAILABLE');
    // A full disk is not tried again for a second.
    await clock.advance(1100);
    expect(await outcomeOf(raw.send('orders', 'two'))).toBe('SUCCESS');
    await raw.close();
    const again = await start();
    const messages = await again.receive('orders', 2);
    expect(messages.map(({ text, queueOffset }) => [text, queueOffset])).toEqual([
      ['one', 0],
      ['two', 1],
    ]);
    await again.close();
  });

  it('answers nothing of a message that it cannot read, and the next pull gets it', async () => {
    const raw = await start();
    await raw.send('orders', 'one');
    disk.fail({ call: 'read', path: 'commitlog' });
    expect(await outcomeOf(raw.pull('orders'))).toBe('SYSTEM_ERROR');
    expect((await raw.receive('orders', 1)).map(({ text }) => text)).toEqual(['one']);
    await raw.close();
  });

  it('answers every pull that waits though one of them cannot be read for', async () => {
    const raw = await start();
    await raw.send('orders', 'one');
    const waiting = [1, 2, 3].map(() =>
      outcomeOf(raw.pull('orders', { offset: 1, waitMillis: 30_000 })),
    );
    disk.fail({ call: 'read', path: 'commitlog' });
    await raw.send('orders', 'two');
    expect(await Promise.all(waiting)).toEqual(['SYSTEM_ERROR', 'SUCCESS', 'SUCCESS']);
    await raw.close();
  });

  it('does not say that a message only lacks a slave when it could not be written', async () => {
    const raw = await start({ brokerRole: 'SYNC_MASTER' });
    disk.fail({ ...inLog, code: 'EIO' });
    expect(await outcomeOf(raw.send('orders', 'lost'))).toBe('SYSTEM_ERROR');
    expect(await raw.maxOffset('orders')).toBe(0);
    expect((await raw.send('orders', 'kept')).name).toBe('SLAVE_NOT_AVAILABLE');
    await raw.close();
  });

  it('has not decided a transaction when the decision could not be written', async () => {
    const raw = await start();
    const sent = await raw.send('payments', 'paid', {
      properties: { TRAN_MSG: 'true', PGROUP: 'payers', UNIQ_KEY: 'U' },
    });
    const commit = (): Promise<string> =>
      outcomeOf(
        raw.client.invoke(
          raw.address,
          EndTransaction,
          {
            producerGroup: 'payers',
            tranStateTableOffset: sent.header.queueOffset,
            commitLogOffset: parseOffsetMessageId(sent.header.msgId).position,
            commitOrRollback: TransactionDecision.commit,
            msgId: 'U',
          },
          { timeoutMs: 30_000 },
        ),
      );
    disk.fail({ ...inLog, code: 'EIO' });
    expect(await commit()).not.toBe('SUCCESS');
    expect(await raw.maxOffset('payments')).toBe(0);
    expect(await commit()).toBe('SUCCESS');
    expect(await commit()).toBe('ILLEGAL_OPERATION');
    expect((await raw.receive('payments', 1)).map(({ text }) => text)).toEqual(['paid']);
    expect(await raw.maxOffset(SystemTopic.TRANSACTION_OP)).toBe(1);
    await raw.close();
  });

  it('stops taking messages when a sync fails, and still saves what consumers committed', async () => {
    const raw = await start({ flushDiskType: 'SYNC_FLUSH' });
    await raw.send('orders', 'safe');
    const failed = new Promise<Error>((resolve) => raw.broker.onFailure(resolve));
    disk.fail({ call: 'sync', path: 'commitlog' });
    expect(await outcomeOf(raw.send('orders', 'not durable'))).not.toBe('SUCCESS');
    expect((await failed).message).toContain('the store has stopped');
    expect(await outcomeOf(raw.send('orders', 'too late'))).toBe('SERVICE_NOT_AVAILABLE');
    expect((await raw.receive('orders', 1)).map(({ text }) => text)).toEqual(['safe']);
    const place = { consumerGroup: 'consumers', topic: 'orders', queueId: 0 };
    await raw.client.invoke(
      raw.address,
      UpdateConsumerOffset,
      { ...place, commitOffset: 1 },
      { timeoutMs: 30_000 },
    );
    await raw.close();
    const again = await start();
    const known = await again.client.invoke(again.address, QueryConsumerOffset, place, {
      timeoutMs: 30_000,
    });
    expect(known.header.offset).toBe(1);
    expect((await again.receive('orders', 1))[0]?.text).toBe('safe');
    await again.close();
  });

  it('delivers a delayed message once, though the first attempt could not be written', async () => {
    const raw = await start();
    await raw.send('orders', 'later', { properties: { DELAY: '1' } });
    disk.fail({ ...inLog, code: 'EIO' });
    const messages = await raw.receive('orders', 1);
    expect(messages.map(({ text }) => text)).toEqual(['later']);
    expect(await raw.maxOffset('orders')).toBe(1);
    await raw.close();
  });
});
