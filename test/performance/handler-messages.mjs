// Messages as a broker delivers them, for measuring what happens to them afterwards.
import { emptySpan, spanOf, viewOf } from '@nestjs-rocketmq/foundation';
import { StoredMessage, encodeProperties, recordSize, writeRecord } from '@nestjs-rocketmq/message';

const encoder = new TextEncoder();

/** An order of about `bytes` bytes as JSON. */
export function orderJson(bytes = 1024) {
  const items = [];
  const order = () => JSON.stringify({ id: 'o-1234567', sum: 1999, customer: 'c-42', items });
  while (order().length < bytes) items.push({ sku: `sku-${items.length}`, count: 2, price: 9.5 });
  return order();
}

const body = encoder.encode(orderJson());
const properties = {
  contentType: 'application/json',
  UNIQ_KEY: '7F0000010A2B18B4AAC20000000A0001',
  WAIT: 'true',
  TAGS: 'placed',
  KEYS: 'o-1234567',
};
const draft = {
  topic: 'bench',
  queueId: 1,
  flag: 0,
  sysFlag: 0,
  bornTimestamp: 1_700_000_000_000,
  bornHost: Uint8Array.of(127, 0, 0, 1),
  bornPort: 1,
  storeHost: Uint8Array.of(127, 0, 0, 1),
  storePort: 10_911,
  reconsumeTimes: 0,
  preparedTransactionOffset: 0,
  body: spanOf(body),
  properties: spanOf(encoder.encode(encodeProperties(properties))),
  suffix: emptySpan,
  tagsCode: 0,
};
const name = encoder.encode('bench');
const record = new Uint8Array(recordSize(draft, name.length));
writeRecord(record, viewOf(record), 0, draft, name, {
  queueOffset: 7,
  position: 0,
  storeTimestamp: 1_700_000_000_001,
});

/** A new view each time, as each pulled message is one: nothing decoded yet. */
export function storedOrder() {
  return new StoredMessage(record, viewOf(record));
}
