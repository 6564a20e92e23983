import { Injectable, UsePipes, ValidationPipe } from '@nestjs/common';
import {
  ConsumeResult,
  MessageContext,
  MessagePayload,
  NonRetryableError,
  RetryLaterError,
  RocketMQContext,
  RocketMQListener,
  RocketMQListenerRegistry,
  type RocketMQListenerOptions,
  type RocketMQModuleOptions,
} from '../index.js';
import { FakeClients, storedMessage } from '../testing/fake-client.js';
import {
  refusal,
  startApplication,
  testOptions,
  type TestApplication,
} from '../testing/test-application.js';

let current: TestApplication;
afterEach(() => current.app.close());

type Handler = (context: RocketMQContext) => unknown;

async function listening(
  handle: Handler,
  options: Partial<RocketMQListenerOptions> = {},
  module: Partial<RocketMQModuleOptions> = {},
): Promise<FakeClients> {
  @Injectable()
  class Payments {
    @RocketMQListener({ topic: 'orders', group: 'payments', ...options })
    onOrder(@MessagePayload() _: unknown, @MessageContext() context: RocketMQContext): unknown {
      return handle(context);
    }
  }
  current = await startApplication({ providers: [Payments] }, { ...testOptions, ...module });
  return current.clients;
}

const fails =
  (error: unknown): Handler =>
  () => {
    throw error;
  };
const broken = new Error('database gone');

describe('hooks of outcomes', () => {
  const told: string[] = [];
  const note = (who: string): Partial<RocketMQListenerOptions> => ({
    onError: (error, { messageId }) => void told.push(`${who} ${String(error)} ${messageId}`),
    onDeadLetter: async (context, reason, error) => {
      await Promise.resolve();
      told.push(`${who} dead ${context.messages.length} ${reason} ${error === undefined}`);
    },
  });
  const deliver = async (clients: FakeClients, reconsumeTimes = 0) =>
    clients.consumer('payments').deliverOne(storedMessage({}, { reconsumeTimes }));

  beforeEach(() => (told.length = 0));

  it('are told of errors, those of the listener before those of the connection', async () => {
    const clients = await listening(fails(broken), note('own'), { consumer: note('module') });
    expect(await deliver(clients)).toMatchObject({ kind: 'retry' });
    expect(told).toEqual(['own Error: database gone UNIQUE', 'module Error: database gone UNIQUE']);
  });

  it.each<[string, Handler, string[]]>([
    ['success', () => 1, []],
    ['retryLater', () => ConsumeResult.retryLater(), []],
    ['RetryLaterError, a decision', fails(new RetryLaterError('x')), []],
    ['deadLetter', () => ConsumeResult.deadLetter('y'), ['own dead 1 y true']],
    [
      'NonRetryableError',
      fails(new NonRetryableError('z')),
      ['own NonRetryableError: z UNIQUE', 'own dead 1 z false'],
    ],
  ])('are told the right things of %s', async (_, handle, expected) => {
    await deliver(await listening(handle, note('own')));
    expect(told).toEqual(expected);
  });

  it('are told of a message that was tried too often, which is buried and logged as that', async () => {
    const clients = await listening(fails(broken), { maxReconsumeTimes: 3, ...note('own') });
    expect(await deliver(clients, 2)).toMatchObject({ kind: 'retry' });
    expect(await deliver(clients, 3)).toMatchObject({ kind: 'dead-letter' });
    const reason = 'delivered 4 times without success, at last: database gone';
    expect(told.at(-1)).toBe(`own dead 1 ${reason} false`);
    expect(current.logger.of('error').join()).toContain(`${reason}; it goes to the dead letters`);
  });

  it.each([
    ['concurrent', 16],
    ['orderly', 1_000],
  ] as const)('follow the limit of tries when %s and none is given', async (mode, times) => {
    const clients = await listening(fails(broken), { mode, ...note('own') });
    const { kind } = await deliver(clients, times);
    expect(kind).toBe(mode === 'concurrent' ? 'dead-letter' : 'retry');
  });

  it('change nothing when they fail, and that is logged', async () => {
    const hook = fails(new Error('hook gone')) as never;
    const clients = await listening(fails(new NonRetryableError('z')), {
      onError: hook,
      onDeadLetter: hook,
    });
    expect(await deliver(clients)).toMatchObject({ kind: 'dead-letter' });
    const lines = current.logger.of('error').filter((line) => line.includes('hook gone'));
    expect(lines).toEqual([
      "error 'onError' of Payments.onOrder failed: hook gone; the outcome stays as it is.",
      "error 'onDeadLetter' of Payments.onOrder failed: hook gone; the outcome stays as it is.",
    ]);
  });

  it('are told once of an error of a batch, and of each of its dead letters', async () => {
    const clients = await listening(fails(new NonRetryableError('all')), {
      batch: 9,
      ...note('own'),
    });
    await clients.consumer('payments').deliver(storedMessage(1), storedMessage(2));
    expect(told).toEqual([
      'own NonRetryableError: all UNIQUE',
      'own dead 1 all false',
      'own dead 1 all false',
    ]);
    expect(current.logger.of('error')).toHaveLength(1);
  });
});

describe('an answer that comes after consumeTimeout', () => {
  const delivery = (abort: AbortController) => ({
    queue: { topic: 'orders', brokerName: 'fake', queueId: 0 },
    signal: abort.signal,
    isTimedOut: true,
  });

  it('is told in one line and counted, and is no second failure', async () => {
    const clients = await listening(() => Promise.reject(broken));
    const { listener } = clients.consumer('payments').options;
    await listener([storedMessage({})], delivery(new AbortController()));
    const [line, ...others] = [...current.logger.of('warn'), ...current.logger.of('error')];
    expect(line).toContain('failed (database gone) after its consumeTimeout');
    expect(others).toEqual([]);
    const [report] = current.app.get(RocketMQListenerRegistry).inspect();
    expect(report?.counters).toMatchObject({ late: 1, retried: 0, succeeded: 0 });
  });

  it('at the last try means the dead letters, of which the hook is told', async () => {
    const reasons: string[] = [];
    const clients = await listening(() => new Promise(() => undefined), {
      maxReconsumeTimes: 0,
      consumeTimeout: '2s',
      onDeadLetter: (_, reason) => void reasons.push(reason),
    });
    const abort = new AbortController();
    void clients.consumer('payments').options.listener([storedMessage({})], delivery(abort));
    abort.abort();
    await Promise.resolve();
    expect(reasons).toEqual(['the handler took longer than 2000 ms, at the last try']);
  });
});

describe('settings that are asked at each failure', () => {
  it('get context and error', async () => {
    const clients = await listening(fails(broken), {
      retryDelayLevel: ({ reconsumeTimes }, error) => (error === broken ? reconsumeTimes + 4 : 0),
      suspend: ({ reconsumeTimes }) => `${reconsumeTimes + 2}s`,
    });
    const message = storedMessage({}, { reconsumeTimes: 3 });
    const verdict = await clients.consumer('payments').deliverOne(message);
    expect(verdict).toMatchObject({ kind: 'retry', delayLevel: 7, suspendMs: 5_000 });
  });

  it('fall back to their defaults when they fail, loudly', async () => {
    const fault = () => {
      throw new Error('no table');
    };
    const clients = await listening(fails(broken), {
      retryDelayLevel: fault,
      suspend: () => 'soon',
    });
    const verdict = await clients.consumer('payments').deliverOne(storedMessage({}));
    expect(verdict).toMatchObject({ kind: 'retry', delayLevel: 0, suspendMs: 1_000 });
    const told = current.logger.of('error').join('\n');
    expect(told).toContain("'retryDelayLevel' of Payments.onOrder failed: no table");
    expect(told).toContain("'suspend' of Payments.onOrder failed: it answered soon");
  });

  it('send to the dead letters at once with level -1', async () => {
    const clients = await listening(fails(broken), { retryDelayLevel: -1 });
    const verdict = await clients.consumer('payments').deliverOne(storedMessage({}));
    expect(verdict).toMatchObject({ kind: 'dead-letter' });
  });
});

describe('the answer to a batch', () => {
  const kindsOf = async (handle: Handler): Promise<string[]> => {
    const clients = await listening(handle, { batch: 9 });
    const messages = [1, 2, 3].map((n) => storedMessage(n));
    return (await clients.consumer('payments').deliver(...messages)).map(({ kind }) => kind);
  };

  it('may be a result for each message', async () => {
    const answer = [undefined, ConsumeResult.retryLater(), ConsumeResult.deadLetter()];
    expect(await kindsOf(() => answer)).toEqual(['success', 'retry', 'dead-letter']);
  });

  it('may be one result for all, or any array', async () => {
    expect(await kindsOf(() => ConsumeResult.retryLater())).toEqual(['retry', 'retry', 'retry']);
    await current.app.close();
    expect(await kindsOf(() => [1, 2])).toEqual(['success', 'success', 'success']);
  });

  it('is an error when it has results for others than all messages', async () => {
    expect(await kindsOf(() => [ConsumeResult.success()])).toEqual(['retry', 'retry', 'retry']);
    expect(current.logger.of('error').join()).toContain('answered 1 results for 3 messages');
  });

  it('leaves alone what was acknowledged before an error', async () => {
    const handle: Handler = (context) => {
      context.acknowledge(2);
      throw broken;
    };
    expect(await kindsOf(handle)).toEqual(['success', 'success', 'retry']);
  });
});

interface Shape {
  readonly id: string;
}

@Injectable()
class OnParameter {
  @RocketMQListener({ topic: 'a', group: 'a' })
  on(@MessagePayload(new ValidationPipe()) _shape: Shape): void {}
}

@Injectable()
class OnMethod {
  @RocketMQListener({ topic: 'a', group: 'a' })
  @UsePipes(ValidationPipe)
  on(@MessagePayload() _shape: Shape | undefined): void {}
}

@Injectable()
class OnBatch {
  @RocketMQListener({ topic: 'a', group: 'a', batch: 4 })
  on(@MessagePayload(ValidationPipe) _shape: Shape[]): void {}
}

describe('a payload that is to be validated, but has no class at run time', () => {
  it.each([
    [OnParameter, 'OnParameter.on (@RocketMQListener)', 'declare the parameter as a class'],
    [OnMethod, 'OnMethod.on (@RocketMQListener)', 'payloadType: YourClass'],
    [OnBatch, 'OnBatch.on (@RocketMQListener)', 'new ParseArrayPipe({ items: YourClass })'],
  ])('is refused at start (%p)', async (provider, where, remedy) => {
    await listening(() => undefined);
    const error = await refusal({ providers: [provider] });
    expect(error.codes).toEqual(['ROCKETMQ_PAYLOAD_TYPE_MISSING']);
    expect(error.message).toContain(where);
    expect(error.message).toContain(remedy);
  });
});

describe('handlers of a class', () => {
  const seen: string[] = [];

  class Base {
    @RocketMQListener({ topic: 'a', group: 'inherited' })
    onA(): void {
      seen.push(`${this.constructor.name} a`);
    }
  }

  @Injectable()
  class Child extends Base {}

  @Injectable()
  @RocketMQListener({ topic: 'b', group: 'by-class' })
  class WithHandle {
    handle(): void {
      seen.push('handle');
    }
  }

  it('are inherited, and the class form calls handle where there is no onMessage', async () => {
    current = await startApplication({ providers: [Child, WithHandle] });
    await current.clients.consumer('inherited').deliverOne(storedMessage({}, { topic: 'a' }));
    await current.clients.consumer('by-class').deliverOne(storedMessage({}, { topic: 'b' }));
    expect(seen).toEqual(['Child a', 'handle']);
    const ids = current.app.get(RocketMQListenerRegistry).listeners.map(({ id }) => id);
    expect(ids.toSorted()).toEqual(['Child.onA', 'WithHandle.handle']);
  });
});

describe('options of the client', () => {
  it('are passed on, with the last word of configure', async () => {
    const configure = (options: object) => options as never;
    const clients = await listening(() => undefined, {
      connection: '${which:default}',
      pullInterval: '20ms',
      pullThresholdSizeForTopic: '${size:64}',
      trace: { topic: 'traces' },
      from: { timestamp: new Date(9) },
      batch: { maxSize: '${most:7}', maxWait: '2s' },
      configure,
    });
    expect(clients.consumer('payments').options).toMatchObject({
      passedOn: {
        pullInterval: 20,
        pullThresholdSizeForTopic: 64,
        pullThresholdForQueue: 1000,
        enableTrace: true,
        traceTopic: 'traces',
      },
      from: { timestamp: 9 },
      batch: 7,
      batchWait: 2_000,
      configure,
    });
  });

  it('are refused when they are wrong, all together', async () => {
    await listening(() => undefined);
    const options = { batch: { maxSize: 0, max: 1 }, trace: 5, pullInterval: 'soon' } as never;
    class Wrong {
      @RocketMQListener(Object.assign({ topic: 'a', group: 'a' }, options))
      on(): void {}
    }
    const error = await refusal({ providers: [Wrong] });
    expect(error.message).toContain("'max' is not an option");
    expect(error.message).toContain("'maxSize' must be between 1 and 1024");
    expect(error.message).toContain("'trace' must be true, false or { topic }");
    expect(error.message).toContain("'pullInterval' must be milliseconds");
  });
});
