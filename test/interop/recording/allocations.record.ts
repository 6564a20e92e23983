import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { prepareJava } from '../../support/java.js';
import { allocateByJava } from '../allocation-cases.js';
import { goldenFolder } from '../golden-frames.js';

beforeAll(() => prepareJava());

it('records how the client 4.9.8 shares out queues by every strategy', async () => {
  const run = { seed: 20_261_121, cases: 10_000, block: 200, printed: 200 };
  const record = await allocateByJava('4.9.8', run);
  writeFileSync(join(goldenFolder, 'allocations-4.9.8.json'), `${JSON.stringify(record)}\n`);
  expect(Object.keys(record.sha256)).toHaveLength(7);
  expect(record.first).toHaveLength(200);
});
