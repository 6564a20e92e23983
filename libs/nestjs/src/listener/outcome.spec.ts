import {
  BadRequestException,
  ConflictException,
  Injectable,
  UnprocessableEntityException,
} from '@nestjs/common';
import {
  ConsumeResult,
  MessagePayload,
  NonRetryableError,
  RetryLaterError,
  RocketMQListener,
  type RocketMQListenerOptions,
} from '../index.js';
import { storedMessage } from '../testing/fake-client.js';
import {
  startApplication,
  testOptions,
  type TestApplication,
} from '../testing/test-application.js';

let current: TestApplication;
afterEach(() => current.app.close());

/** Delivers one message to a handler and gives the verdict. */
async function verdictOf(
  handle: () => unknown,
  options: Partial<RocketMQListenerOptions> = {},
  message = storedMessage({ id: 1 }),
) {
  @Injectable()
  class Payments {
    @RocketMQListener({ topic: 'orders', group: 'payments', ...options })
    onOrder(@MessagePayload() _order: object): unknown {
      return handle();
    }
  }
  current = await startApplication({ providers: [Payments] }, testOptions);
  return current.clients.consumer('payments').deliverOne(message);
}

function fails(error: unknown): () => never {
  return () => {
    throw error;
  };
}

describe('the outcome of a handler', () => {
  it.each([
    ['nothing', undefined],
    ['a value', { anything: true }],
    ['false', false],
    ['ConsumeResult.success()', ConsumeResult.success()],
  ])('that returns %s is success', async (_, result) => {
    expect(await verdictOf(() => result)).toEqual({ kind: 'success' });
    expect(current.logger.of('warn')).toEqual([]);
  });

  it.each([
    ['without a delay', {}, 0],
    ['at a level', { delayLevel: 4 }, 4],
    ['after a time, rounded up', { delayMs: '11s' }, 4],
    ['after a time beyond every level', { delayMs: '9h' }, 18],
    ['at a level that does not exist', { delayLevel: 99 }, 18],
  ])('may be retried later %s', async (_, delay, delayLevel) => {
    const verdict = await verdictOf(() => ConsumeResult.retryLater(delay));
    expect(verdict).toMatchObject({ kind: 'retry', delayLevel });
  });

  it('lets an orderly queue rest as long as the handler says', async () => {
    const later = () => ConsumeResult.retryLater({ delayMs: 5_000 });
    const verdict = await verdictOf(later, { mode: 'orderly' });
    expect(verdict).toMatchObject({ kind: 'retry', suspendMs: 5_000 });
  });

  it('may be the dead letters, with the reason in the log', async () => {
    const verdict = await verdictOf(() => ConsumeResult.deadLetter('no such customer'));
    expect(verdict).toEqual({ kind: 'dead-letter', reason: 'no such customer' });
    expect(current.logger.of('warn').join()).toContain(
      'no such customer; it goes to the dead letters',
    );
  });

  it('that throws any error is a retry by the ladder, and is logged with the message', async () => {
    const verdict = await verdictOf(
      fails(new Error('database gone')),
      {},
      storedMessage({}, { reconsumeTimes: 2 }),
    );
    expect(verdict).toMatchObject({ kind: 'retry', delayLevel: 0, suspendMs: 1_000 });
    const told = current.logger.of('error').join();
    expect(told).toContain('Message UNIQUE (topic orders, queue 1, offset 7, try 3)');
    expect(told).toContain('database gone; it will be delivered again');
  });

  it('that throws uses retryDelayLevel and suspend of the listener', async () => {
    const verdict = await verdictOf(fails(new Error('x')), { retryDelayLevel: 5, suspend: '3s' });
    expect(verdict).toMatchObject({ kind: 'retry', delayLevel: 5, suspendMs: 3_000 });
  });

  it('that throws what is no error is a retry as well', async () => {
    expect(await verdictOf(fails('just a text'))).toMatchObject({ kind: 'retry' });
  });

  it('that throws RetryLaterError is a retry after its delay', async () => {
    const verdict = await verdictOf(fails(new RetryLaterError('not yet', { delayMs: '30s' })));
    expect(verdict).toMatchObject({ kind: 'retry', delayLevel: 4 });
  });

  it('that throws NonRetryableError is the dead letters', async () => {
    const verdict = await verdictOf(fails(new NonRetryableError('unknown product')));
    expect(verdict).toMatchObject({ kind: 'dead-letter', reason: 'unknown product' });
    expect(current.logger.of('error')).toHaveLength(1);
  });

  it.each([new BadRequestException(['id must be a text']), new UnprocessableEntityException()])(
    'that fails validation (%s) is the dead letters',
    async (error) => {
      expect(await verdictOf(fails(error))).toMatchObject({ kind: 'dead-letter' });
    },
  );

  it('tells every field of a validation error', async () => {
    const verdict = await verdictOf(
      fails(new BadRequestException(['id is empty', 'sum is no number'])),
    );
    expect(verdict).toMatchObject({
      reason: expect.stringContaining('id is empty, sum is no number'),
    });
  });

  it('that throws another HTTP exception is a retry', async () => {
    expect(await verdictOf(fails(new ConflictException()))).toMatchObject({ kind: 'retry' });
  });

  it.each([
    ['retry', 'retry'],
    ['skip', 'success'],
  ] as const)('of an invalid message is told by onInvalid: %s', async (onInvalid, kind) => {
    const verdict = await verdictOf(fails(new BadRequestException()), { onInvalid });
    expect(verdict).toMatchObject({ kind });
  });

  it('is what nonRetryable of the listener says', async () => {
    const nonRetryable = (error: unknown) => (error as Error).message === 'hopeless';
    expect(await verdictOf(fails(new Error('hopeless')), { nonRetryable })).toMatchObject({
      kind: 'dead-letter',
    });
    await current.app.close();
    expect(await verdictOf(fails(new BadRequestException()), { nonRetryable })).toMatchObject({
      kind: 'retry',
    });
  });

  it('is a retry when nonRetryable itself fails', async () => {
    const nonRetryable = fails(new Error('broken predicate'));
    expect(await verdictOf(fails(new Error('x')), { nonRetryable })).toMatchObject({
      kind: 'retry',
    });
  });

  it('of a body that is not JSON is the dead letters, without a call of the handler', async () => {
    let calls = 0;
    const verdict = await verdictOf(() => (calls += 1), {}, storedMessage('no json at all'));
    expect(verdict).toMatchObject({ kind: 'dead-letter' });
    expect(calls).toBe(0);
    expect(current.logger.of('error').join()).toContain('The body is not application/json');
  });

  it('of a broadcast message that fails is a loud drop', async () => {
    const verdict = await verdictOf(fails(new Error('x')), { model: 'broadcasting' });
    expect(verdict).toEqual({ kind: 'success', error: new Error('x') });
    expect(current.logger.of('error').join()).toContain(
      'broadcast messages are not delivered again',
    );
  });
});
