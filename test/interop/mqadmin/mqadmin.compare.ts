import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { prepareJava } from '../../support/java.js';
import { startOurServers } from '../../support/our-servers.js';
import { goldenFolder } from '../golden-frames.js';
import { commandsLeftOut, differences, unordered } from './differences.js';
import {
  adminSettings,
  adminVersions,
  normalised,
  playAdmin,
  type AdminVersion,
} from './scenario.js';

type Outputs = Record<string, string[]>;

/** What the same scenario printed with official servers of the version (recording/mqadmin-day.record.ts). */
function officialOutputs(version: AdminVersion): Outputs {
  return JSON.parse(
    readFileSync(join(goldenFolder, `mqadmin-day-${version}.json`), 'utf8'),
  ) as Outputs;
}

async function ourOutputs(version: AdminVersion): Promise<Outputs> {
  await using servers = await startOurServers({ properties: adminSettings });
  const outputs = await playAdmin(version, servers);
  return Object.fromEntries(
    [...outputs].map(([name, event]) => [name, normalised(event, servers)]),
  );
}

/** Without the lines of known differences; in one order where the order says nothing. */
function comparable(
  version: AdminVersion,
  command: string,
  lines: readonly string[] = [],
  known = false,
): string[] {
  const left = differences.filter(
    ({ commands, versions }) =>
      known && commands.test(command) && versions?.includes(version) !== false,
  );
  const kept = lines.filter((line) => !left.some((difference) => difference.lines.test(line)));
  return unordered.test(command) ? kept.toSorted() : kept;
}

/** Versions whose outputs about official servers are recorded. */
const recorded = adminVersions.filter((version) =>
  existsSync(join(goldenFolder, `mqadmin-day-${version}.json`)),
);

describe.each(recorded)('mqadmin %s', (version) => {
  let ours: Outputs;
  const official = officialOutputs(version);
  const commands = Object.keys(official);
  const isEqual = (command: string, known: boolean) =>
    JSON.stringify(comparable(version, command, ours[command], known)) ===
    JSON.stringify(comparable(version, command, official[command], known));

  beforeAll(async () => {
    prepareJava();
    ours = await ourOutputs(version);
  }, 1_200_000);

  it('prints about our servers what it prints about official ones, but for known differences', () => {
    const different = commands.filter((command) => !isEqual(command, false));
    const unexplained = different.filter((command) => !isEqual(command, true));
    const counts = [
      `${commands.length - different.length} of ${commands.length} outputs are equal`,
      `${different.length - unexplained.length} differ as explained`,
      `${unexplained.length} otherwise`,
    ];
    process.stderr.write(`mqadmin ${version}: ${counts.join(', ')}\n`);
    const pick = (outputs: Outputs) =>
      Object.fromEntries(
        unexplained.map((command) => [
          command,
          comparable(version, command, outputs[command], true),
        ]),
      );
    expect(pick(ours)).toEqual(pick(official));
  });

  it('needs every explanation that is given', () => {
    const used = differences.filter(({ commands: which, lines, versions }) => {
      if (versions?.includes(version) === false) return true;
      const named = commands.filter((command) => which.test(command));
      return named.some(
        (command) =>
          !isEqual(command, false) &&
          [...(ours[command] ?? []), ...(official[command] ?? [])].some((line) => lines.test(line)),
      );
    });
    expect(differences.filter((difference) => !used.includes(difference))).toEqual([]);
  });

  it('has no command that is neither played nor left out for a reason', () => {
    const known = (official[''] ?? []).flatMap((line) => /^([a-z]\w+) \S/.exec(line)?.[1] ?? []);
    const played = new Set(commands.map((command) => command.split(' ')[0]));
    const left = new Set(commandsLeftOut.flatMap(([, names]) => names));
    expect(known.length).toBeGreaterThan(80);
    expect(known.filter((name) => !played.has(name) && !left.has(name))).toEqual([]);
    expect([...left].filter((name) => played.has(name))).toEqual([]);
  });
});
