import { emptySpan, spanOf, viewOf } from '@nestjs-rocketmq/foundation';
import {
  checkDraft,
  readInt64,
  recordField,
  recordMagicV2,
  recordSize,
  writeInt64,
  writeRecord,
  type RecordDraft,
} from './message-record.js';
import { decodeRecords, StoredMessage } from './stored-message.js';
import { encodeProperties } from './properties.js';
import { SysFlag } from './sys-flag.js';

const encoder = new TextEncoder();

function draftOf(changes: Partial<RecordDraft> = {}): RecordDraft {
  return {
    topic: 'orders',
    queueId: 3,
    flag: -7,
    sysFlag: 0,
    bornTimestamp: 1_700_000_000_001,
    bornHost: Uint8Array.of(10, 1, 2, 3),
    bornPort: 40_123,
    storeHost: Uint8Array.of(127, 0, 0, 1),
    storePort: 10_911,
    reconsumeTimes: 2,
    preparedTransactionOffset: 0,
    body: spanOf(encoder.encode('hello')),
    properties: spanOf(encoder.encode(encodeProperties({ TAGS: 'paid', KEYS: 'a b' }))),
    suffix: emptySpan,
    tagsCode: 0,
    ...changes,
  };
}

const place = {
  queueOffset: 2 ** 40 + 5,
  position: 2 ** 33 + 9,
  storeTimestamp: 1_700_000_000_777,
};

function recordOf(draft: RecordDraft): Uint8Array {
  const topic = encoder.encode(draft.topic);
  const bytes = new Uint8Array(recordSize(draft, topic.length));
  expect(writeRecord(bytes, viewOf(bytes), 0, draft, topic, place)).toBe(bytes.length);
  return bytes;
}

describe('message record', () => {
  it('tells one property before and after all are decoded, and after a consumer changed them', () => {
    const message = new StoredMessage(recordOf(draftOf()));
    const ask = () => ['TAGS', 'KEYS', 'none', 'toString'].map((name) => message.property(name));
    expect(ask()).toEqual(['paid', 'a b', undefined, undefined]);
    message.properties['TAGS'] = 'other';
    expect(ask()).toEqual(['other', 'a b', undefined, undefined]);
  });

  it('reads back every field it wrote', () => {
    const message = new StoredMessage(recordOf(draftOf()));
    expect(message).toMatchObject({
      topic: 'orders',
      queueId: 3,
      flag: -7,
      queueOffset: place.queueOffset,
      logPosition: place.position,
      storeTimestamp: place.storeTimestamp,
      bornTimestamp: 1_700_000_000_001,
      bornHost: '10.1.2.3:40123',
      storeHost: '127.0.0.1:10911',
      reconsumeTimes: 2,
      preparedTransactionOffset: 0,
      text: 'hello',
      tags: 'paid',
      keys: ['a', 'b'],
      offsetMsgId: '7F00000100002A9F0000000200000009',
      msgId: '7F00000100002A9F0000000200000009',
    });
    expect(message.isIntact()).toBe(true);
  });

  it('has 91 bytes besides body, topic and properties', () => {
    const draft = draftOf({ body: emptySpan, properties: emptySpan, topic: '' });
    expect(recordOf(draft)).toHaveLength(91);
  });

  it('writes 16-byte hosts and marks them in the flag', () => {
    const v6 = Uint8Array.from([0x20, 1, 0xd, 0xb8, ...Array<number>(11).fill(0), 1]);
    const message = new StoredMessage(recordOf(draftOf({ bornHost: v6, storeHost: v6 })));
    expect(message.sysFlag).toBe(SysFlag.BORN_HOST_V6 | SysFlag.STORE_HOST_V6);
    expect(message.bornHost).toBe('2001:db8::1:40123');
    expect(message.storeHost).toBe('2001:db8::1:10911');
    expect(message.reconsumeTimes).toBe(2);
    expect(message.offsetMsgId).toBe('20010DB800000000000000000000000100002A9F0000000200000009');
  });

  it('uses the second version for topics over 127 bytes only', () => {
    const long = recordOf(draftOf({ topic: 't'.repeat(128) }));
    expect(viewOf(long).getInt32(recordField.magic)).toBe(recordMagicV2);
    expect(new StoredMessage(long).topic).toBe('t'.repeat(128));
    const short = recordOf(draftOf({ topic: 't'.repeat(127) }));
    expect(viewOf(short).getInt32(recordField.magic)).not.toBe(recordMagicV2);
  });

  it('parts the suffix from properties whose last pair was left open', () => {
    const properties = spanOf(encoder.encode('TAGS\u0001x'));
    const suffix = spanOf(encoder.encode('CLUSTER\u0001c\u0002'));
    const message = new StoredMessage(recordOf(draftOf({ properties, suffix })));
    expect(message.properties).toEqual({ TAGS: 'x', CLUSTER: 'c' });
    const closed = spanOf(encoder.encode('TAGS\u0001x\u0002'));
    const same = new StoredMessage(recordOf(draftOf({ properties: closed, suffix })));
    expect(same.record).toEqual(message.record);
  });

  it('copies spans from anywhere in a larger buffer', () => {
    const buffer = encoder.encode(`....${'b'.repeat(300)}....`).subarray(2);
    const message = new StoredMessage(recordOf(draftOf({ body: spanOf(buffer, 2, 302) })));
    expect(message.text).toBe('b'.repeat(300));
  });

  it('refuses bytes that are no whole record and says why', () => {
    const good = recordOf(draftOf());
    expect(() => new StoredMessage(good.subarray(0, 50))).toThrow('only 50 bytes are left');
    expect(() => new StoredMessage(good.subarray(0, good.length - 1))).toThrow('its size is given');
    for (const at of [recordField.magic, 84, 84 + 4 + 5]) {
      const bad = good.slice();
      bad[at] = (bad[at] as number) ^ 0x40;
      expect(() => new StoredMessage(bad)).toThrow(
        expect.objectContaining({
          code: 'MESSAGE_RECORD_BROKEN',
        }) as Error,
      );
    }
  });

  it('tells a damaged body by its checksum', () => {
    const bytes = recordOf(draftOf());
    bytes[89] = (bytes[89] as number) ^ 1;
    expect(new StoredMessage(bytes).isIntact()).toBe(false);
  });

  it('walks the records of a pull answer', () => {
    const one = recordOf(draftOf());
    const two = recordOf(draftOf({ topic: 'u'.repeat(200) }));
    const joined = new Uint8Array([...one, ...two, ...one]);
    const topics = decodeRecords(joined).map((message) => message.topic);
    expect(topics).toEqual(['orders', 'u'.repeat(200), 'orders']);
    expect(() => decodeRecords(joined.subarray(0, joined.length - 3))).toThrow('No message stands');
  });

  it('keeps a message apart from the buffer it came in', () => {
    const bytes = recordOf(draftOf());
    const kept = new StoredMessage(bytes);
    kept.topic = 'original';
    const copy = kept.detach();
    bytes.fill(0);
    expect(copy.topic).toBe('original');
    expect(copy.text).toBe('hello');
  });

  it('refuses properties that do not fit 16 bits', () => {
    const draft = draftOf({ properties: spanOf(new Uint8Array(32_767)) });
    expect(() => checkDraft(draft, 6)).not.toThrow();
    const over = draftOf({ properties: spanOf(new Uint8Array(32_768)) });
    expect(() => checkDraft(over, 6)).toThrow('32768 bytes of properties');
  });

  it('keeps integers exact up to 2^53 and below zero', () => {
    const data = new DataView(new ArrayBuffer(8));
    for (const value of [0, 1, -1, 2 ** 32 - 1, 2 ** 32, -(2 ** 40) - 3, Number.MAX_SAFE_INTEGER]) {
      writeInt64(data, 0, value);
      expect(readInt64(data, 0)).toBe(value);
      expect(Number(data.getBigInt64(0))).toBe(value);
    }
  });
});
