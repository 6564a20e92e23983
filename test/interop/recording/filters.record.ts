import { writeFileSync } from 'node:fs';
import { SeededRandom } from '@nestjs-rocketmq/foundation/testing';
import { prepareJava } from '../../support/java.js';
import {
  chosenFilters,
  filterTablePath,
  javaResults,
  propertySets,
  randomFilter,
} from '../filter-table.js';

beforeAll(() => prepareJava());

it('records what the SQL92 filter of 5.3.3 says of many expressions and messages', async () => {
  const random = new SeededRandom(92);
  const sets = propertySets(random);
  const random300 = Array.from({ length: 300 }, () => randomFilter(random));
  const filters = await javaResults('5.3.3', sets, [...chosenFilters, ...random300]);
  const lines = (rows: readonly unknown[]): string =>
    rows.map((row) => `  ${JSON.stringify(row)}`).join(',\n');
  const text = `{\n "sets": [\n${lines(sets)}\n ],\n "filters": [\n${lines(filters)}\n ]\n}\n`;
  writeFileSync(filterTablePath, text);
  expect(filters.length).toBeGreaterThan(400);
});
