import { word } from './ascii-words.js';
import { generate } from './generate.js';
import { skipMember, type FieldsScanners, type ScannedField } from './header-scanner.js';
import { tableFieldsScanners } from './table-scanner.js';

/*
 * Scanners are made from the declaration of a command, so that `defineCommand` stays the only
 * source: names become words to compare, kinds become calls.
 */

function number(value: number): string {
  return `${value | 0}`;
}

/** Compares a text at `p + offset`, four bytes at a time; the last word may overlap. */
function sameText(text: string, offset: number): string {
  const tests: string[] = [];
  for (let at = 0; at < text.length; at += 4) {
    const from = Math.min(at, text.length - 4);
    tests.push(
      `data.getInt32(p + ${offset + from}) === ${number(word(text.slice(from, from + 4)))}`,
    );
  }
  return tests.join(' && ');
}

/** The name without its quote in front, with what follows it up to the value. */
function jsonCase({ field, slot, wireNames }: ScannedField, name: string): string {
  const text = `${name}":"`;
  const at = `p + ${text.length + 1}`;
  const calls = {
    int32: `slots.int32(${slot}, bytes, ${at})`,
    int64: `slots.int64(${slot}, bytes, ${at}, ${field.isSaturating})`,
    bool: `slots.bool(${slot}, bytes, data, ${at})`,
    properties: `slots.marks(${slot}, bytes, data, ${at}, end)`,
    text: `slots.text(${slot}, bytes, data, ${at})`,
    offsetId: `slots.text(${slot}, bytes, data, ${at})`,
  };
  const rest = text.length > 4 ? `${sameText(text, 1)}` : 'true';
  // A present name holds against a former one, wherever it stands.
  const former = name !== wireNames.at(-1) ? ` && (seen & ${1 << slot}) === 0` : '';
  return `if (${rest}${former}) { p = ${calls[field.kind]}; seen |= ${1 << slot}; break known; }`;
}

function jsonSource(fields: readonly ScannedField[]): string {
  const byWord = new Map<number, string[]>();
  for (const field of fields) {
    for (const name of field.wireNames) {
      const first = word(`${name}":"`.slice(0, 4));
      const cases = byWord.get(first) ?? [];
      byWord.set(first, cases);
      cases.push(jsonCase(field, name));
    }
  }
  const cases = [...byWord].map(
    ([first, tests]) => `case ${number(first)}: ${tests.join('\n')} break;`,
  );
  return `
  let seen = 0;
  if (bytes[p] === 0x7d) { slots.seen = 0; return p + 1; }
  for (;;) {
    if (bytes[p] !== 0x22) return -1;
    known: {
      switch (data.getInt32(p + 1)) {
        ${cases.join('\n        ')}
      }
      p = skipMember(slots, bytes, data, p);
    }
    if (p < 0) return -1;
    const c = bytes[p];
    if (c === 0x7d) { slots.seen = seen; return p + 1; }
    if (c !== 0x2c) return -1;
    p += 1;
  }`;
}

/** Compares a whole name of known length at `p + 2`. */
function sameName(name: string): string {
  if (name.length >= 4) return sameText(name, 2);
  return [...name].map((c, i) => `bytes[p + ${2 + i}] === ${c.charCodeAt(0)}`).join(' && ');
}

function binaryCase({ field, slot, wireNames }: ScannedField, name: string): string {
  const calls = {
    int32: `slots.plainInt32(${slot}, bytes, from, to)`,
    int64: `slots.plainInt64(${slot}, bytes, from, to, ${field.isSaturating})`,
    bool: `slots.plainBool(${slot}, data, from, to)`,
    properties: `slots.plainMarks(${slot}, bytes, data, from, to)`,
    text: `slots.plainText(${slot}, from, to)`,
    offsetId: `slots.plainText(${slot}, from, to)`,
  };
  const former = name !== wireNames.at(-1) ? ` && (seen & ${1 << slot}) === 0` : '';
  const found = `fits = ${calls[field.kind]}; seen |= ${1 << slot}; break known;`;
  return `if (${sameName(name)}${former}) { ${found} }`;
}

function binarySource(fields: readonly ScannedField[]): string {
  const byLength = new Map<number, string[]>();
  for (const field of fields) {
    for (const name of field.wireNames) {
      const cases = byLength.get(name.length) ?? [];
      byLength.set(name.length, cases);
      cases.push(binaryCase(field, name));
    }
  }
  const cases = [...byLength].map(
    ([length, tests]) => `case ${length}: ${tests.join('\n')} break;`,
  );
  return `
  let seen = 0;
  while (p < end) {
    const nameLength = data.getInt16(p);
    const valueAt = p + 2 + nameLength;
    if (nameLength < 0 || valueAt + 4 > end) return false;
    const from = valueAt + 4;
    const to = from + data.getInt32(valueAt);
    if (to < from || to > end) return false;
    let fits = true;
    known: {
      switch (nameLength) {
        ${cases.join('\n        ')}
      }
      slots.unknown += 1;
    }
    if (!fits) return false;
    p = to;
  }
  slots.seen = seen;
  return true;`;
}

/** Scanners for the fields of one command; from the table where code must not be generated. */
export function compileFieldsScanners(fields: readonly ScannedField[]): FieldsScanners {
  const parameters = 'slots, bytes, data, p, end';
  const helpers = { skipMember };
  const json = generate<FieldsScanners['json']>(
    'scanJsonFields',
    helpers,
    parameters,
    jsonSource(fields),
  );
  const binary = generate<FieldsScanners['binary']>(
    'scanBinaryFields',
    helpers,
    parameters,
    binarySource(fields),
  );
  return json && binary ? { json, binary } : tableFieldsScanners(fields);
}
