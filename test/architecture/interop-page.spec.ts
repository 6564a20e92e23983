import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { allCases, caseGroups } from '../interop/matrix/cases.js';
import { isPlayedHere, matrixServers } from '../interop/matrix/case.js';
import { readPage } from '../interop/matrix/page.js';
import { root } from './tree.js';

/** Needs no Java: what docs/interop.md says was played must be what would be played. */
describe('docs/interop.md', () => {
  const page = readPage(readFileSync(join(root, 'docs/interop.md'), 'utf8'));

  it('has a column for each server, and a table for each group of cases', () => {
    const columns = ['Feature', ...matrixServers, 'What it proves'];
    expect(page.columns).toEqual(caseGroups.map(() => columns));
  });

  it('has a row for each case, in their order, with what it proves', () => {
    const rows = [...page.rows].map(([feature, cells]) => `${feature}: ${cells.at(-1)}`);
    expect(rows).toEqual(allCases.map(({ feature, proves }) => `${feature}: ${proves}`));
  });

  it('names a case once', () => {
    expect(new Set(allCases.map(({ feature }) => feature)).size).toBe(allCases.length);
  });

  it('says of every server that a case passed, where else it is played, or which limit forbids it', () => {
    const odd = allCases.flatMap(({ feature, how, limits }) =>
      matrixServers.flatMap((server, at) => {
        const cell = page.rows.get(feature)?.[at] ?? '';
        const limit = limits?.[server];
        if (limit !== undefined) {
          return /^\[\d+\]\(#limits-of-servers\)$/.test(cell) ? [] : [`${feature} at ${server}`];
        }
        const wanted = isPlayedHere(how) ? 'passed' : `elsewhere: \`${how.spec}\``;
        return cell === wanted ? [] : [`${feature} at ${server}: ${cell}`];
      }),
    );
    expect(odd).toEqual([]);
  });

  it('names limits that say which server cannot', () => {
    const limits = allCases.flatMap(({ limits: own = {} }) => Object.values(own));
    expect(limits.filter((limit) => limit.length < 30)).toEqual([]);
  });

  it('counts cases of other specs that are there, and name the servers', () => {
    const missing = allCases.flatMap(({ feature, how, limits }) => {
      if (isPlayedHere(how)) return [];
      const text = readFileSync(join(root, 'test/interop', how.spec), 'utf8');
      const servers = matrixServers.filter((server) => limits?.[server] === undefined);
      return [how.title, ...servers.map((server) => `'${server}'`)]
        .filter((words) => !text.includes(words))
        .map((words) => `${feature}: ${words} in ${how.spec}`);
    });
    expect(missing).toEqual([]);
  });
});
