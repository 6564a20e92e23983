import {
  compareDoubles,
  compareValues,
  doubleOf,
  failed,
  negated,
  type SqlNumber,
  type SqlValue,
} from './sql-values.js';

/** The values of the properties that an expression names, in the order of its `properties`. */
export type PropertyValues = readonly (string | undefined)[];

export type Evaluate = (values: PropertyValues) => SqlValue;

/** A part of an expression, ready to be evaluated. */
export interface Operand {
  readonly evaluate: Evaluate;
  /** How deep it is nested; evaluation takes as much stack. */
  readonly depth: number;
  /** What it is, where that decides what may be done with it. */
  readonly role: 'property' | 'constant' | 'truth' | 'negated';
  /** The value of a constant. */
  readonly constant?: string | boolean | SqlNumber | null;
}

export function property(slot: number): Operand {
  return { evaluate: (values) => values[slot] ?? null, depth: 1, role: 'property' };
}

export function constant(value: string | boolean | SqlNumber | null): Operand {
  return { evaluate: () => value, depth: 1, role: 'constant', constant: value };
}

function truth(depth: number, evaluate: Evaluate): Operand {
  return { evaluate, depth: depth + 1, role: 'truth' };
}

/** A property by itself says nothing true: texts are no truth values. */
export function truthOfProperty({ evaluate, depth }: Operand): Operand {
  return truth(depth, (values) => {
    const value = evaluate(values);
    return value === null || value === failed ? value : value === true;
  });
}

export function not({ evaluate, depth }: Operand): Operand {
  return truth(depth, (values) => {
    const value = evaluate(values);
    return typeof value === 'boolean' ? !value : value;
  });
}

/**
 * AND (`decisive` false) or OR (`decisive` true) of several: the first decisive value decides and
 * what stands behind it is not looked at; without one, an unknown makes all unknown.
 */
export function chain(operands: readonly Operand[], decisive: boolean): Operand {
  const parts = operands.map(({ evaluate }) => evaluate);
  return truth(Math.max(...operands.map(({ depth }) => depth)), (values) => {
    let isUnknown = false;
    for (const part of parts) {
      const value = part(values);
      if (value === decisive || value === failed) return value;
      if (value === null) isUnknown = true;
    }
    return isUnknown ? null : !decisive;
  });
}

/** Java's equality: two unknowns are equal, and a value never equals an unknown on its right. */
export function equal(left: Operand, right: Operand): Operand {
  return truth(Math.max(left.depth, right.depth), (values) => {
    const one = left.evaluate(values);
    if (one === failed) return failed;
    const other = right.evaluate(values);
    if (other === failed) return failed;
    if (one === null) return other === null ? true : null;
    if (other === null) return false;
    if (one === other) return true;
    const order = compareValues(one, other);
    return order === undefined ? failed : order === 0;
  });
}

export type Order = '>' | '>=' | '<' | '<=';

export function ordered(left: Operand, mark: Order, right: Operand): Operand {
  return truth(Math.max(left.depth, right.depth), (values) => {
    const one = left.evaluate(values);
    if (one === null || one === failed) return one;
    const other = right.evaluate(values);
    if (other === null || other === failed) return other;
    const order = orderOf(one, other);
    if (order === undefined) return failed;
    if (mark === '>') return order > 0;
    if (mark === '>=') return order >= 0;
    return mark === '<' ? order < 0 : order <= 0;
  });
}

/** Two texts have an order as numbers only. */
function orderOf(
  one: string | boolean | SqlNumber,
  other: string | boolean | SqlNumber,
): number | undefined {
  if (typeof one !== 'string' || typeof other !== 'string') return compareValues(one, other);
  const left = doubleOf(one);
  if (left === undefined) return undefined;
  const right = doubleOf(other);
  return right === undefined ? undefined : compareDoubles(left, right);
}

export function isIn(left: Operand, texts: ReadonlySet<string>, wanted: boolean): Operand {
  return truth(left.depth, (values) => {
    const value = left.evaluate(values);
    return typeof value === 'string' ? texts.has(value) === wanted : null;
  });
}

export type TextTest = 'CONTAINS' | 'STARTSWITH' | 'ENDSWITH';

/** False, not unknown, for everything that is no text, and for the empty text looked for. */
export function hasText(left: Operand, test: TextTest, text: string, wanted: boolean): Operand {
  return truth(left.depth, (values) => {
    const value = left.evaluate(values);
    if (value === failed && text !== '') return failed;
    if (typeof value !== 'string' || text === '') return false;
    if (test === 'CONTAINS') return value.includes(text) === wanted;
    if (test === 'STARTSWITH') return value.startsWith(text) === wanted;
    return value.endsWith(text) === wanted;
  });
}

export function minus({ evaluate, depth }: Operand): Operand {
  const opposite: Evaluate = (values) => {
    const value = evaluate(values);
    if (value === failed) return failed;
    return typeof value === 'object' && value !== null ? negated(value) : null;
  };
  return { evaluate: opposite, depth: depth + 1, role: 'negated' };
}
