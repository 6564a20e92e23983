import { SeededRandom, seedOfRun } from '@nestjs-rocketmq/foundation/testing';
import { prepareJava } from '../support/java.js';
import {
  chosenFilters,
  javaResults,
  ourResults,
  propertySets,
  randomFilter,
} from './filter-table.js';

beforeAll(() => prepareJava());

describe.each(['5.3.3', '5.5.0'] as const)('SQL92 filters of %s', (version) => {
  it('say the same as ours of generated expressions and messages', async () => {
    const seed = seedOfRun();
    const random = new SeededRandom(seed);
    const sets = propertySets(random);
    const generated = Array.from({ length: 3000 }, () => randomFilter(random));
    const recorded = await javaResults(version, sets, [...chosenFilters, ...generated]);
    const differing = recorded
      .map(([expression, java]) => ({ seed, expression, java, ours: ourResults(expression, sets) }))
      .filter(({ java, ours }) => java !== ours);
    expect(differing).toEqual([]);
  });
});
