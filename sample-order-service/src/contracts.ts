/**
 * What the modules tell each other by messages. A module knows these shapes and nothing else of
 * its sisters' tables.
 */
export const Topics = {
  /** Transactional: an order was placed. Key: order id. */
  OrderPlaced: 'SHOP_ORDER_TX',
  /** Delayed: the time to pay is over. Key: order id. */
  OrderTimeout: 'SHOP_ORDER_TIMEOUT',
  /** Transactional PAID, plain REFUNDED. Keys: pay id and order id. */
  Payment: 'SHOP_PAYMENT_TX',
  /** What became of an order, in order for each order id. */
  OrderEvent: 'SHOP_ORDER_EVENT',
  /** Money to be given back. Keys: pay id and order id. */
  Refund: 'SHOP_REFUND',
} as const;

export const Tags = {
  Placed: 'PLACED',
  CloseUnpaid: 'CLOSE_UNPAID',
  Paid: 'PAID',
  Cancelled: 'CANCELLED',
  Refunded: 'REFUNDED',
  RefundRequested: 'REQUEST',
} as const;

/** One group for each service and purpose, never shared by two subscriptions. */
export const Groups = {
  /** Any process of this group may be asked about half messages. */
  Producer: 'PG_shop',
  PaymentOrderPlaced: 'GID_payment_order_placed',
  OrderClose: 'GID_order_close',
  OrderPaid: 'GID_order_paid',
  OrderRefunded: 'GID_order_refunded',
  InventoryOrder: 'GID_inventory_order',
  PointsPaid: 'GID_points_paid',
  PaymentRefund: 'GID_payment_refund',
} as const;

/** The property of a half message that names its row in the transaction log. */
export const TX_KEY_PROPERTY = 'txKey';

/** Money is whole cents everywhere. */
export interface OrderPlaced {
  readonly orderId: string;
  readonly userId: string;
  readonly amount: number;
}

export interface CloseUnpaid {
  readonly orderId: string;
}

export interface PaymentPaid {
  readonly payId: string;
  readonly orderId: string;
  readonly amount: number;
}

export interface RefundRequested {
  readonly payId: string;
  readonly orderId: string;
  readonly amount: number;
}

export interface PaymentRefunded {
  readonly payId: string;
  readonly orderId: string;
}

export interface OrderEvent {
  /** The same for every copy of one event. */
  readonly eventId: string;
  readonly type: 'PAID' | 'CANCELLED';
  readonly orderId: string;
  readonly userId: string;
  readonly amount: number;
  /** Place of the event in the order's history. */
  readonly sequence: number;
}
