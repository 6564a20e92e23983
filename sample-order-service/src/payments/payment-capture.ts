import { randomUUID } from 'node:crypto';
import { Injectable, Logger } from '@nestjs/common';
import { RocketMQTemplate, RocketMQTransactionListener } from 'nestjs-rocketmq';
import type { TransactionContext, TransactionHandler, TransactionVerdict } from 'nestjs-rocketmq';
import { TransactionFence } from 'nestjs-rocketmq/consistency';
import { EntityManager } from 'typeorm';
import { Tags, Topics, TX_KEY_PROPERTY } from '../contracts.js';
import type { PaymentPaid } from '../contracts.js';
import { txKeyOf } from '../messaging/half-message.js';
import { CallbackRefusedError, UnavailableError } from '../sample.errors.js';
import type { GatewayNotice } from '../gateway/signature.js';
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
    private readonly fence: TransactionFence<EntityManager>,
    private readonly payments: PaymentsService,
    private readonly template: RocketMQTemplate,
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
    const verdict = await this.fence.execute(
      attempt.txKey,
      (manager) => this.book(manager, attempt),
      { onError: (error) => (attempt.failure = error) },
    );
    attempt.isBooked = verdict === 'commit';
    return verdict;
  }

  async check(_: PaymentPaid, context: TransactionContext): Promise<TransactionVerdict> {
    const txKey = txKeyOf(context);
    const verdict = await this.fence.check(context, txKey);
    this.logger.log(`The broker asked about ${txKey}: ${verdict}`);
    return verdict;
  }

  /** The local transaction. */
  private async book(manager: EntityManager, { notice }: Attempt): Promise<void> {
    if (!(await this.payments.book(manager, notice))) throw new AlreadyBooked();
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
