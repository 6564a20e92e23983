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
    const isContinued = (/\\*$/.exec(line)?.[0].length ?? 0) % 2 === 1;
    current.text += isContinued ? line.slice(0, -1) : line;
    open = isContinued ? current : undefined;
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
