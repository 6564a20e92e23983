import { BodyError } from '../protocol.errors.js';

/**
 * The form of a JSON body, declared once: it types the value, reads it with Java's tolerance
 * (numbers as text, missing members filled with Java's defaults, unknown members dropped) and
 * writes its members in alphabetical order as Java does.
 */
export interface Shape<T> {
  /** True when an object may leave a member of this shape out. */
  readonly isOptional: boolean;
  /** `at` names the place for errors; `raw` is undefined for a missing member. */
  read(raw: unknown, at: string): T;
  write(value: T): unknown;
}

/** The type of values of a shape. */
export type ValueOfShape<S> = S extends Shape<infer T> ? T : never;

export interface OptionalShape<T> extends Shape<T | undefined> {
  readonly isOptional: true;
}

const same = <T>(value: T): unknown => value;

function fault(at: string, what: string): BodyError {
  return new BodyError(`${at} ${what}`, { details: { at } });
}

function isMissing(raw: unknown): raw is undefined | null {
  return raw === undefined || raw === null;
}

function scalar<T>(fallback: T | undefined, read: (raw: unknown, at: string) => T): Shape<T> {
  return {
    isOptional: false,
    write: same,
    read(raw, at) {
      if (!isMissing(raw)) return read(raw, at);
      if (fallback !== undefined) return fallback;
      throw fault(at, 'is missing');
    },
  };
}

/** A text; numbers and booleans are taken as their text. */
export function string(fallback?: string): Shape<string> {
  return scalar(fallback, (raw, at) => {
    if (typeof raw === 'string') return raw;
    if (typeof raw === 'object') throw fault(at, 'must be a text');
    return String(raw);
  });
}

/** A whole number that a JavaScript number holds exactly. */
export function whole(fallback?: number): Shape<number> {
  return scalar(fallback, (raw, at) => {
    const number = typeof raw === 'string' && raw.trim() !== '' ? Number(raw) : raw;
    if (typeof number === 'number' && Number.isSafeInteger(number)) return number;
    throw fault(at, 'must be a whole number');
  });
}

const largestLong = 9_223_372_036_854_775_807n;

/** A whole number where Java may write its largest long for "no limit"; that is 2^53 - 1 here. */
export function wholeOrLimit(fallback?: number): Shape<number> {
  const shape = scalar(fallback, (raw, at) => {
    const number = Number(raw);
    if (!Number.isInteger(number)) throw fault(at, 'must be a whole number');
    return Math.max(Number.MIN_SAFE_INTEGER, Math.min(Number.MAX_SAFE_INTEGER, number));
  });
  return { ...shape, write: (value) => (value === Number.MAX_SAFE_INTEGER ? largestLong : value) };
}

export function real(fallback?: number): Shape<number> {
  return scalar(fallback, (raw, at) => {
    const number = typeof raw === 'string' && raw.trim() !== '' ? Number(raw) : raw;
    if (typeof number === 'number' && Number.isFinite(number)) return number;
    throw fault(at, 'must be a number');
  });
}

export function flag(fallback?: boolean): Shape<boolean> {
  return scalar(fallback, (raw, at) => {
    if (typeof raw === 'boolean') return raw;
    if (raw === 1 || raw === 'true') return true;
    if (raw === 0 || raw === 'false') return false;
    throw fault(at, 'must be true or false');
  });
}

/** One of Java's enum names; an ordinal number is taken for its name. */
export function oneOf<const N extends string>(names: readonly N[], fallback?: N): Shape<N> {
  return scalar<N>(fallback, (raw, at) => {
    const name = typeof raw === 'number' ? names[raw] : names.find((known) => known === raw);
    if (name !== undefined) return name;
    throw fault(at, `must be one of ${names.join(', ')}`);
  });
}

export function optional<T>(shape: Shape<T>): OptionalShape<T> {
  return {
    isOptional: true,
    read: (raw, at) => (isMissing(raw) ? undefined : shape.read(raw, at)),
    write: (value) => (value === undefined ? undefined : shape.write(value)),
  };
}

/** An array; a missing one is empty. */
export function list<T>(item: Shape<T>): Shape<T[]> {
  return {
    isOptional: false,
    read(raw, at) {
      if (isMissing(raw)) return [];
      if (!Array.isArray(raw)) throw fault(at, 'must be a list');
      return raw.map((each, index) => item.read(each, `${at}[${index}]`));
    },
    write: (value) => value.map((each) => item.write(each)),
  };
}

/** An object used as a table by text (or number) key; a missing one is empty. */
export function table<T>(item: Shape<T>): Shape<Record<string, T>> {
  return {
    isOptional: false,
    read(raw, at) {
      if (isMissing(raw)) return {};
      return Object.fromEntries(
        membersOf(raw, at).map(([name, each]) => [name, item.read(each, `${at}.${name}`)]),
      );
    },
    write: (value) =>
      Object.fromEntries(Object.entries(value).map(([name, each]) => [name, item.write(each)])),
  };
}

/**
 * A table whose keys are objects. Read from Java's object keys and from texts that hold the JSON of
 * the object; written with object keys. Missing means empty.
 */
export function objectTable<K, T>(key: Shape<K>, item: Shape<T>): Shape<[K, T][]> {
  return {
    isOptional: false,
    read(raw, at) {
      if (isMissing(raw)) return [];
      const entries = raw instanceof Map ? [...raw] : membersOf(raw, at);
      return entries.map(([name, each]): [K, T] => [
        key.read(typeof name === 'string' ? jsonKey(name, at) : name, `${at} key`),
        item.read(each, at),
      ]);
    },
    write: (value) => new Map(value.map(([name, each]) => [key.write(name), item.write(each)])),
  };
}

function jsonKey(name: string, at: string): unknown {
  try {
    return JSON.parse(name);
  } catch (error) {
    throw new BodyError(`${at} has a key that is no object`, { cause: error, details: { name } });
  }
}

function membersOf(raw: unknown, at: string): [string, unknown][] {
  if (typeof raw !== 'object' || raw === null || Array.isArray(raw) || raw instanceof Map) {
    throw fault(at, 'must be an object');
  }
  return Object.entries(raw);
}

type Members = Readonly<Record<string, Shape<unknown>>>;
type Flat<T> = { [K in keyof T]: T[K] };
type ObjectValue<M extends Members> = Flat<
  {
    [K in keyof M as M[K] extends OptionalShape<unknown> ? never : K]: ValueOfShape<M[K]>;
  } & {
    [K in keyof M as M[K] extends OptionalShape<unknown> ? K : never]?: ValueOfShape<M[K]>;
  }
>;

export interface ObjectShape<M extends Members> extends Shape<ObjectValue<M>> {
  readonly members: M;
}

/** An object with known members; unknown ones are dropped. */
export function object<M extends Members>(members: M): ObjectShape<M> {
  const names = Object.keys(members).toSorted();
  return {
    isOptional: false,
    members,
    read(raw, at) {
      const source = Object.fromEntries(membersOf(raw, at));
      const value: Record<string, unknown> = {};
      for (const name of names) {
        const given = Object.hasOwn(source, name) ? source[name] : undefined;
        const member = (members[name] as Shape<unknown>).read(given, `${at}.${name}`);
        if (member !== undefined) value[name] = member;
      }
      return value as ObjectValue<M>;
    },
    write(value) {
      const written: Record<string, unknown> = {};
      for (const name of names) {
        const member = (value as Record<string, unknown>)[name];
        if (member !== undefined) written[name] = (members[name] as Shape<unknown>).write(member);
      }
      return written;
    },
  };
}
