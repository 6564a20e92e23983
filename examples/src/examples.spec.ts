import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { jest } from '@jest/globals';

const here = import.meta.dirname;
const printsMark = '\n// Prints:\n';

/** The quick start runs until it is told to end; `test/integration/nest-quick-start.spec.ts` runs it. */
const names = readdirSync(here, { withFileTypes: true })
  .filter((entry) => entry.isDirectory() && entry.name !== 'quick-start')
  .map((entry) => entry.name);

/** What the comment at the end of an example says that it prints. */
function expectedOf(name: string): string[] {
  const text = readFileSync(join(here, name, 'main.ts'), 'utf8').split(printsMark)[1] ?? '';
  return text
    .trim()
    .split('\n')
    .map((line) => line.replace(/^\/\/ {3}/, ''));
}

/** A machine that does much else at the same time takes long to make a PostgreSQL in memory. */
const deadline = 300_000;

describe('the examples', () => {
  afterEach(() => jest.restoreAllMocks());

  it.each(names)(
    '%s does what it says, and ends by itself',
    async (name) => {
      const printed: string[] = [];
      jest.spyOn(console, 'log').mockImplementation((line: unknown) => {
        printed.push(String(line));
      });
      await import(`./${name}/main.js`);
      // Messages of different topics overtake each other.
      expect(printed.toSorted()).toEqual(expectedOf(name).toSorted());
    },
    deadline,
  );
});
