/**
 * The values of SQL92 filters and how they compare: the rules of Java's number classes, because
 * the official broker computes with those.
 */

/** A number in an expression. A property is always a text. */
export type SqlNumber =
  | { readonly kind: 'integer'; readonly value: number }
  | { readonly kind: 'long'; readonly value: bigint }
  | { readonly kind: 'double'; readonly value: number };

/** Nothing can be said, because something was compared that does not compare. */
export const failed = Symbol('failed');

/** `null` is SQL's unknown. */
export type SqlValue = string | boolean | SqlNumber | null | typeof failed;

const highestInteger = 0x7fff_ffffn;
const highestLong = 0x7fff_ffff_ffff_ffffn;
const plainDigits = /^[+-]?[0-9]{1,9}$/;
const anyDigits = /^[+-]?\p{Nd}+$/u;
const decimalDouble = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?[fFdD]?$/;
const hexDouble = /^([+-]?)0[xX]([0-9a-fA-F]*)(?:\.([0-9a-fA-F]*))?[pP]([+-]?\d+)[fFdD]?$/;
const namedDouble = /^([+-]?)(NaN|Infinity)$/;

/** As `Long.valueOf`: digits of any script, no blanks. Undefined when it is no such number. */
function wholeNumber(text: string): bigint | undefined {
  if (plainDigits.test(text)) return BigInt(Number(text));
  if (!anyDigits.test(text)) return undefined;
  const isNegative = text.startsWith('-');
  let digits = '';
  for (const sign of text.replace(/^[+-]/, '')) {
    const code = sign.codePointAt(0) as number;
    // Java looks at UTF-16 units, of which no surrogate is a digit.
    if (code > 0xffff) return undefined;
    digits += String(digitOf(code));
  }
  const value = isNegative ? -BigInt(digits) : BigInt(digits);
  return value > highestLong || value < -highestLong - 1n ? undefined : value;
}

/** Unicode has its digits in rows of ten that start at ...0 or ...6. */
function digitOf(code: number): number {
  const row = code & ~0xf;
  return code - (/\p{Nd}/u.test(String.fromCodePoint(row)) ? row : row + 6);
}

/** As `Double.valueOf`. Undefined when it is no number. */
export function doubleOf(text: string): number | undefined {
  const plain = trimmed(text);
  if (decimalDouble.test(plain)) return Number(plain.replace(/[fFdD]$/, ''));
  const named = namedDouble.exec(plain);
  if (named !== null) {
    if (named[2] === 'NaN') return Number.NaN;
    return named[1] === '-' ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
  }
  const hex = hexDouble.exec(plain);
  if (hex === null) return undefined;
  const [, sign, whole = '', fraction = '', exponent] = hex;
  if (whole + fraction === '') return undefined;
  const size =
    Number(BigInt(`0x${whole}${fraction}`)) * 2 ** (Number(exponent) - 4 * fraction.length);
  return sign === '-' ? -size : size;
}

/** As `String.trim`: everything up to the blank goes. */
function trimmed(text: string): string {
  let from = 0;
  let to = text.length;
  while (from < to && text.charCodeAt(from) <= 0x20) from += 1;
  while (to > from && text.charCodeAt(to - 1) <= 0x20) to -= 1;
  return text.slice(from, to);
}

/** As `Double.compare`: NaN is the highest, and -0 lies below 0. */
export function compareDoubles(left: number, right: number): number {
  if (left < right) return -1;
  if (left > right) return 1;
  if (Object.is(left, right)) return 0;
  if (Number.isNaN(left)) return 1;
  return Number.isNaN(right) || Object.is(left, -0) ? -1 : 1;
}

function compareNumbers(left: SqlNumber, right: SqlNumber): number {
  if (left.kind === 'double' || right.kind === 'double') {
    return compareDoubles(Number(left.value), Number(right.value));
  }
  return left.value < right.value ? -1 : left.value > right.value ? 1 : 0;
}

/** The text as a number of the kind of `like`, or undefined. */
function numberLike(text: string, like: SqlNumber): SqlNumber | undefined {
  if (like.kind === 'double') {
    const value = doubleOf(text);
    return value === undefined ? undefined : { kind: 'double', value };
  }
  const value = wholeNumber(text);
  if (value === undefined) return undefined;
  if (like.kind === 'long') return { kind: 'long', value };
  if (value > highestInteger || value < -highestInteger - 1n) return undefined;
  return { kind: 'integer', value: Number(value) };
}

/**
 * Less than 0, 0 or more than 0; undefined where Java throws. Java has some values that do not fit
 * answer "less", and a truth value refuse a text on its right but not on its left.
 */
export function compareValues(
  left: string | boolean | SqlNumber,
  right: string | boolean | SqlNumber,
): number | undefined {
  if (typeof left === 'string') {
    if (typeof right === 'string') return left < right ? -1 : left > right ? 1 : 0;
    if (typeof right === 'boolean') return Number(left.toLowerCase() === 'true') - Number(right);
    const number = numberLike(left, right);
    return number === undefined ? undefined : compareNumbers(number, right);
  }
  if (typeof left === 'boolean') {
    if (typeof right === 'string') return undefined;
    return typeof right === 'boolean' ? Number(left) - Number(right) : -1;
  }
  if (typeof right === 'boolean') return -1;
  if (typeof right !== 'string') return compareNumbers(left, right);
  const number = numberLike(right, left);
  return number === undefined ? undefined : compareNumbers(left, number);
}

/** The same kind of number with the other sign; whole numbers wrap around as Java's do. */
export function negated(number: SqlNumber): SqlNumber {
  if (number.kind === 'long') return { kind: 'long', value: BigInt.asIntN(64, -number.value) };
  if (number.kind === 'double') return { kind: 'double', value: -number.value };
  return { kind: 'integer', value: -number.value | 0 };
}

/** A whole number as an expression spells it, without the L; undefined when it is too large. */
export function wholeLiteral(digits: string): SqlNumber | undefined {
  const value = BigInt(digits);
  if (value > highestLong) return undefined;
  if (value > highestInteger) return { kind: 'long', value };
  return { kind: 'integer', value: Number(value) };
}
