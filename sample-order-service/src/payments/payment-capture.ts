import { randomUUID } from 'node:crypto';
import { Inject, Injectable, Logger } from '@nestjs/common';
import { InjectDataSource } from '@nestjs/typeorm';
import { RocketMQTemplate, RocketMQTransactionListener } from 'nestjs-rocketmq';
import type { TransactionContext, TransactionHandler, TransactionVerdict } from 'nestjs-rocketmq';
import { DataSource } from 'typeorm';
import { Tags, Topics, TX_KEY_PROPERTY } from '../contracts.js';
import type { PaymentPaid } from '../contracts.js';
import { answerCheck, recordDone } from '../database/transaction-fence.js';
import { halfMessage, toVerdict } from '../messaging/half-message.js';
import { CallbackRefusedError, FencedError, UnavailableError } from '../sample.errors.js';
import { SETTINGS } from '../settings.js';
import type { Settings } from '../settings.js';
import type { GatewayNotice } from '../gateway/signature.js';
import { PaymentsTransactionLog } from './payment.entities.js';
import { PaymentsService } from './payments.service.js';

/** One try to book a capture; the local transaction leaves its result here. */
interface Attempt {
  readonly txKey: string;
  readonly notice: GatewayNotice;
  isBooked: boolean;
  failure?: unknown;
}

/** Thrown inside the local transaction when another attempt has booked the capture. */
class AlreadyBooked extends Error {}

/**
 * Books a captured payment and announces it as PAID, both or neither: the half message goes first,
 * the local transaction changes the payment, the verdict follows. Should this process die in
 * between, the broker asks, and the answer is in the transaction log.
 */
@Injectable()
@RocketMQTransactionListener({ topic: Topics.Payment })
export class PaymentCapture implements TransactionHandler<PaymentPaid, Attempt> {
  private readonly logger = new Logger('Payments');

  constructor(
    @InjectDataSource() private readonly dataSource: DataSource,
    private readonly payments: PaymentsService,
    private readonly template: RocketMQTemplate,
    @Inject(SETTINGS) private readonly settings: Settings,
  ) {}

  /**
   * @throws NotFoundError for an unknown payment; CallbackRefusedError when the amount is not the
   *   one that is owed; UnavailableError when the broker did not take the half message or the
   *   outcome is open: the gateway calls again.
   */
  async accept(notice: GatewayNotice): Promise<void> {
    const payment = await this.payments.byId(notice.payId);
    if (payment.amount !== notice.amount) {
      throw new CallbackRefusedError(
        `Payment ${notice.payId} is about ${payment.amount} cents, not ${notice.amount}.`,
        { details: { ...notice } },
      );
    }
    if (payment.state !== 'CREATED' && payment.state !== 'CLOSED') return;
    // a number for each attempt: one that was fenced must not stand in the way of the next
    const txKey = `${payment.payId}#${randomUUID().slice(0, 13)}`;
    const attempt: Attempt = { txKey, notice, isBooked: false };
    await this.send(attempt, {
      payId: payment.payId,
      orderId: payment.orderId,
      amount: payment.amount,
    });
    if (attempt.isBooked) this.logger.log(`${payment.payId} of ${payment.orderId} is captured`);
    else if (!(attempt.failure instanceof AlreadyBooked)) {
      throw new UnavailableError('The payment could not be booked now; the gateway calls again.', {
        cause: attempt.failure,
        details: { payId: payment.payId },
      });
    }
  }

  async execute(_: PaymentPaid, attempt: Attempt): Promise<TransactionVerdict> {
    try {
      await this.book(attempt);
      attempt.isBooked = true;
      return 'commit';
    } catch (error) {
      attempt.failure = error;
      const isCertain = error instanceof AlreadyBooked || error instanceof FencedError;
      return isCertain ? 'rollback' : 'unknown';
    }
  }

  async check(_: PaymentPaid, context: TransactionContext): Promise<TransactionVerdict> {
    const half = halfMessage(context, Tags.Paid);
    const { localDeadline } = this.settings;
    const answer = await answerCheck(this.dataSource, PaymentsTransactionLog, half, localDeadline);
    this.logger.log(`The broker asked about ${half.txKey}: ${answer}`);
    return toVerdict(answer);
  }

  /** The local transaction. */
  async book(attempt: Attempt): Promise<void> {
    await this.dataSource.transaction(async (manager) => {
      await recordDone(manager, PaymentsTransactionLog, attempt.txKey, Tags.Paid);
      if (!(await this.payments.book(manager, attempt.notice))) throw new AlreadyBooked();
    });
  }

  private async send(attempt: Attempt, paid: PaymentPaid): Promise<void> {
    try {
      await this.template.sendInTransaction(`${Topics.Payment}:${Tags.Paid}`, paid, attempt, {
        keys: [paid.payId, paid.orderId],
        properties: { [TX_KEY_PROPERTY]: attempt.txKey },
      });
    } catch (error) {
      throw new UnavailableError('The broker did not take the message; the gateway calls again.', {
        cause: error,
        details: { payId: paid.payId },
      });
    }
  }
}
