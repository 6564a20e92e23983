import { Inject, Injectable, Logger } from '@nestjs/common';
import { InjectDataSource } from '@nestjs/typeorm';
import { RocketMQTemplate, RocketMQTransactionListener } from 'nestjs-rocketmq';
import type { TransactionContext, TransactionHandler, TransactionVerdict } from 'nestjs-rocketmq';
import { TransactionFence } from 'nestjs-rocketmq/consistency';
import { DataSource, EntityManager } from 'typeorm';
import { Tags, Topics, TX_KEY_PROPERTY } from '../contracts.js';
import type { CloseUnpaid, OrderPlaced } from '../contracts.js';
import { databaseTime } from '../database/database-time.js';
import { InventoryService } from '../inventory/inventory.service.js';
import { txKeyOf } from '../messaging/half-message.js';
import { KeyTakenError, OutOfStockError, UnavailableError } from '../sample.errors.js';
import { SETTINGS } from '../settings.js';
import type { Settings } from '../settings.js';
import { OrderFlow } from './order-flow.js';
import type { NewOrder } from './order-flow.js';
import { OrdersService } from './orders.service.js';

/** One try to place an order; the local transaction leaves its result here. */
interface Attempt {
  readonly order: NewOrder;
  /** By the database's clock, before anything was sent. */
  readonly startedAt: Date;
  isPlaced: boolean;
  failure?: unknown;
}

/**
 * ORDER_PLACED goes first as a half message that nobody sees. Then one local transaction writes
 * the order and, through inventory, takes the pieces from the shelf. Its outcome decides about the
 * message. If this process dies in between, the broker asks any process of the group, which
 * answers from the transaction log.
 */
@Injectable()
@RocketMQTransactionListener({ topic: Topics.OrderPlaced })
export class HalfMessageFlow extends OrderFlow implements TransactionHandler<OrderPlaced, Attempt> {
  private readonly logger = new Logger('Orders');

  constructor(
    @InjectDataSource() private readonly dataSource: DataSource,
    private readonly fence: TransactionFence<EntityManager>,
    private readonly orders: OrdersService,
    private readonly inventory: InventoryService,
    private readonly template: RocketMQTemplate,
    @Inject(SETTINGS) private readonly settings: Settings,
  ) {
    super();
  }

  async place(order: NewOrder): Promise<void> {
    const startedAt = await databaseTime(this.dataSource.manager);
    const attempt: Attempt = { order, startedAt, isPlaced: false };
    const placed: OrderPlaced = {
      orderId: order.orderId,
      userId: order.userId,
      amount: order.payAmount,
    };
    try {
      await this.template.sendInTransaction(
        `${Topics.OrderPlaced}:${Tags.Placed}`,
        placed,
        attempt,
        { keys: order.orderId, properties: { [TX_KEY_PROPERTY]: order.orderId } },
      );
    } catch (error) {
      attempt.failure ??= error;
    }
    if (attempt.isPlaced) {
      this.logger.log(
        `${order.orderId} placed by ${order.userId}, ${order.payAmount} cents to pay`,
      );
      return;
    }
    const { failure } = attempt;
    if (failure instanceof OutOfStockError || failure instanceof KeyTakenError) throw failure;
    throw new UnavailableError(
      'The order could not be placed now. Repeat the request with the same Idempotency-Key.',
      { cause: failure, details: { orderId: order.orderId } },
    );
  }

  async execute(_: OrderPlaced, attempt: Attempt): Promise<TransactionVerdict> {
    try {
      await this.startTimer(attempt.order.orderId);
    } catch (error) {
      attempt.failure = error;
      return 'rollback';
    }
    const verdict = await this.fence.execute(
      attempt.order.orderId,
      (manager) => this.write(manager, attempt),
      { onError: (error) => (attempt.failure = error) },
    );
    attempt.isPlaced = verdict === 'commit';
    return verdict;
  }

  async check(_: OrderPlaced, context: TransactionContext): Promise<TransactionVerdict> {
    const txKey = txKeyOf(context);
    const verdict = await this.fence.check(context, txKey);
    this.logger.log(`The broker asked about ${txKey}: ${verdict}`);
    return verdict;
  }

  /** Sent before the order exists, so there is no order without its timer. */
  private async startTimer(orderId: string): Promise<void> {
    const close: CloseUnpaid = { orderId };
    const destination = `${Topics.OrderTimeout}:${Tags.CloseUnpaid}`;
    try {
      await this.template.send(destination, close, {
        keys: orderId,
        delayMs: this.settings.paymentTimeLimit,
      });
    } catch (error) {
      throw new UnavailableError('The broker did not take the timer of the order.', {
        cause: error,
        details: { orderId },
      });
    }
  }

  /** The local transaction: the order and the pieces it takes, or nothing. */
  private async write(manager: EntityManager, { order, startedAt }: Attempt): Promise<void> {
    const { localDeadline, paymentTimeLimit } = this.settings;
    const now = await databaseTime(manager);
    if (now.getTime() - startedAt.getTime() > localDeadline) {
      // an order this late might find its timer gone
      throw new UnavailableError('Placing the order took too long; it was not placed.', {
        details: { orderId: order.orderId, localDeadline },
      });
    }
    await this.orders.write(manager, order, now, new Date(now.getTime() + paymentTimeLimit));
    await this.inventory.hold(manager, order.orderId, order.lines);
  }
}
