import 'reflect-metadata';
import {
  Catch,
  Injectable,
  Module,
  UseFilters,
  ValidationPipe,
  type ExceptionFilter,
} from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { EmbeddedRocketMQ } from '@nestjs-rocketmq/embedded';
import { IsInt } from 'class-validator';
import {
  ConsumeResult,
  MessageContext,
  MessagePayload,
  NonRetryableError,
  RawMessage,
  RetryLaterError,
  RocketMQContext,
  RocketMQListener,
  RocketMQModule,
  RocketMQTemplate,
  type StoredMessage,
} from 'nestjs-rocketmq';
import { Lines } from '../lines.js';

const lines = new Lines();

// #region handler
class Payment {
  @IsInt()
  amount!: number;
}

@Injectable()
export class Payments {
  @RocketMQListener({ topic: 'payments', group: 'bank', maxReconsumeTimes: 5 })
  async onPayment(
    @MessagePayload(new ValidationPipe({ transform: true })) payment: Payment,
    @MessageContext() context: RocketMQContext,
  ): Promise<ConsumeResult | void> {
    const attempt = context.reconsumeTimes + 1;
    lines.print(`payment of ${payment.amount}, try ${attempt}`);
    // By value: come again in a while, or never.
    if (payment.amount > 1000 && attempt === 1) return ConsumeResult.retryLater({ delayMs: '1s' });
    if (payment.amount < 0) return ConsumeResult.deadLetter('negative amounts are a bug');
    // By error: the same two, for code further down.
    if (payment.amount === 13 && attempt === 1)
      throw new RetryLaterError('bad luck', { delayLevel: 1 });
    if (payment.amount === 0) throw new NonRetryableError('nothing to pay');
    // Anything else that is thrown means: try again, later every time.
  }
}
// #endregion

// #region filter
class AlreadyPaidError extends Error {}

@Catch(AlreadyPaidError)
export class AlreadyPaidFilter implements ExceptionFilter<AlreadyPaidError> {
  /** What a filter returns decides about the message; without a result the error goes on. */
  catch(): ConsumeResult {
    lines.print('already paid, which is fine');
    return ConsumeResult.success();
  }
}

@Injectable()
@UseFilters(AlreadyPaidFilter)
export class Refunds {
  @RocketMQListener({ topic: 'refunds', group: 'refunds' })
  onRefund(): void {
    throw new AlreadyPaidError();
  }
}
// #endregion

// #region time
@Injectable()
export class Reports {
  @RocketMQListener({ topic: 'reports', group: 'reports', consumeTimeout: '300ms' })
  async onReport(_: unknown, context: RocketMQContext): Promise<void> {
    if (context.reconsumeTimes > 0) return lines.print('the report is short the second time');
    // Pass the signal on to whatever can be given up: fetch, database drivers, timers.
    await new Promise((resolve) => context.signal.addEventListener('abort', resolve));
    lines.print('took too long, given up');
  }
}
// #endregion

// #region dead-letters
@Injectable()
export class DeadLetters {
  @RocketMQListener({ topic: '%DLQ%bank', group: 'dead-letter-office' })
  onDeadLetter(@RawMessage() message: StoredMessage): void {
    lines.print(`dead letter: ${message.text}`);
  }
}
// #endregion

// The delay levels of the broker; by default they go from 1s to 2h.
const delayLevels = '1s 2s 3s';
const servers = await EmbeddedRocketMQ.start({ broker: { messageDelayLevel: delayLevels } });

@Module({
  imports: [
    RocketMQModule.forRoot({
      nameServers: servers.nameServers,
      delayLevels,
      consumer: { from: 'first', retryDelayLevel: 1 },
    }),
  ],
  providers: [Payments, Refunds, Reports, DeadLetters],
})
export class AppModule {}

const app = await NestFactory.createApplicationContext(AppModule, { logger: false });
const template = app.get(RocketMQTemplate);
for (const amount of [10, 2000, -1, 13, 0, 'much']) await template.send('payments', { amount });
await template.send('refunds', {});
await template.send('reports', {});
await lines.until(13);
await app.close();
await servers.close();

// Prints:
//   payment of 10, try 1
//   payment of 2000, try 1
//   payment of 2000, try 2
//   payment of -1, try 1
//   payment of 13, try 1
//   payment of 13, try 2
//   payment of 0, try 1
//   dead letter: {"amount":-1}
//   dead letter: {"amount":0}
//   dead letter: {"amount":"much"}
//   already paid, which is fine
//   took too long, given up
//   the report is short the second time
