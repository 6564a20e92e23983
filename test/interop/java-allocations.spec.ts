import { seedOfRun } from '@nestjs-rocketmq/foundation/testing';
import { prepareJava } from '../support/java.js';
import { allocateByJava, allocateOurs } from './allocation-cases.js';
import { recordedAllocations } from './recorded-allocations.js';

beforeAll(() => prepareJava());

it('shares queues out as Java did in 10,000 recorded cases for each of seven strategies', () => {
  const { seed, block, first } = recordedAllocations;
  const run = { seed, block, cases: 10_000, printed: first.length, isRemembering: true };
  const ours = allocateOurs(run);
  expect(Object.values(ours.sha256).map((digests) => digests.length * block)).toEqual(
    Array.from({ length: 7 }, () => 10_000),
  );
  expect(ours).toEqual(recordedAllocations);
});

describe.each(['4.9.8', '5.3.3', '5.5.0'] as const)('the client %s', (version) => {
  const seed = seedOfRun();

  it(`shares queues out as ours does, by every strategy (SEED=${seed})`, async () => {
    const run = { seed, cases: 300, block: 300, printed: 20 };
    const java = await allocateByJava(version, run);
    expect(Object.keys(java.sha256)).toHaveLength(7);
    expect(allocateOurs(run)).toEqual(java);
  });
});
