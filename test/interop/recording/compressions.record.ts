import { writeFileSync } from 'node:fs';
import { prepareJava } from '../../support/java.js';
import { compressionTablePath, packedByJava, recordedCases } from '../compression-cases.js';

beforeAll(() => prepareJava());

it('records what the compressors of 5.3.3 make of bodies', async () => {
  const packed = await packedByJava('5.3.3', recordedCases);
  const lines = packed.map((one) => ` ${JSON.stringify(one)}`);
  writeFileSync(compressionTablePath, `[\n${lines.join(',\n')}\n]\n`);
  expect(packed).toHaveLength(recordedCases.length);
});
