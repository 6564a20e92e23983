import { FilterError } from './filter.errors.js';
import type { Operand, PropertyValues } from './sql-operands.js';
import { SqlParser } from './sql-parser.js';
import { failed } from './sql-values.js';

/**
 * A parsed SQL92 filter over the properties of a message, by Apache's grammar and rules:
 *
 * - properties are texts, absent ones unknown; numbers compare with texts that read as numbers;
 * - logic has three values, and only what is certainly true passes;
 * - where values do not compare (`a > 1` with the text `x` as `a`) the whole message is held back,
 *   unless an earlier part of an AND or OR has decided.
 */
export class SqlFilter {
  private constructor(
    readonly expression: string,
    /** The names of the properties that decide, each once. */
    readonly properties: readonly string[],
    private readonly root: Operand,
  ) {}

  /** Throws `FilterError`, which says the column, when it cannot be understood. */
  static parse(expression: string | undefined): SqlFilter {
    if (expression === undefined || expression === '') {
      throw new FilterError('An SQL92 filter needs an expression, such as "amount > 5".');
    }
    const parser = new SqlParser(expression);
    const root = parser.parse();
    return new SqlFilter(expression, parser.properties, root);
  }

  /** True, false, unknown (null), or undefined where values do not compare. */
  evaluate(values: PropertyValues): boolean | null | undefined {
    const value = this.root.evaluate(values);
    if (value === failed) return undefined;
    return typeof value === 'boolean' ? value : null;
  }

  /** Is a message with these values wanted? They stand in the order of `properties`. */
  matches(values: PropertyValues): boolean {
    return this.root.evaluate(values) === true;
  }

  /** Is a message with these properties wanted? */
  accepts(properties: Readonly<Record<string, string>>): boolean {
    return this.matches(
      this.properties.map((name) =>
        Object.hasOwn(properties, name) ? properties[name] : undefined,
      ),
    );
  }
}
