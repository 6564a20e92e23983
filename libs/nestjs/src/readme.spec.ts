import { readFileSync } from 'node:fs';
import { consumeOptions, listenerOptions } from './index.js';

const here = import.meta.dirname;
const readme = readFileSync(`${here}/../README.md`, 'utf8');

/** The names in the first column of the tables. */
const rows = [...readme.matchAll(/^\| `(\w+)`/gm)].map((found) => found[1]);

describe('the README', () => {
  it('has a row for every option of a listener, and none for others', () => {
    const options = rows.filter((name) => !name?.startsWith('ROCKETMQ_'));
    const declared = [...consumeOptions.names, ...listenerOptions.names];
    expect(options.toSorted()).toEqual(declared.toSorted());
  });

  it('explains every code of a set-up that is refused', () => {
    const errors = readFileSync(`${here}/nestjs.errors.ts`, 'utf8');
    const codes = [...errors.matchAll(/^ {2}\| '(ROCKETMQ_\w+)'/gm)].map((found) => found[1]);
    expect(codes.length).toBeGreaterThan(10);
    expect(rows.filter((name) => name?.startsWith('ROCKETMQ_')).toSorted()).toEqual(
      codes.toSorted(),
    );
  });

  it('tells the defaults that are declared', () => {
    for (const [name, option] of Object.entries(consumeOptions.table)) {
      const row = readme.split('\n').find((line) => line.startsWith(`| \`${name}\``)) ?? '';
      const told = row.split('|')[2]?.trim().replaceAll('`', '');
      const { fallback } = option;
      if (typeof fallback !== 'number' || option.kind === 'duration') continue;
      expect([name, told]).toEqual([name, String(fallback)]);
    }
  });
});
