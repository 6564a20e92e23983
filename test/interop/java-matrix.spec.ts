import { writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { prepareJava } from '../support/java.js';
import { isPlayedHere, matrixServers } from './matrix/case.js';
import { allCases, caseGroups } from './matrix/cases.js';
import { findingOf, printPage } from './matrix/page.js';
import { Runs } from './matrix/runs.js';
import { Stand } from './matrix/stand.js';

/**
 * Our client at official servers and at ours. A run of everything writes docs/interop.md;
 * INTEROP_SERVER=5.3.3 plays one column, INTEROP_CASE=part-of-a-name,another some rows, without the page.
 */
const { INTEROP_SERVER: onlyServer, INTEROP_CASE: onlyCase } = process.env;
const findings = new Map<string, boolean>();
const isAsked = (feature: string) =>
  onlyCase === undefined || onlyCase.split(',').some((part) => feature.includes(part));
const isWhole = onlyServer === undefined && onlyCase === undefined;
const page = join(dirname(fileURLToPath(import.meta.url)), '../../docs/interop.md');

beforeAll(() => prepareJava());

describe.each(matrixServers.filter((one) => onlyServer === undefined || one === onlyServer))(
  'our client at the servers %s',
  (server) => {
    const played = allCases.filter(
      ({ feature, how, limits }) =>
        isPlayedHere(how) && limits?.[server] === undefined && isAsked(feature),
    );
    let stand: Stand | undefined;
    let runs: Runs;

    beforeAll(async () => {
      stand = await Stand.start(server);
      runs = new Runs(played, stand);
    });

    afterAll(() => stand?.[Symbol.asyncDispose]());

    it.each(played.map(({ feature, proves }) => [feature, proves] as const))(
      '%s: %s',
      async (feature) => {
        findings.set(findingOf(server, feature), false);
        await runs.of(feature);
        findings.set(findingOf(server, feature), true);
      },
      600_000,
    );
  },
);

afterAll(() => {
  const count = allCases.filter(({ how }) => isPlayedHere(how)).length;
  // Not when Jest was told to leave out some by `-t`.
  if (isWhole && findings.size >= count) writeFileSync(page, printPage(caseGroups, findings));
});
