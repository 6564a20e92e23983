import {
  Catch,
  Injectable,
  UseFilters,
  UseGuards,
  UseInterceptors,
  ValidationPipe,
  type CallHandler,
  type CanActivate,
  type ExceptionFilter,
  type ExecutionContext,
  type INestApplicationContext,
  type NestInterceptor,
  type PipeTransform,
} from '@nestjs/common';
import { APP_PIPE } from '@nestjs/core';
import type { EmbeddedRocketMQ } from '@nestjs-rocketmq/embedded';
import { IsInt, IsString } from 'class-validator';
import {
  ConsumeResult,
  MessageContext,
  MessagePayload,
  NonRetryableError,
  RawMessage,
  RetryLaterError,
  RocketMQContext,
  RocketMQListener,
  RocketMQTemplate,
  type StoredMessage,
} from 'nestjs-rocketmq';
import { tap, type Observable } from 'rxjs';
import { Inbox } from '../support/inbox.js';
import { LogLines, startEmbedded, startNest } from '../support/nest-on-embedded.js';

class OrderPlaced {
  @IsString()
  id!: string;

  @IsInt()
  sum!: number;
}

interface Try {
  readonly payload: unknown;
  readonly times: number;
}
/** What handlers were called with, and what lies in the dead letters. */
const tries = new Inbox<Try>();
const dead = new Inbox<{ text: string; from: string }>();
const journal: string[] = [];
const groups = ['concurrent', 'limited', 'orderly', 'valid', 'batches'];
const deadLetters = groups.map((group) => `%DLQ%${group}`);
/** What the handler of the next tries does. */
let behave: (context: RocketMQContext) => unknown = () => undefined;

class OddError extends Error {}

@Catch(OddError)
class OddFilter implements ExceptionFilter {
  catch(): unknown {
    journal.push('filter');
    return ConsumeResult.success();
  }
}

@Injectable()
class Guard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    journal.push(`guard ${context.getType<string>()}`);
    return true;
  }
}

@Injectable()
class Interceptor implements NestInterceptor {
  intercept(_: ExecutionContext, next: CallHandler): Observable<unknown> {
    journal.push('before');
    return next.handle().pipe(tap(() => journal.push('after')));
  }
}

@Injectable()
class Pipe implements PipeTransform {
  transform(value: unknown): unknown {
    journal.push('pipe');
    return value;
  }
}

@Injectable()
class Listeners {
  @RocketMQListener({ topic: 'orders', group: 'concurrent' })
  onOrder(@MessagePayload() payload: object, @MessageContext() context: RocketMQContext): unknown {
    tries.put({ payload, times: context.reconsumeTimes });
    return behave(context);
  }

  @RocketMQListener({ topic: 'limited', group: 'limited', maxReconsumeTimes: 1 })
  onLimited(@MessagePayload() payload: object, @MessageContext() context: RocketMQContext): void {
    tries.put({ payload, times: context.reconsumeTimes });
    throw new Error('never works');
  }

  @RocketMQListener({
    topic: 'orderly',
    group: 'orderly',
    mode: 'orderly',
    suspend: 50,
    maxReconsumeTimes: 2,
  })
  onOrderly(
    @MessagePayload() payload: object,
    @MessageContext() context: RocketMQContext,
  ): unknown {
    tries.put({ payload, times: context.reconsumeTimes });
    return behave(context);
  }

  @RocketMQListener({ topic: 'valid', group: 'valid' })
  onValid(@MessagePayload() payload: OrderPlaced): void {
    tries.put({ payload, times: payload instanceof OrderPlaced ? 0 : -1 });
  }

  @RocketMQListener({ topic: 'batches', group: 'batches', batch: 8, concurrency: 1 })
  onBatch(@MessagePayload() payloads: object[]): void {
    for (const payload of payloads) tries.put({ payload, times: 0 });
  }

  @RocketMQListener({ topic: 'slow', group: 'slow', consumeTimeout: '300ms' })
  async onSlow(payload: object, context: RocketMQContext): Promise<void> {
    tries.put({ payload, times: context.reconsumeTimes });
    if (context.reconsumeTimes > 0) return;
    await new Promise<void>((resolve) => {
      context.signal.addEventListener('abort', () => resolve(), { once: true });
    });
    journal.push('aborted');
  }

  @RocketMQListener({ topic: 'enhanced', group: 'enhanced' })
  @UseGuards(Guard)
  @UseInterceptors(Interceptor)
  @UseFilters(OddFilter)
  onEnhanced(@MessagePayload(Pipe) payload: { odd: boolean }): void {
    journal.push('handler');
    tries.put({ payload, times: 0 });
    if (payload.odd) throw new OddError('odd');
  }

  @RocketMQListener({
    topic: deadLetters,
    group: 'undertaker',
  })
  onDead(@RawMessage() raw: StoredMessage): void {
    dead.put({ text: raw.text, from: raw.topic });
  }
}

describe('what becomes of a message in a Nest application', () => {
  const logger = new LogLines();
  let embedded: EmbeddedRocketMQ;
  let app: INestApplicationContext;
  let template: RocketMQTemplate;

  beforeAll(async () => {
    const topics = ['orders', 'limited', 'orderly', 'valid', 'batches', 'slow', 'enhanced'];
    // The dead-letter topics are there from the start, so that nobody waits for their first message.
    embedded = await startEmbedded([...topics, ...deadLetters]);
    const pipe = { provide: APP_PIPE, useValue: new ValidationPipe({ transform: true }) };
    app = await startNest(embedded, { providers: [Listeners, pipe] }, {}, logger);
    template = app.get(RocketMQTemplate);
  });

  afterAll(async () => {
    await app?.close();
    await embedded?.close();
  });

  beforeEach(() => {
    behave = () => undefined;
    journal.length = 0;
  });

  it('whose handler throws: it comes again, counted', async () => {
    behave = ({ reconsumeTimes }) => {
      if (reconsumeTimes < 2) throw new Error(`try ${reconsumeTimes}`);
    };
    await template.send('orders', { id: 1 });
    expect((await tries.take(3)).map(({ times }) => times)).toEqual([0, 1, 2]);
    expect(logger.lines.join('\n')).toContain('try 1; it will be delivered again');
  });

  it.each([
    ['returns retryLater', () => ConsumeResult.retryLater({ delayLevel: 1 })],
    [
      'throws RetryLaterError',
      () => {
        throw new RetryLaterError('later', { delayMs: '1s' });
      },
    ],
  ])('whose handler %s: it comes again', async (_, later) => {
    behave = ({ reconsumeTimes }) => (reconsumeTimes === 0 ? later() : undefined);
    await template.send('orders', { id: 2 });
    expect((await tries.take(2)).map(({ times }) => times)).toEqual([0, 1]);
  });

  it.each([
    ['returns deadLetter', () => ConsumeResult.deadLetter('not ours')],
    [
      'throws NonRetryableError',
      () => {
        throw new NonRetryableError('hopeless');
      },
    ],
  ])('whose handler %s: the dead letters, after one try', async (_, end) => {
    behave = end;
    await template.send('orders', { id: 3 });
    expect(await dead.next()).toEqual({ text: '{"id":3}', from: '%DLQ%concurrent' });
    expect(await tries.take(1)).toEqual([{ payload: { id: 3 }, times: 0 }]);
  });

  it('whose handler fails too often: the dead letters', async () => {
    await template.send('limited', { id: 4 });
    expect((await tries.take(2)).map(({ times }) => times)).toEqual([0, 1]);
    expect(await dead.next()).toEqual({ text: '{"id":4}', from: '%DLQ%limited' });
  });

  it('in an orderly queue: tried in place, those behind it wait', async () => {
    behave = ({ reconsumeTimes, message }) => {
      if (message.text.includes('"step":1') && reconsumeTimes < 2) throw new Error('again');
    };
    for (const step of [1, 2]) await template.sendOrderly('orderly', { step }, 'key');
    const seen = await tries.take(4);
    expect(seen.map(({ payload, times }) => [(payload as { step: number }).step, times])).toEqual([
      [1, 0],
      [1, 1],
      [1, 2],
      [2, 0],
    ]);
  });

  it('in an orderly queue that fails too often: the dead letters, the queue goes on', async () => {
    behave = ({ message }) => {
      if (message.text.includes('"step":3')) throw new Error('never');
    };
    for (const step of [3, 4]) await template.sendOrderly('orderly', { step }, 'key');
    const steps = (await tries.take(4)).map(({ payload }) => (payload as { step: number }).step);
    expect(steps).toEqual([3, 3, 3, 4]);
    expect(await dead.next()).toEqual({ text: '{"step":3}', from: '%DLQ%orderly' });
  });

  it('whose body is not JSON: the dead letters with the body as it was', async () => {
    await template.send('valid', Buffer.from('no json'), { contentType: 'application/json' });
    expect(await dead.next()).toEqual({ text: 'no json', from: '%DLQ%valid' });
    expect(logger.lines.join('\n')).toContain('The body is not application/json');
  });

  it('whose DTO fails validation: the dead letters; a good one arrives as its class', async () => {
    await template.send('valid', { id: 5, sum: 'x' });
    await template.send('valid', { id: 'o5', sum: 5 });
    expect(await dead.next()).toEqual({ text: '{"id":5,"sum":"x"}', from: '%DLQ%valid' });
    expect(await tries.next()).toEqual({ payload: { id: 'o5', sum: 5 }, times: 0 });
    expect(logger.lines.join('\n')).toContain('id must be a string, sum must be an integer number');
  });

  it('in a batch with one that cannot be read: only that one goes to the dead letters', async () => {
    const bodies = ['{"id":6}', 'no json', '{"id":7}'].map((text) => Buffer.from(text));
    await template.sendBatch('batches', bodies, { contentType: 'application/json' });
    expect(await dead.next()).toEqual({ text: 'no json', from: '%DLQ%batches' });
    const seen = (await tries.take(2)).map(({ payload }) => (payload as { id: number }).id);
    expect(seen.toSorted()).toEqual([6, 7]);
  });

  it('whose handler takes too long: its signal fires and the message comes again', async () => {
    await template.send('slow', { id: 8 });
    expect((await tries.take(2)).map(({ times }) => times)).toEqual([0, 1]);
    expect(journal).toEqual(['aborted']);
  });

  it('passes guards, interceptors, pipes and filters in their order', async () => {
    await template.send('enhanced', { odd: false });
    await tries.next();
    expect(journal).toEqual(['guard rocketmq', 'before', 'pipe', 'handler', 'after']);
    journal.length = 0;
    await template.send('enhanced', { odd: true });
    await tries.next();
    // The filter answered success, so the message does not come again.
    await template.send('enhanced', { odd: false });
    await tries.next();
    expect(journal.filter((line) => line === 'handler')).toHaveLength(2);
    expect(journal).toContain('filter');
  });
});
