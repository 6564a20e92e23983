import { emptySpan, spanOf, viewOf } from '@nestjs-rocketmq/foundation';
import type { RecordDraft } from './message-record.js';
import { RecordParts, recordSize, writeRecord } from './message-record.js';
import { decodeProperties } from './properties.js';
import {
  appendRecordChecksum,
  checksumBytesOf,
  recordChecksumFault,
  withoutChecksum,
} from './record-checksum.js';

const text = new TextEncoder();
const topic = text.encode('orders');
const host = Uint8Array.of(127, 0, 0, 1);

function draftOf(properties: string): RecordDraft {
  return {
    topic: 'orders',
    queueId: 2,
    flag: 0,
    sysFlag: 0,
    bornTimestamp: 1,
    bornHost: host,
    bornPort: 1,
    storeHost: host,
    storePort: 2,
    reconsumeTimes: 0,
    preparedTransactionOffset: 0,
    body: spanOf(text.encode('hello')),
    properties: properties === '' ? emptySpan : spanOf(text.encode(properties)),
    suffix: emptySpan,
    tagsCode: 0,
  };
}

function written(draft: RecordDraft): { bytes: Uint8Array; parts: RecordParts; text: string } {
  const size = recordSize(draft, topic.length);
  const bytes = new Uint8Array(size + checksumBytesOf(draft));
  const data = viewOf(bytes);
  writeRecord(bytes, data, 0, draft, topic, { queueOffset: 0, position: 0, storeTimestamp: 5 });
  expect(appendRecordChecksum(bytes, data, 0, size, draft)).toBe(bytes.length);
  const parts = new RecordParts();
  expect(parts.locate(data, 0, bytes.length)).toBeUndefined();
  const properties = bytes.subarray(parts.propertiesFrom, parts.propertiesTo);
  return { bytes, parts, text: new TextDecoder().decode(properties) };
}

describe('the checksum of a whole record', () => {
  it.each(['', 'TAGS\u0001paid\u0002', 'TAGS\u0001paid'])(
    'is the last of its properties %p: ten digits, the least significant first',
    (properties) => {
      const { bytes, parts, text: stored } = written(draftOf(properties));
      const pairs = stored.split('\u0002');
      expect(pairs.pop()).toBe('');
      expect(pairs.pop()?.split('\u0001')).toEqual(['__CRC32#', expect.stringMatching(/^\d{10}$/)]);
      expect(decodeProperties(stored)['TAGS']).toBe(properties === '' ? undefined : 'paid');
      expect(recordChecksumFault(bytes, parts, 'REQUIRED')).toBeUndefined();
    },
  );

  it('notices each wrong bit of the record, in its own digits and name too', () => {
    const { bytes, parts } = written(draftOf('TAGS\u0001paid\u0002'));
    for (let at = 0; at < bytes.length; at += 1) {
      for (let bit = 1; bit < 256; bit *= 2) {
        bytes[at] = (bytes[at] as number) ^ bit;
        expect(recordChecksumFault(bytes, parts, 'PRESENT')).toBeDefined();
        bytes[at] = (bytes[at] as number) ^ bit;
      }
    }
  });

  it('may be absent, unless it is required', () => {
    const draft = draftOf('TAGS\u0001paid\u0002');
    const bytes = new Uint8Array(recordSize(draft, topic.length));
    writeRecord(bytes, viewOf(bytes), 0, draft, topic, {
      queueOffset: 0,
      position: 0,
      storeTimestamp: 5,
    });
    const parts = new RecordParts();
    parts.locate(viewOf(bytes), 0, bytes.length);
    expect(recordChecksumFault(bytes, parts, 'PRESENT')).toBeUndefined();
    expect(recordChecksumFault(bytes, parts, 'NONE')).toBeUndefined();
    expect(recordChecksumFault(bytes, parts, 'REQUIRED')).toContain('not have its own checksum');
  });

  it('that came with a message is not kept', () => {
    const other = '__CRC32#\u00011234567890\u0002';
    const draft = withoutChecksum(draftOf(`A\u00011\u0002${other}B\u00012\u0002`));
    expect(new TextDecoder().decode(draft.properties.bytes)).toBe('A\u00011\u0002B\u00012\u0002');
    const plain = draftOf('A\u00011\u0002');
    expect(withoutChecksum(plain)).toBe(plain);
  });
});
