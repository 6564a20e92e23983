import { FilterError } from './filter.errors.js';
import { SqlFilter } from './sql-filter.js';

const accepts = (expression: string, properties: Record<string, string>): boolean =>
  SqlFilter.parse(expression).accepts(properties);

function refusal(expression: string): FilterError {
  try {
    SqlFilter.parse(expression);
  } catch (error) {
    if (error instanceof FilterError) return error;
    throw error;
  }
  throw new Error(`'${expression}' was understood`);
}

describe('SqlFilter', () => {
  it.each([
    ["region = 'eu'", { region: 'eu' }, true],
    ["region <> 'eu'", { region: 'us' }, true],
    ['amount > 5', { amount: '7' }, true],
    ['amount BETWEEN 1 AND 5', { amount: '7' }, false],
    ["region IN ('eu', 'us')", { region: 'us' }, true],
    ['region IS NULL', {}, true],
    ["region CONTAINS 'u' AND region NOT STARTSWITH 'x'", { region: 'eu' }, true],
    ["amount > 5 AND (region = 'eu' OR region IS NULL)", { amount: '6' }, true],
    ["TAGS = 'paid' -- system properties count too\n", { TAGS: 'paid' }, true],
  ])('decides %s of %j', (expression, properties, wanted) => {
    expect(accepts(expression, properties as Record<string, string>)).toBe(wanted);
  });

  it('tells unknown from false and from what does not compare', () => {
    const filter = SqlFilter.parse('amount > 5');
    expect(filter.properties).toEqual(['amount']);
    expect([['6'], ['4'], [undefined], ['six']].map((values) => filter.evaluate(values))).toEqual([
      true,
      false,
      null,
      undefined,
    ]);
  });

  it('holds a message back when a comparison fails that had to be made', () => {
    expect(accepts("amount > 5 OR region = 'eu'", { amount: 'six', region: 'eu' })).toBe(false);
    expect(accepts("region = 'eu' OR amount > 5", { amount: 'six', region: 'eu' })).toBe(true);
  });

  it('does not take a property of the language for one of the message', () => {
    expect(accepts('toString IS NULL', {})).toBe(true);
  });

  it.each([
    ["amount > 'five'", 8],
    ['amount >', 9],
    ["amount = 5 AND region = 'eu", 25],
    ['amount != 5', 8],
    ['amount BETWEEN 5 AND 1', 8],
    ['amount = NULL', 8],
    ['(amount = 5', 12],
    ['amount IN (5)', 12],
    ['amount = 1 AND 5', 16],
    ['amount = 9223372036854775808', 10],
  ])('refuses %j and says column %d', (expression, column) => {
    const error = refusal(expression);
    expect(error.details).toEqual({ expression, column });
    expect(error.message).toContain(`at column ${column}:`);
  });

  it('refuses what has no expression', () => {
    for (const nothing of [undefined, ''])
      expect(() => SqlFilter.parse(nothing)).toThrow(FilterError);
  });

  it('takes long chains, and refuses nesting that would exhaust the stack', () => {
    const chain = Array.from({ length: 20_000 }, (_, i) => `a <> '${i}'`).join(' AND ');
    expect(accepts(chain, { a: 'x' })).toBe(true);
    expect(refusal(`${'('.repeat(20_000)}a`).message).toContain('levels');
    expect(refusal(`a${' = a'.repeat(20_000)}`).message).toContain('levels');
  });
});
