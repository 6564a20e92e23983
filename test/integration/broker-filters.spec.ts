import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { CheckClientConfig } from '@nestjs-rocketmq/protocol';
import { consumerOf, RawBroker, temporaryFolder } from '../support/raw-broker.js';

const sql = { subscription: 'amount > 5', expressionType: 'SQL92' };

describe('SQL92 filters', () => {
  let raw: RawBroker;

  const pay = (amount: string, queueId = 0) =>
    raw.send('payments', amount, { queueId, properties: { amount } });

  beforeAll(async () => {
    raw = await RawBroker.start({ enablePropertyFilter: true });
    for (const amount of ['1', '6', 'six', '7', '5']) await pay(amount);
  });

  afterAll(() => raw[Symbol.asyncDispose]());

  it('give a pull only what it wants', async () => {
    const messages = await raw.receive('payments', 2, sql);
    expect(messages.map(({ text }) => text)).toEqual(['6', '7']);
    const behind = await raw.pull('payments', { ...sql, offset: 4 });
    expect([behind.name, behind.header.nextBeginOffset]).toEqual(['PULL_RETRY_IMMEDIATELY', 5]);
  });

  it('let a held pull sleep through what it does not want', async () => {
    const waiting = raw.pull('payments', { ...sql, queueId: 1, waitMillis: 60_000 });
    await pay('2', 1);
    await pay('8', 1);
    const answer = await waiting;
    expect([answer.name, answer.header.nextBeginOffset]).toEqual(['SUCCESS', 2]);
    expect(Buffer.from(answer.body).includes('amount\u00012')).toBe(false);
  });

  it('count from a heartbeat on, in its newest version', async () => {
    const group = consumerOf('payers', 'payments', 'amount > 6', 'SQL92');
    await raw.heartbeat('client', { consumers: [group] });
    const how = { group: 'payers', announced: true };
    const messages = await raw.receive('payments', 1, { ...how, subVersion: 1 });
    expect(messages.map(({ text }) => text)).toEqual(['7']);
    await expect(raw.pull('payments', { ...how, subVersion: 2 })).rejects.toMatchObject({
      responseCode: 25,
    });
  });

  it('are refused with the column when they are wrong', async () => {
    const wrong = { subscription: 'amount >', expressionType: 'SQL92' };
    await expect(raw.pull('payments', wrong)).rejects.toMatchObject({ responseCode: 23 });
    const group = consumerOf('wrong', 'payments', 'amount >', 'SQL92');
    const [subscriptionData] = group.subscriptionDataSet;
    const body = { clientId: 'c', group: 'wrong', subscriptionData };
    await expect(
      raw.client.invoke(raw.address, CheckClientConfig, {}, { body, timeoutMs: 30_000 }),
    ).rejects.toMatchObject({ responseCode: 23, remark: expect.stringContaining('column 9') });
    await raw.heartbeat('client', { consumers: [group] });
    await expect(raw.pull('payments', { group: 'wrong', announced: true })).rejects.toMatchObject({
      responseCode: 27,
    });
  });

  it('stand in consumerFilter.json after a clean stop', async () => {
    const folder = temporaryFolder();
    const broker = await RawBroker.start({ enablePropertyFilter: true }, { dir: folder.path });
    const group = consumerOf('payers', 'payments', 'amount > 6', 'SQL92');
    await broker.heartbeat('client', { consumers: [group] });
    await broker.close();
    const text = readFileSync(join(folder.path, 'config', 'consumerFilter.json'), 'utf8');
    folder.remove();
    expect(JSON.parse(text)).toMatchObject({
      filterDataByTopic: {
        payments: { groupFilterData: { payers: { expression: 'amount > 6' } } },
      },
    });
  });

  it('are refused while the broker does not offer them', async () => {
    await using plain = await RawBroker.start();
    await plain.send('payments', 'x');
    await expect(plain.pull('payments', sql)).rejects.toMatchObject({ responseCode: 1 });
  });
});
