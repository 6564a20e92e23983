import { HeaderError } from '../protocol.errors.js';

/**
 * What a header field holds.
 * - `text`: as it is. `properties`: message properties in the text form `name 1 value 2 ...`.
 * - `int32`, `int64`: decimal digits. `bool`: `true` or `false`.
 * - `offsetId`: store address and log position as upper-case hex digits; several joined by commas
 *   in the answer to a batch. A text here; hot writers make it from a position.
 */
export type FieldKind = 'text' | 'int32' | 'int64' | 'bool' | 'properties' | 'offsetId';

/** A name that access rules speak about. */
export type Resource = 'topic' | 'group';

type ValueOf<K extends FieldKind> = K extends 'int32' | 'int64'
  ? number
  : K extends 'bool'
    ? boolean
    : string;

/**
 * One header field, as data. Builders return changed copies:
 * `text().names('topic')`, `int64().optional()`, `bool().default(true)`.
 *
 * `Presence`: `required`, `optional` (may be absent on both sides) or `defaulted` (may be left out
 * by the writer, always there for the reader).
 */
export class Field<K extends FieldKind = FieldKind, Presence extends string = string> {
  /** Only for types: how the field behaves when absent. */
  declare readonly presence: Presence;

  constructor(
    readonly kind: K,
    /** Name on the wire; undefined means the name it is declared under. */
    readonly wireName: string | undefined = undefined,
    /** True when the wire may leave it out. */
    readonly isOptional: boolean = false,
    /** What the reader sees when the wire left it out. */
    readonly fallback: ValueOf<K> | undefined = undefined,
    /** What it names, for the access guard. */
    readonly resource: Resource | undefined = undefined,
    /** Never printed. */
    readonly isSecret: boolean = false,
    /** An int64 beyond what a number holds is brought to the nearest safe integer. */
    readonly isSaturating: boolean = false,
    /** Other wire names that older peers use for it, read when the first is absent. */
    readonly formerNames: readonly string[] = [],
  ) {}

  optional(): Field<K, 'optional'> {
    return this.with({ isOptional: true }) as unknown as Field<K, 'optional'>;
  }

  default(fallback: ValueOf<K>): Field<K, 'defaulted'> {
    return this.with({ isOptional: true, fallback }) as unknown as Field<K, 'defaulted'>;
  }

  onWire(wireName: string, ...formerNames: string[]): Field<K, Presence> {
    return this.with({ wireName, formerNames });
  }

  names(resource: Resource): Field<K, Presence> {
    return this.with({ resource });
  }

  secret(): Field<K, Presence> {
    return this.with({ isSecret: true });
  }

  saturating(): Field<K, Presence> {
    return this.with({ isSaturating: true });
  }

  private with(
    change: Partial<
      Pick<
        Field<K, Presence>,
        | 'wireName'
        | 'isOptional'
        | 'fallback'
        | 'resource'
        | 'isSecret'
        | 'isSaturating'
        | 'formerNames'
      >
    >,
  ): Field<K, Presence> {
    const all = { ...this, ...change };
    return new Field<K, Presence>(
      this.kind,
      all.wireName,
      all.isOptional,
      all.fallback,
      all.resource,
      all.isSecret,
      all.isSaturating,
      all.formerNames,
    );
  }
}

export const text = (): Field<'text', 'required'> => new Field('text');
export const int32 = (): Field<'int32', 'required'> => new Field('int32');
export const int64 = (): Field<'int64', 'required'> => new Field('int64');
export const bool = (): Field<'bool', 'required'> => new Field('bool');
export const properties = (): Field<'properties', 'required'> => new Field('properties');
export const offsetId = (): Field<'offsetId', 'required'> => new Field('offsetId');

/** The fields of a header by their names in code. */
export type Fields = Readonly<Record<string, Field>>;

type Kept<F extends Fields, P extends string> = {
  [K in keyof F]: F[K] extends Field<FieldKind, infer Q> ? (Q extends P ? K : never) : never;
}[keyof F];
type Value<F> = F extends Field<infer K, string> ? ValueOf<K> : never;
type Flat<T> = { [K in keyof T]: T[K] };

/** What a reader gets: defaulted fields are always there. */
export type ReadFields<F extends Fields> = Flat<
  { [K in Kept<F, 'required' | 'defaulted'>]: Value<F[K]> } & {
    [K in Kept<F, 'optional'>]?: Value<F[K]> | undefined;
  }
>;

/** What a writer gives: defaulted fields may be left out. */
export type WrittenFields<F extends Fields> = Flat<
  { [K in Kept<F, 'required'>]: Value<F[K]> } & {
    [K in Kept<F, 'optional' | 'defaulted'>]?: Value<F[K]> | undefined;
  }
>;

/** Ext fields as they stand in a frame: text by wire name. */
export type ExtFields = Record<string, string>;

/** The name of a field on the wire. */
export function wireNameOf(name: string, field: Field): string {
  return field.wireName ?? name;
}

const integer = /^[+-]?\d{1,19}$/;
const maxLong = 9223372036854775807n;

function readInt32(name: string, value: string): number {
  const number = integer.test(value) ? Number(value) : Number.NaN;
  if (number === (number | 0)) return number | 0;
  throw invalid(name, value, 'must be a whole number of 32 bits');
}

function readInt64(name: string, value: string, isSaturating: boolean): number {
  if (!integer.test(value)) throw invalid(name, value, 'must be a whole number of 64 bits');
  const number = Number(value);
  if (Number.isSafeInteger(number)) return number === 0 ? 0 : number;
  const exact = BigInt(value.replace('+', ''));
  if (exact > maxLong || exact < -maxLong - 1n) {
    throw invalid(name, value, 'must be a whole number of 64 bits');
  }
  if (isSaturating) return exact > 0n ? Number.MAX_SAFE_INTEGER : Number.MIN_SAFE_INTEGER;
  throw invalid(name, value, `must be at most ${Number.MAX_SAFE_INTEGER} in size`);
}

function invalid(field: string, value: string, what: string, isSecret = false): HeaderError {
  const shown = isSecret ? '***' : JSON.stringify(value.slice(0, 100));
  return new HeaderError(`header field '${field}' ${what}, but is ${shown}`, {
    details: { field },
  });
}

/** One value from its text on the wire; throws `HeaderError` naming the field. */
export function readField(name: string, field: Field, value: string): string | number | boolean {
  switch (field.kind) {
    case 'int32':
      return readInt32(name, value);
    case 'int64':
      return readInt64(name, value, field.isSaturating);
    case 'bool':
      // As Java's Boolean.parseBoolean: anything but "true" is false.
      return value.length === 4 && value.toLowerCase() === 'true';
    default:
      return value;
  }
}

/** One value as its text on the wire; throws `HeaderError` naming the field. */
export function writeField(name: string, field: Field, value: unknown): string {
  switch (field.kind) {
    case 'int32':
      if (typeof value === 'number' && value === (value | 0)) return String(value | 0);
      throw invalid(name, String(value), 'must be a whole number of 32 bits', field.isSecret);
    case 'int64':
      return writeInt64(name, field, value);
    case 'bool':
      if (typeof value === 'boolean') return value ? 'true' : 'false';
      throw invalid(name, String(value), 'must be true or false', field.isSecret);
    default:
      if (typeof value === 'string') return value;
      throw invalid(name, String(value), 'must be a text', field.isSecret);
  }
}

function writeInt64(name: string, field: Field, value: unknown): string {
  if (typeof value !== 'number' || !Number.isSafeInteger(value)) {
    throw invalid(name, String(value), 'must be a whole number', field.isSecret);
  }
  // What stands for "no limit" here is Java's largest long on the wire, and comes back as it was.
  if (field.isSaturating && value === Number.MAX_SAFE_INTEGER) return maxLong.toString();
  if (field.isSaturating && value === Number.MIN_SAFE_INTEGER) return (-maxLong - 1n).toString();
  return value === 0 ? '0' : String(value);
}

function textOf(name: string, field: Field, ext: Readonly<ExtFields>): string | undefined {
  const value = ext[wireNameOf(name, field)];
  if (value !== undefined) return value;
  for (const former of field.formerNames) {
    const old = ext[former];
    if (old !== undefined) return old;
  }
  return undefined;
}

/**
 * Reads declared fields from ext fields. Unknown ext fields are ignored, as Java does; an empty
 * number or boolean counts as absent, because the binary header cannot tell them apart.
 *
 * With `lenient`, a missing required field stays undefined: answers other than SUCCESS may leave
 * their header out. Throws `HeaderError` naming the field.
 */
export function readFields<F extends Fields>(
  fields: F,
  ext: Readonly<ExtFields>,
  lenient = false,
): ReadFields<F> {
  const values: Record<string, unknown> = {};
  for (const name in fields) {
    const field = fields[name] as Field;
    const value = textOf(name, field, ext);
    const isText = field.kind === 'text' || field.kind === 'properties';
    if (value === undefined || (value === '' && !isText)) {
      if (field.fallback !== undefined) values[name] = field.fallback;
      else if (!field.isOptional && !lenient) throw missing(name, field);
      continue;
    }
    try {
      values[name] = readField(name, field, value);
    } catch (error) {
      throw field.isSecret ? invalid(name, '', 'is broken', true) : error;
    }
  }
  return values as ReadFields<F>;
}

function missing(name: string, field: Field): HeaderError {
  const wireName = wireNameOf(name, field);
  const shown = wireName === name ? '' : ` ('${wireName}' on the wire)`;
  return new HeaderError(`header field '${name}'${shown} is missing`, { details: { field: name } });
}

/**
 * Writes declared fields as ext fields into `ext`. Values that are undefined or null are left out
 * when the field is optional (a defaulted field is then decided by the reader).
 * Throws `HeaderError` naming the field.
 */
export function writeFields<F extends Fields>(
  fields: F,
  values: Readonly<Partial<Record<string, unknown>>>,
  ext: ExtFields,
  lenient = false,
): ExtFields {
  for (const name in fields) {
    const field = fields[name] as Field;
    const value = values[name];
    if (value === undefined || value === null) {
      if (!field.isOptional && !lenient) throw missing(name, field);
      continue;
    }
    ext[wireNameOf(name, field)] = writeField(name, field, value);
  }
  return ext;
}
