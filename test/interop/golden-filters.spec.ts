import { filterTable, ourResults } from './filter-table.js';

const { sets, filters } = filterTable();

describe('SQL92 filters that the official parser evaluated', () => {
  it('say the same of every message here', () => {
    const differing = filters
      .map(([expression, results]) => ({
        expression,
        java: results,
        ours: ourResults(expression, sets),
      }))
      .filter(({ java, ours }) => java !== ours);
    expect(differing).toEqual([]);
  });

  it('cover every outcome', () => {
    const letters = new Set(filters.flatMap(([, results]) => [...results]));
    expect([...letters].toSorted()).toEqual(['!', 'E', 'F', 'N', 'T']);
  });
});
