import { PropertiesError } from './foundation.errors.js';

const escapes: Readonly<Record<string, string>> = { t: '\t', n: '\n', r: '\r', f: '\f' };

/** Lines as the format counts them: a line that ends in an odd number of `\` goes on. */
function logicalLines(text: string): { text: string; number: number }[] {
  const lines: { text: string; number: number }[] = [];
  let open: { text: string; number: number } | undefined;
  text.split(/\r\n|\r|\n/).forEach((raw, index) => {
    const line = raw.replace(/^[ \t\f]+/, '');
    if (open === undefined && (line === '' || line.startsWith('#') || line.startsWith('!'))) return;
    const current: { text: string; number: number } = open ?? { text: '', number: index + 1 };
    const goesOn = isContinued(line);
    current.text += goesOn ? line.slice(0, -1) : line;
    open = goesOn ? current : undefined;
    if (open === undefined) lines.push(current);
  });
  if (open !== undefined) lines.push(open);
  return lines;
}

function unescape(text: string, line: number): string {
  return text.replace(/\\(u[0-9a-fA-F]{4}|[^])/g, (_, what: string) => {
    if (what.length === 5) return String.fromCharCode(Number.parseInt(what.slice(1), 16));
    if (what === 'u') {
      throw new PropertiesError(`Line ${line}: \\u must be followed by four hexadecimal digits.`, {
        details: { line },
      });
    }
    return escapes[what] ?? what;
  });
}

/** Where the name of a line ends: before the first `=`, `:` or blank that is not escaped. */
function nameLength(line: string): number {
  for (let at = 0; at < line.length; at += 1) {
    if (line[at] === '\\') at += 1;
    else if ('=: \t\f'.includes(line[at] as string)) return at;
  }
  return line.length;
}

/**
 * Reads a text in the format of `java.util.Properties`: `name = value` lines, `#` and `!` comments,
 * continued lines, escapes. Values are trimmed at their end too (Java keeps trailing blanks, which
 * nobody means). The last of several lines with one name counts. Throws `PropertiesError`.
 */
export function parseProperties(text: string): Record<string, string> {
  const values = new Map<string, string>();
  for (const line of logicalLines(text)) {
    const end = nameLength(line.text);
    const rest = line.text.slice(end).replace(/^[ \t\f]*[=:]?[ \t\f]*/, '');
    values.set(unescape(line.text.slice(0, end), line.number), unescape(rest, line.number).trim());
  }
  return Object.fromEntries(values);
}

/** A text as it must stand in a `.properties` file; in a name, blanks and separators too. */
function escaped(text: string, isName: boolean): string {
  const shown = text
    .replaceAll('\\', '\\\\')
    .replaceAll('\n', '\\n')
    .replaceAll('\r', '\\r')
    .replaceAll('\t', '\\t');
  return isName ? shown.replace(/[=: #!]/g, '\\$&') : shown.replace(/^ /, '\\ ');
}

/** How many physical lines, from `at` on, belong to one logical line. */
function linesTogether(lines: readonly string[], at: number): number {
  if (/^[ \t\f]*([#!]|$)/.test(lines[at] as string)) return 1;
  let count = 1;
  while (at + count < lines.length && isContinued(lines[at + count - 1] as string)) count += 1;
  return count;
}

function isContinued(line: string): boolean {
  return (/\\*$/.exec(line)?.[0].length ?? 0) % 2 === 1;
}

/**
 * The text of a `.properties` file with other values for some names. Everything else, comments and
 * order among it, stays; a name that stood there several times stands once, where it stood last;
 * new names come at the end. Throws `PropertiesError`.
 */
export function replaceProperties(text: string, changes: Readonly<Record<string, string>>): string {
  const lines = text.split(/\r\n|\r|\n/);
  const kept: string[] = [];
  const places = new Map<string, number>();
  for (let at = 0; at < lines.length;) {
    const together = lines.slice(at, (at += linesTogether(lines, at)));
    const [name] = Object.keys(parseProperties(together.join('\n')));
    if (name === undefined || !Object.hasOwn(changes, name)) kept.push(...together);
    else {
      const earlier = places.get(name);
      if (earlier !== undefined) kept[earlier] = removed;
      places.set(
        name,
        kept.push(`${escaped(name, true)}=${escaped(changes[name] ?? '', false)}`) - 1,
      );
    }
  }
  while (kept.at(-1) === '') kept.pop();
  for (const [name, value] of Object.entries(changes)) {
    if (!places.has(name)) kept.push(`${escaped(name, true)}=${escaped(value, false)}`);
  }
  return `${kept.filter((line) => line !== removed).join('\n')}\n`;
}

/** Stands for a line that goes; no line of a file can hold a line end. */
const removed = '\n';
