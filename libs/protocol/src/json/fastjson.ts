import { JsonError } from '../protocol.errors.js';

/**
 * The JSON of Java peers (fastjson 1.x). On the way in it is wider than JSON: bare integer keys,
 * objects as keys, single quotes, bare names, stray commas, junk after the value, and `$ref` for an
 * object that occurs twice. On the way out a `Map` writes its keys as Java does: numbers bare,
 * objects as objects.
 */
export type Json =
  null | boolean | number | bigint | string | Json[] | { [name: string]: Json } | Map<Json, Json>;

export interface ParseOptions {
  /** Whole numbers beyond 2^53 come as `bigint`; otherwise they are rounded. Default false. */
  readonly bigints?: boolean;
}

/** Nesting beyond this is refused: no body of the protocol comes near, and a stack has an end. */
const maxDepth = 100;
const utf8 = new TextDecoder('utf-8');

/**
 * Reads what a Java peer wrote. An object with at least one object as key becomes a `Map`; every
 * other object a plain one. A `$ref` that cannot be followed takes its entry with it.
 * Throws `JsonError` with the place of the fault.
 */
export function parseFastjson(source: Uint8Array | string, options: ParseOptions = {}): Json {
  const text = typeof source === 'string' ? source : utf8.decode(source);
  if (options.bigints !== true && !text.includes('$ref')) {
    try {
      return JSON.parse(text) as Json;
    } catch {
      // Not plain JSON: the wider reader decides.
    }
  }
  const reader = new FastjsonReader(text, options.bigints === true);
  const value = reader.document();
  return reader.sawReference ? (resolve(value, value, 0) ?? null) : value;
}

class FastjsonReader {
  sawReference = false;
  private at = 0;

  constructor(
    private readonly text: string,
    private readonly bigints: boolean,
  ) {}

  document(): Json {
    this.skipBlanks();
    return this.value(0);
  }

  private value(depth: number): Json {
    if (depth > maxDepth) throw this.fault('nesting is too deep');
    const char = this.text[this.at];
    if (char === '{') return this.object(depth);
    if (char === '[') return this.array(depth);
    if (char === '"' || char === "'") return this.quoted(char);
    return this.bare();
  }

  private array(depth: number): Json[] {
    const items: Json[] = [];
    this.at += 1;
    for (;;) {
      this.skipBlanksAndCommas();
      if (this.text[this.at] === ']') {
        this.at += 1;
        return items;
      }
      items.push(this.value(depth + 1));
    }
  }

  private object(depth: number): Json {
    const entries: [Json, Json][] = [];
    let hasObjectKey = false;
    this.at += 1;
    for (;;) {
      this.skipBlanksAndCommas();
      if (this.text[this.at] === '}') {
        this.at += 1;
        return hasObjectKey ? new Map(entries) : plainObject(entries);
      }
      const key = this.key(depth);
      hasObjectKey ||= typeof key === 'object';
      if (key === '$ref') this.sawReference = true;
      this.skipBlanks();
      if (this.text[this.at] !== ':') throw this.fault("expected ':'");
      this.at += 1;
      this.skipBlanks();
      entries.push([key, this.value(depth + 1)]);
    }
  }

  private key(depth: number): Json {
    const char = this.text[this.at];
    if (char === '"' || char === "'") return this.quoted(char);
    if (char === '{') return this.value(depth + 1);
    const start = this.at;
    while (this.at < this.text.length && !' \t\r\n:,{}[]"\''.includes(this.text[this.at]!)) {
      this.at += 1;
    }
    if (this.at === start) throw this.fault('expected a name');
    return this.text.slice(start, this.at);
  }

  private quoted(quote: string): string {
    let result = '';
    let start = this.at + 1;
    for (let at = start; at < this.text.length; at += 1) {
      const char = this.text[at];
      if (char === quote) {
        this.at = at + 1;
        return result + this.text.slice(start, at);
      }
      if (char === '\\') {
        result += this.text.slice(start, at);
        this.at = at + 1;
        result += this.escape();
        at = this.at - 1;
        start = this.at;
      }
    }
    throw this.fault('a text does not end');
  }

  private escape(): string {
    const char = this.text[this.at] ?? '';
    this.at += 1;
    if (char === 'u' || char === 'x') {
      const length = char === 'u' ? 4 : 2;
      const digits = this.text.slice(this.at, this.at + length);
      if (digits.length < length || !/^[0-9a-fA-F]+$/.test(digits)) throw this.fault('bad escape');
      this.at += length;
      return String.fromCharCode(Number.parseInt(digits, 16));
    }
    const plain = escapes[char];
    if (plain === undefined) throw this.fault('bad escape');
    return plain;
  }

  private bare(): Json {
    const start = this.at;
    while (this.at < this.text.length && /[\w.+-]/.test(this.text[this.at]!)) this.at += 1;
    const word = this.text.slice(start, this.at);
    if (word === 'true') return true;
    if (word === 'false') return false;
    if (word === 'null') return null;
    if (/^-?\d+$/.test(word)) {
      const number = Number(word);
      return this.bigints && !Number.isSafeInteger(number) ? BigInt(word) : number;
    }
    if (/^-?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?[LFDBS]?$/.test(word)) return Number.parseFloat(word);
    throw this.fault(word === '' ? 'expected a value' : `'${word.slice(0, 40)}' is no value`);
  }

  private skipBlanks(): void {
    while (this.at < this.text.length && this.text.charCodeAt(this.at) <= 32) this.at += 1;
  }

  private skipBlanksAndCommas(): void {
    this.skipBlanks();
    while (this.text[this.at] === ',') {
      this.at += 1;
      this.skipBlanks();
    }
  }

  private fault(what: string): JsonError {
    return new JsonError(`the JSON is broken at character ${this.at}: ${what}`, {
      details: { near: this.text.slice(Math.max(0, this.at - 20), this.at + 20) },
    });
  }
}

const escapes: Readonly<Record<string, string>> = {
  '"': '"',
  "'": "'",
  '\\': '\\',
  '/': '/',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
  '0': '\0',
};

function plainObject(entries: readonly [Json, Json][]): { [name: string]: Json } {
  // fromEntries defines members, so that a key named __proto__ is a member like any other.
  return Object.fromEntries(entries as readonly [string, Json][]);
}

/** Follows `$ref` members that start at the root; undefined where that is not possible. */
function resolve(value: Json, root: Json, depth: number): Json | undefined {
  if (value === null || typeof value !== 'object' || depth > maxDepth) return value;
  if (Array.isArray(value)) {
    return value.map((item) => resolve(item, root, depth + 1)).filter((item) => item !== undefined);
  }
  const entries = value instanceof Map ? [...value] : Object.entries(value);
  if (entries.length === 1 && entries[0]![0] === '$ref') {
    const target = follow(entries[0]![1], root);
    // A target that holds references itself is one too many: drop it instead of going in circles.
    return target === undefined || holdsReference(target, 0) ? undefined : target;
  }
  const resolved: [Json, Json][] = [];
  for (const [key, member] of entries) {
    const keyThere = typeof key !== 'object' || !holdsReference(key, 0);
    const memberThere = resolve(member, root, depth + 1);
    if (keyThere && memberThere !== undefined) resolved.push([key, memberThere]);
  }
  return value instanceof Map ? new Map(resolved) : plainObject(resolved);
}

function follow(path: Json, root: Json): Json | undefined {
  if (typeof path !== 'string' || !path.startsWith('$')) return undefined;
  const segments = path.slice(1).match(/\.(?:\\.|[^.[\\])+|\[\d+\]/g) ?? [];
  let here: Json | undefined = root;
  for (const segment of segments) {
    const name = segment.startsWith('[')
      ? segment.slice(1, -1)
      : segment.slice(1).replace(/\\(.)/g, '$1');
    if (here === null || typeof here !== 'object' || here instanceof Map) return undefined;
    here = Object.hasOwn(here, name) ? (here as Record<string, Json>)[name] : undefined;
  }
  return here;
}

function holdsReference(value: Json, depth: number): boolean {
  if (value === null || typeof value !== 'object' || depth > maxDepth) return false;
  if (Array.isArray(value)) return value.some((item) => holdsReference(item, depth + 1));
  const entries = value instanceof Map ? [...value] : Object.entries(value);
  return entries.some(([key, member]) => key === '$ref' || holdsReference(member, depth + 1));
}

/**
 * Writes JSON that Java peers read. Members that are undefined or null are left out; a `Map` writes
 * numbers as bare keys and objects as object keys (both of which only Java readers take).
 */
export function writeFastjson(value: unknown): string {
  if (value === null || value === undefined) return 'null';
  if (typeof value === 'string') return quote(value);
  if (typeof value === 'number') return Number.isFinite(value) ? String(value) : 'null';
  if (typeof value !== 'object') return String(value);
  if (Array.isArray(value)) return `[${value.map(writeFastjson).join(',')}]`;
  const entries = value instanceof Map ? [...value] : Object.entries(value);
  const members = entries
    .filter(([, member]) => member !== undefined && member !== null)
    .map(([key, member]) => `${writeFastjson(key)}:${writeFastjson(member)}`);
  return `{${members.join(',')}}`;
}

function quote(text: string): string {
  // Legal in JSON, but not to every reader of JavaScript; Java escapes them too.
  return JSON.stringify(text).replaceAll('\u2028', '\\u2028').replaceAll('\u2029', '\\u2029');
}
