import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  clientOptionSet,
  litePullConsumerOptionSet,
  producerOptionSet,
  pullConsumerOptionSet,
  pushConsumerOptionSet,
  transactionOptionSet,
} from '@nestjs-rocketmq/client';
import { parseDuration } from '@nestjs-rocketmq/foundation';
import { root } from './tree.js';

const page = 'docs/coming-from-the-java-client.md';

const sets = {
  Client: clientOptionSet,
  Producer: producerOptionSet,
  'Transactional producer': transactionOptionSet,
  'Push consumer': pushConsumerOptionSet,
  'Lite pull consumer': litePullConsumerOptionSet,
  'Pull consumer': pullConsumerOptionSet,
} as const;

interface Row {
  readonly java: string;
  readonly option: string;
  /** As the page tells it, without its quotes. */
  readonly told: string;
}

/** The rows of the table under a heading. */
function rowsOf(text: string, heading: string): Row[] {
  const part = text.split(`\n### ${heading}\n`)[1]?.split(/\n##+ /)[0] ?? '';
  const lines = part.split('\n').filter((line) => line.startsWith('|'));
  return lines.slice(2).map((line) => {
    const [java = '', , here = '', told = ''] = line
      .slice(1, -1)
      .split('|')
      .map((cell) => cell.trim());
    const option = /^`(\w+)`/.exec(here)?.[1] ?? '';
    return { java, option, told: told.replaceAll('`', '') };
  });
}

describe('the page for those who come from the Java client', () => {
  const text = readFileSync(join(root, page), 'utf8');

  it.each(Object.entries(sets))('has the defaults of the code: %s', (heading, set) => {
    const table = set.table as Readonly<Record<string, { kind: string; fallback?: unknown }>>;
    const rows = rowsOf(text, heading);
    expect(rows.length).toBeGreaterThan(2);
    const wrong = rows
      .filter(({ option }) => option !== 'deadline')
      .flatMap(({ java, option, told }) => {
        const known = table[option];
        if (known === undefined) return [`${java}: there is no option '${option}'`];
        const { kind, fallback } = known;
        const isTime = kind === 'duration' && told !== '-';
        const expected = fallback === undefined ? '-' : String(fallback);
        const shown = isTime ? String(parseDuration(told)) : told;
        return shown === expected ? [] : [`${option}: ${told} is told, ${expected} holds`];
      });
    expect(wrong).toEqual([]);
  });

  it('has every option of producers and push consumers that has a default of its own', () => {
    const common = new Set(Object.keys(clientOptionSet.table));
    /** What Java's client does not have, or says elsewhere. */
    const ours = new Set([
      'maxWaitingRequests',
      'retryResponseCodes',
      'latencyMax',
      'batchWait',
      'notAvailableDuration',
      'topics',
      'pullSuspend',
      'batchWait',
      'enableTrace',
      'traceTopic',
      'traceMsgBatchNum',
    ]);
    for (const heading of ['Producer', 'Push consumer'] as const) {
      const told = new Set(rowsOf(text, heading).map(({ option }) => option));
      const missing = Object.entries(sets[heading].table)
        .filter(([name, { fallback }]) => fallback !== undefined && !common.has(name))
        .map(([name]) => name)
        .filter((name) => !told.has(name) && !ours.has(name));
      expect(missing).toEqual([]);
    }
  });
});
