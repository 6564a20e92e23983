import { SystemTopic } from '@nestjs-rocketmq/message';
import { RawBroker } from '../support/raw-broker.js';

describe('a pull that waits', () => {
  let raw: RawBroker;

  beforeAll(async () => {
    raw = await RawBroker.start();
    await raw.send('orders', 'old');
  });

  afterAll(() => raw[Symbol.asyncDispose]());

  it('is answered by the message that arrives', async () => {
    const waiting = raw.pull('orders', { offset: 1, waitMillis: 20_000 });
    const started = performance.now();
    await raw.send('orders', 'new');
    const answer = await waiting;
    expect(answer.name).toBe('SUCCESS');
    expect(answer.header.nextBeginOffset).toBe(2);
    expect(performance.now() - started).toBeLessThan(5000);
  });

  it('waits for the first message of a topic that is empty', async () => {
    const waiting = raw.pull('BenchmarkTest', { queueId: 7, waitMillis: 20_000 });
    await raw.send('BenchmarkTest', 'first', { queueId: 7 });
    expect((await waiting).header.nextBeginOffset).toBe(1);
  });

  it('sleeps on through messages of other tags, and does not get those it wants twice', async () => {
    const waiting = raw.pull('BenchmarkTest', {
      queueId: 8,
      waitMillis: 20_000,
      subscription: 'wanted',
    });
    await raw.send('BenchmarkTest', 'no', { queueId: 8, properties: { TAGS: 'other' } });
    await raw.send('BenchmarkTest', 'no', { queueId: 8, properties: { TAGS: 'other' } });
    await raw.send('BenchmarkTest', 'yes', { queueId: 8, properties: { TAGS: 'wanted' } });
    const answer = await waiting;
    expect(answer.name).toBe('SUCCESS');
    expect(answer.header.nextBeginOffset).toBe(3);
    expect(Buffer.from(answer.body).includes('yes')).toBe(true);
    expect(Buffer.from(answer.body).includes('no')).toBe(false);
  });

  it('is answered PULL_NOT_FOUND when its time is up', async () => {
    const answer = await raw.pull('BenchmarkTest', { queueId: 9, waitMillis: 300 });
    expect([answer.name, answer.header.nextBeginOffset]).toEqual(['PULL_NOT_FOUND', 0]);
  });

  it('does not wait when it does not ask to', async () => {
    const answer = await raw.pull('BenchmarkTest', { queueId: 9 });
    expect(answer.name).toBe('PULL_NOT_FOUND');
  });

  it('is answered when the broker closes', async () => {
    await using other = await RawBroker.start();
    const waiting = other.pull('BenchmarkTest', { waitMillis: 20_000 });
    // The broker has the pull when it has answered what was sent after it.
    await other.maxOffset(SystemTopic.SCHEDULE);
    await other.broker.close();
    expect((await waiting).name).toBe('PULL_NOT_FOUND');
  });
});
