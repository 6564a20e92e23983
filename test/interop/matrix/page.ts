import { isPlayedHere, matrixServers, type CaseGroup, type MatrixServer } from './case.js';

/** What a run found: by server and feature. */
export type Findings = ReadonlyMap<string, boolean>;

export const findingOf = (server: MatrixServer, feature: string): string => `${server} ${feature}`;

const columns = ['Feature', ...matrixServers];

/** The page docs/interop.md. The same findings print the same page. */
export function printPage(groups: readonly CaseGroup[], findings: Findings): string {
  const limits: string[] = [];
  const lines = [
    '# Our client at official servers, and at ours',
    '',
    'Printed by `npm run test:interop -- java-matrix`, from what it saw; the cases stand in',
    '`test/interop/matrix`. Each column is a nameserver and a broker: those of Apache RocketMQ by version,',
    'and ours. A number leads to the limit of that server. *Elsewhere* means a server that is set up for it,',
    'in a spec of its own.',
  ];
  for (const { title, cases } of groups) {
    lines.push('', `## ${title}`, '', row([...columns, 'What it proves']));
    lines.push(row([...columns, ''].map(() => '---')));
    for (const one of cases) {
      const cells = matrixServers.map((server) => {
        const limit = one.limits?.[server];
        if (limit !== undefined) return `[${numberOf(limit, limits)}](#limits-of-servers)`;
        if (!isPlayedHere(one.how)) return `elsewhere: \`${one.how.spec}\``;
        const found = findings.get(findingOf(server, one.feature));
        return found === undefined ? 'not played' : found ? 'passed' : 'failed';
      });
      lines.push(row([one.feature, ...cells, one.proves]));
    }
  }
  lines.push('', '## Limits of servers', '');
  limits.forEach((limit, at) => lines.push(`${at + 1}. ${limit}`));
  return `${lines.join('\n')}\n`;
}

/** What a page claims to hold: its columns, and of every row the cells. */
export function readPage(page: string): {
  readonly columns: readonly string[][];
  readonly rows: ReadonlyMap<string, readonly string[]>;
} {
  const tables: string[][] = [];
  const rows = new Map<string, readonly string[]>();
  for (const line of page.split('\n')) {
    if (!line.startsWith('|')) continue;
    const cells = line
      .replaceAll('\\|', '\0')
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.replaceAll('\0', '|').trim());
    if (cells[0] === 'Feature') tables.push(cells);
    else if (!/^-+$/.test(cells[0] ?? '')) rows.set(cells[0] as string, cells.slice(1));
  }
  return { columns: tables, rows };
}

function numberOf(limit: string, limits: string[]): number {
  if (!limits.includes(limit)) limits.push(limit);
  return limits.indexOf(limit) + 1;
}

const row = (cells: readonly string[]): string =>
  `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
