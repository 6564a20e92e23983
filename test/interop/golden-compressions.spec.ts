import { compressionBits, decompressBody } from '@nestjs-rocketmq/message';
import { bodies, recordedCases, recordedCompressions, shaOf } from './compression-cases.js';

describe('bodies that the official client compressed', () => {
  const recorded = recordedCompressions();

  it('are those of the list', () => {
    const plain = recorded.map(({ type, level, body }) => ({ type, level, body }));
    expect(plain).toEqual(recordedCases);
  });

  it.each(recorded)('$type at level $level is read here: $body', ({ type, body, packed }) => {
    const read = decompressBody(Buffer.from(packed, 'base64'), compressionBits(type));
    expect(shaOf(read)).toBe(shaOf(bodies[body] as Uint8Array));
  });
});
