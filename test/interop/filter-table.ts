import { readFileSync } from 'node:fs';
import { Buffer } from 'node:buffer';
import { join } from 'node:path';
import { FilterError, SqlFilter } from '@nestjs-rocketmq/filter';
import type { SeededRandom } from '@nestjs-rocketmq/foundation/testing';
import { type ClientVersion, type ServerVersion, startProgram } from '../support/java.js';
import { goldenFolder } from './golden-frames.js';

export type PropertySet = Readonly<Record<string, string>>;
/** An expression and one letter per set: T, F, N (unknown), E (does not compare); "!" when refused. */
export type FilterResult = readonly [expression: string, results: string];

export interface FilterTable {
  readonly sets: readonly PropertySet[];
  readonly filters: readonly FilterResult[];
}

export const filterTablePath = join(goldenFolder, 'filters-5.3.3.json');

export function filterTable(): FilterTable {
  return JSON.parse(readFileSync(filterTablePath, 'utf8')) as FilterTable;
}

/** Values that read as numbers of every kind, nearly do, or do not at all. */
const values = [
  ['5', '-5', '0', '-0', '007', '+7', ' 7', '2147483647', '2147483648', '9223372036854775808'],
  ['1.5', '1.5e3', '.5', '5.', '1d', '0x1p3', 'NaN', '-Infinity', '1e400', ' 2.5 ', '٥', ''],
  ['true', 'TRUE', 'false', 'null', 'paid', "it's", 'Paid', '订单', 'a b', '😀'],
].flat();

export function propertySets(random: SeededRandom): PropertySet[] {
  const sets: PropertySet[] = [{}, ...values.map((value) => ({ a: value, b: value, A: 'upper' }))];
  for (let i = 0; i < 40; i += 1) {
    const set: Record<string, string> = {};
    for (const name of ['a', 'b', '_c$1', 'TAGS']) {
      if (random.chance(0.8)) set[name] = random.pick(values);
    }
    sets.push(set);
  }
  return sets;
}

/** Rules worth a row of their own. */
export const chosenFilters = [
  ["a = 'paid'", "a <> 'paid'", 'a IS NULL', 'a IS NOT NULL', 'a = b', 'a <> b', 'a', 'NOT a'],
  ['a > 5', 'a >= 5', 'a < 5', 'a <= 5', 'a > 5.5', 'a > b', 'a <= b', '5 < a', 'a > -5', '5 > 3'],
  ['a = TRUE', 'TRUE = a', 'a = 5', '5 = a', 'a = 5.0', 'a = 2147483648', 'a <> 2147483648'],
  ['a BETWEEN 1 AND 7', 'a NOT BETWEEN 1 AND 7', 'a BETWEEN 7 AND 1', 'a BETWEEN -5 AND -9'],
  ["a BETWEEN '1' AND '7'", 'a BETWEEN NULL AND 7', 'a BETWEEN b AND 7', 'a BETWEEN 1.5 AND 1'],
  ["a IN ('paid', '5')", "a NOT IN ('paid', '5')", 'a IN (5)', 'a IN ()', "5 IN ('5')"],
  ["(a) IN ('5')", "NOT a IN ('5')", "NOT (a IN ('5'))", "a IN ('5') IN ('6')"],
  ["a CONTAINS 'ai'", "a NOT CONTAINS 'ai'", "a CONTAINS ''", "a NOT CONTAINS ''"],
  ["a STARTSWITH 'p'", "a NOT STARTSWITH 'p'", "a ENDSWITH 'd'", "a NOT ENDSWITH 'd'"],
  ["a STARTSWITH ''", "a ENDSWITH ''", "'paid' CONTAINS 'ai'", "5 CONTAINS '5'", 'a CONTAINS b'],
  ["a > 1 AND b = 'paid'", "b = 'paid' AND a > 1", "a > 1 OR b = 'paid'", "b = 'paid' OR a > 1"],
  ['NULL', 'TRUE', 'FALSE', 'NOT TRUE', 'NOT NULL', 'a = NULL', 'NULL = NULL', 'NULL IS NULL'],
  ['TRUE = TRUE', "TRUE = 'x'", "'x' = TRUE", 'TRUE = 5', '5 = TRUE', 'TRUE > 5', "a > 'x'"],
  ['a = -b', 'a = -5', '-a', '- (a = b) IS NULL', "a = +'paid'", '+a', 'a = --5', 'a = - -5'],
  ['0', '5', "'x'", 'a = 007', 'a = 0L', 'a = 5L', 'a = 5l', 'a = 0.0', 'a = 0.5', 'a = 1e400'],
  ['a = 9223372036854775807', 'a = 9223372036854775808', 'a = -9223372036854775808', 'a = 5.'],
  ['a = 5 trailing words', 'a = 5 )', 'a = 5 !', 'a = 5 x !', 'a = 5 NOT b', 'a = 5 IS b', 'a b'],
  ['a = 5 -- comment\n', 'a = 5 -- comment', 'a /* x * y */ = 5', 'a /* x = 5', 'a = 5 /**/ AND b'],
  ["a = 'it''s'", "a = 'open", "a = ''", 'a == 5', 'a != 5', 'a LIKE 5', 'a + 5 = 6', '(a = 5'],
  ['a = b = TRUE', 'a = 5 = b', 'a IS NULL IS NULL', 'a IS NOT NULL = TRUE', 'a > 5 > 3'],
  ["A = 'upper'", "not a = 'x' or B is null", 'a Between 1 And 7', "_c$1 = '5'", '$ IS NULL'],
  ["a = '订单'", "a CONTAINS '单'", "a = '😀'", '订单 = 5', "a = 5 OR\tb\n=\r'5'\f", '', ' ', '()'],
  ['a = 5 AND', 'AND a', 'a NOT 5', 'a IS', 'a IS NOT', 'a BETWEEN 5', 'a BETWEEN 5 AND', 'a IN'],
  ['((a = 5))', '(a) = (5)', '(a > 5) = (b > 5)', 'NOT NOT TRUE', 'NOT (a > 5) AND NOT (b < 5)'],
].flat();

const operands = ['a', 'b', '_c$1', 'TAGS', 'missing', '5', '-5', '2147483648', '1.5', "'paid'"];
const moreOperands = ["'5'", "''", 'TRUE', 'FALSE', 'NULL', '0', '(a)', '+a', '-b', '0.5'];
const texts = ["'paid'", "'5'", "'ai'", "''", "'订单'", "'it''s'"];

/** A random expression; most are right, and some are not. */
export function randomFilter(random: SeededRandom, depth = 3): string {
  const part = (): string => randomFilter(random, depth - 1);
  const operand = (): string => {
    if (depth > 1 && random.chance(0.1)) return `(${part()})`;
    return random.pick(random.chance(0.7) ? operands : moreOperands);
  };
  const name = random.pick(['a', 'b', '_c$1', 'TAGS', 'missing']);
  const maybeNot = random.chance(0.3) ? ' NOT' : '';
  switch (random.below(depth <= 0 ? 6 : 10)) {
    case 0:
      return `${operand()} ${random.pick(['=', '<>'])} ${operand()}`;
    case 1:
      return `${operand()} ${random.pick(['>', '>=', '<', '<='])} ${operand()}`;
    case 2:
      return `${name}${maybeNot} IN (${random.pick(texts)}, ${random.pick(texts)})`;
    case 3:
      return `${name}${maybeNot} BETWEEN ${random.pick(['1', '-5', 'b', '1.5'])} AND ${operand()}`;
    case 4:
      return `${operand()} IS${maybeNot} NULL`;
    case 5: {
      const test = random.pick(['CONTAINS', 'STARTSWITH', 'ENDSWITH']);
      return `${name}${maybeNot} ${test} ${random.pick(texts)}`;
    }
    case 6:
      return `(${part()})`;
    case 7:
      return `NOT ${random.chance(0.8) ? `(${part()})` : part()}`;
    case 8:
      return `${part()} AND ${part()}`;
    default:
      return `${part()} OR ${part()}`;
  }
}

/** What our filter says of each set. */
export function ourResults(expression: string, sets: readonly PropertySet[]): string {
  let filter: SqlFilter;
  try {
    filter = SqlFilter.parse(expression);
  } catch (error) {
    if (error instanceof FilterError) return '!';
    throw error;
  }
  const letterOf = (set: PropertySet): string => {
    const value = filter.evaluate(filter.properties.map((name) => set[name]));
    return value === undefined ? 'E' : value === null ? 'N' : value ? 'T' : 'F';
  };
  return sets.map(letterOf).join('');
}

/** What the official filter says of each set. */
export async function javaResults(
  version: ServerVersion | ClientVersion,
  sets: readonly PropertySet[],
  expressions: readonly string[],
): Promise<FilterResult[]> {
  const hex = (text: string): string => Buffer.from(text, 'utf8').toString('hex');
  const program = startProgram(version, 'EvaluateFilters', {});
  for (const set of sets) {
    program.tellProgram(`set ${Object.entries(set).flat().map(hex).join(' ')}`);
  }
  for (const expression of expressions) program.tellProgram(`sql ${hex(expression)}`);
  program.tellProgram('');
  await program.success(120_000);
  const answers = program.events<{ results: string }>('filter');
  return expressions.map((expression, i): FilterResult => [expression, answers[i]?.results ?? '']);
}
