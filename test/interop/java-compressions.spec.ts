import {
  compressBodyAside,
  compressionBits,
  compressionTypes,
  decompressBody,
} from '@nestjs-rocketmq/message';
import { clientVersions, prepareJava } from '../support/java.js';
import { bodies, packedByJava, recordedCases, shaOf, unpackedByJava } from './compression-cases.js';

beforeAll(() => prepareJava());

describe.each(clientVersions)('compression with the Java client %s', (version) => {
  it('there is read here', async () => {
    const packed = await packedByJava(version, recordedCases);
    const read = packed.map(({ type, packed: bytes }) =>
      shaOf(decompressBody(Buffer.from(bytes, 'base64'), compressionBits(type))),
    );
    expect(read).toEqual(recordedCases.map(({ body }) => shaOf(bodies[body] as Uint8Array)));
  });

  it('here is read there', async () => {
    const cases = compressionTypes.flatMap((type) =>
      Object.values(bodies).flatMap((body) => [1, 5, 9].map((level) => ({ type, level, body }))),
    );
    const packed = await Promise.all(
      cases.map(async ({ type, level, body }) => ({
        type,
        bytes: await compressBodyAside(body, level, type),
      })),
    );
    const read = await unpackedByJava(version, packed);
    expect(read).toEqual(cases.map(({ body }) => shaOf(body)));
  });
});
