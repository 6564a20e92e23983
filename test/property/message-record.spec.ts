import * as fc from 'fast-check';
import { spanOf, viewOf } from '@nestjs-rocketmq/foundation';
import {
  decodeProperties,
  decodeRecords,
  encodeProperties,
  recordSize,
  StoredMessage,
  writeRecord,
  type RecordDraft,
} from '@nestjs-rocketmq/message';
import { runs } from './runs.js';

const encoder = new TextEncoder();
const int32 = fc.integer();
const int64 = fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER });
const host = fc.oneof(
  fc.uint8Array({ minLength: 4, maxLength: 4 }),
  fc.uint8Array({ minLength: 16, maxLength: 16 }),
);
/** No marks of the property text, no empty text: those do not come back. */
const word = fc.string({ unit: 'binary', minLength: 1, maxLength: 20 }).map((text) => {
  // Half a surrogate pair has no UTF-8.
  const clean = Buffer.from(text, 'utf8')
    .toString('utf8')
    .replaceAll('\u0001', '_')
    .replaceAll('\u0002', '_');
  return clean === '' ? '_' : clean;
});
const properties = fc.dictionary(word, word, { maxKeys: 6 });

const drafts = fc.record({
  topic: fc.oneof(
    fc.string({ unit: 'grapheme-ascii', minLength: 1, maxLength: 127 }),
    fc.string({ unit: 'grapheme-ascii', minLength: 128, maxLength: 300 }),
  ),
  queueId: fc.nat(),
  flag: int32,
  sysFlag: fc.constantFrom(0, 4, 8, 12),
  bornTimestamp: int64,
  bornHost: host,
  bornPort: fc.nat(65_535),
  storeHost: host,
  storePort: fc.nat(65_535),
  reconsumeTimes: fc.nat(100),
  preparedTransactionOffset: int64,
  body: fc.uint8Array({ maxLength: 400 }),
  properties,
  suffix: properties,
});
const places = fc.record({ queueOffset: int64, position: int64, storeTimestamp: int64 });
type Shape = typeof drafts extends fc.Arbitrary<infer T> ? T : never;
type Place = typeof places extends fc.Arbitrary<infer T> ? T : never;

function draftOf(shape: Shape, closeLast = true): RecordDraft {
  const text = encodeProperties(shape.properties);
  const own = closeLast ? text : text.slice(0, -1);
  return {
    ...shape,
    body: spanOf(shape.body),
    properties: spanOf(encoder.encode(own)),
    suffix: spanOf(encoder.encode(encodeProperties(shape.suffix))),
    tagsCode: 0,
  };
}

function recordOf(draft: RecordDraft, place: Place): Uint8Array {
  const topic = encoder.encode(draft.topic);
  const size = recordSize(draft, topic.length);
  // More room than needed: nothing may be written behind the record.
  const bytes = new Uint8Array(size + 8);
  expect(writeRecord(bytes, viewOf(bytes), 0, draft, topic, place)).toBe(size);
  expect(bytes.subarray(size)).toEqual(new Uint8Array(8));
  return bytes.subarray(0, size);
}

describe('message records', () => {
  it('come back as they were, whatever they are', () => {
    fc.assert(
      fc.property(drafts, places, fc.boolean(), (shape, place, closeLast) => {
        const message = new StoredMessage(recordOf(draftOf(shape, closeLast), place));
        expect(message.topic).toBe(shape.topic);
        expect(message.queueId).toBe(shape.queueId);
        expect(message.flag).toBe(shape.flag);
        expect(message.sysFlag & 12).toBe(shape.sysFlag);
        expect(message.bornTimestamp).toBe(shape.bornTimestamp);
        expect(message.reconsumeTimes).toBe(shape.reconsumeTimes);
        expect(message.preparedTransactionOffset).toBe(shape.preparedTransactionOffset);
        expect(message.queueOffset).toBe(place.queueOffset);
        expect(message.logPosition).toBe(place.position);
        expect(message.storeTimestamp).toBe(place.storeTimestamp);
        expect(message.bornHost.endsWith(`:${shape.bornPort}`)).toBe(true);
        expect(message.storeHost.endsWith(`:${shape.storePort}`)).toBe(true);
        expect(new Uint8Array(message.storedBody)).toEqual(shape.body);
        expect(message.properties).toEqual({ ...shape.properties, ...shape.suffix });
        expect(message.isIntact()).toBe(true);
      }),
      runs(300),
    );
  });

  it('stand one after the other and are told apart', () => {
    const several = fc.array(fc.tuple(drafts, places), { maxLength: 5 });
    fc.assert(
      fc.property(several, (list) => {
        const records = list.map(([shape, place]) => recordOf(draftOf(shape), place));
        const bytes = Buffer.concat(records);
        const topics = decodeRecords(bytes).map((message) => message.topic);
        expect(topics).toEqual(list.map(([shape]) => shape.topic));
      }),
      runs(100),
    );
  });

  it('that are damaged are refused or read, but never beyond their bytes', () => {
    const damage = fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(drafts, places, damage, fc.nat(), (shape, place, hits, cut) => {
        const record = recordOf(draftOf(shape), place);
        const damaged = record.slice(0, record.length - (cut % 3 === 0 ? cut % record.length : 0));
        for (const [at, value] of hits) damaged[at % damaged.length] = value;
        let message: StoredMessage;
        try {
          message = new StoredMessage(damaged);
        } catch (error) {
          expect(error).toMatchObject({ code: 'MESSAGE_RECORD_BROKEN' });
          return;
        }
        // Whatever is there can be asked without leaving the buffer.
        expect(message.storeSize).toBeLessThanOrEqual(damaged.length);
        void [message.topic, message.properties, message.bornHost, message.storeHost];
        void [message.msgId, message.storeTimestamp, message.reconsumeTimes];
        expect(message.storedBody.length).toBeLessThanOrEqual(damaged.length);
      }),
      runs(500),
    );
  });

  it('with a body that lost a bit do not have their checksum any more', () => {
    fc.assert(
      fc.property(drafts, places, fc.nat(), fc.nat(7), (shape, place, at, bit) => {
        fc.pre(shape.body.length > 0);
        const record = recordOf(draftOf(shape), place);
        const { storedBody } = new StoredMessage(record);
        const index = at % storedBody.length;
        storedBody[index] = (storedBody[index] as number) ^ (1 << bit);
        expect(new StoredMessage(record).isIntact()).toBe(false);
      }),
      runs(200),
    );
  });
});

describe('property texts', () => {
  it('come back as they were', () => {
    fc.assert(
      fc.property(properties, (map) => {
        expect(decodeProperties(encodeProperties(map))).toEqual(map);
      }),
      runs(300),
    );
  });

  it('can be read whatever they are', () => {
    const mess = fc.string({ unit: fc.constantFrom('a', 'b', '\u0001', '\u0002'), maxLength: 30 });
    fc.assert(
      fc.property(mess, (text) => {
        for (const [name, value] of Object.entries(decodeProperties(text))) {
          expect(name).not.toBe('');
          expect(value).not.toBe('');
          expect(text).toContain(`${name}\u0001${value}`);
        }
      }),
      runs(500),
    );
  });
});
