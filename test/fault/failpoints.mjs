// Loaded by the kill tests before the order service (`node --import`), never by the service itself.
// FAILPOINT=name:n kills this process with SIGKILL the n-th time the named point is reached.
import 'reflect-metadata';

const dist = new URL('../../sample-order-service/dist/', import.meta.url);
const [armed = '', hits = '1'] = (process.env.FAILPOINT ?? '').split(':');
let left = Number(hits);

function load(path) {
  return import(new URL(path, dist).href);
}

/** Dies when the armed point is reached often enough; what comes after it never happens. */
async function reached(name) {
  if (name !== armed) return;
  left -= 1;
  if (left > 0) return;
  process.kill(process.pid, 'SIGKILL');
  await new Promise(() => {});
}

/** Puts points before and after a method, and keeps what decorators wrote about it. */
function wrap(type, method, { before, after }) {
  const original = type.prototype[method];
  const wrapped = async function (...args) {
    if (before !== undefined) await reached(before);
    const result = await original.apply(this, args);
    if (after !== undefined) await reached(after);
    return result;
  };
  for (const key of Reflect.getMetadataKeys(original)) {
    Reflect.defineMetadata(key, Reflect.getMetadata(key, original), wrapped);
  }
  type.prototype[method] = wrapped;
}

const { HalfMessageFlow } = await load('orders/half-message.flow.js');
const { OrderOutbox } = await load('orders/order-outbox.js');
const { OrderEventsListener } = await load('orders/order-events.listener.js');
const { PaymentCapture } = await load('payments/payment-capture.js');
const { PaymentRequestsListener } = await load('payments/payment-requests.listener.js');
const { InventoryOrderListener } = await load('inventory/order-events.listener.js');
const { PointsOrderListener } = await load('points/order-events.listener.js');

// the half message is stored | the database has committed and the broker does not know
wrap(HalfMessageFlow, 'execute', { before: 'order.afterHalf', after: 'order.beforeEnd' });
wrap(PaymentCapture, 'execute', { before: 'payment.afterHalf', after: 'payment.beforeEnd' });
// the order is PAID and nobody was told | everybody was told and the message is not acknowledged
wrap(OrderOutbox, 'flush', { before: 'order.beforeEvent' });
wrap(OrderEventsListener, 'onPaid', { after: 'order.beforeAck' });
// between effect and acknowledgement
wrap(PaymentRequestsListener, 'onOrderPlaced', { after: 'payment.beforeAck' });
wrap(InventoryOrderListener, 'onOrderEvent', { after: 'inventory.beforeAck' });
// the effect is made and not committed: the method runs inside the transaction
wrap(PointsOrderListener, 'onOrderPaid', { after: 'points.beforeCommit' });
