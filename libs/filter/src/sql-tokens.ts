import { FilterError } from './filter.errors.js';

export type TokenKind = 'word' | 'name' | 'text' | 'whole' | 'broken' | 'mark' | 'end';

export interface Token {
  readonly kind: TokenKind;
  /** Key words in capitals, everything else as it stands. */
  readonly image: string;
  /** Place of its first character, from 0. */
  readonly at: number;
}

const keyWords: ReadonlySet<string> = new Set([
  'NOT',
  'AND',
  'OR',
  'BETWEEN',
  'IN',
  'TRUE',
  'FALSE',
  'NULL',
  'IS',
  'CONTAINS',
  'STARTSWITH',
  'ENDSWITH',
]);

const skipped = /(?:[ \t\n\r\f]+|--[^\n\r]*(?:\r\n|\n|\r)|\/\*[^*]*\*(?:\*|[^*/][^*]*\*)*\/)+/y;
const shapes: readonly (readonly [kind: TokenKind, shape: RegExp])[] = [
  ['name', /[a-z_$][a-z0-9_$]*/iy],
  ['text', /'(?:''|[^'])*'/y],
  ['broken', /(?:[0-9]+\.[0-9]*|\.[0-9]+)(?:e[+-]?[0-9]+)?|[0-9]+e[+-]?[0-9]+/iy],
  ['whole', /0|[1-9][0-9]*l?/iy],
  ['mark', /<>|>=|<=|[=<>(),+-]/y],
];

/** Reads the tokens of an expression one by one; what nobody asks for is never looked at. */
export class TokenReader {
  private at = 0;
  private readonly ahead: Token[] = [];

  constructor(readonly text: string) {}

  /** The next token, or the one after it, without taking it. */
  peek(further: 0 | 1 = 0): Token {
    while (this.ahead.length <= further) this.ahead.push(this.read());
    return this.ahead[further] as Token;
  }

  take(): Token {
    const token = this.peek();
    this.ahead.shift();
    return token;
  }

  private read(): Token {
    const { text } = this;
    skipped.lastIndex = this.at;
    if (skipped.test(text)) this.at = skipped.lastIndex;
    const { at } = this;
    if (at >= text.length) return { kind: 'end', image: '', at };
    for (const [kind, shape] of shapes) {
      shape.lastIndex = at;
      const found = shape.exec(text);
      if (found === null) continue;
      this.at = shape.lastIndex;
      const image = found[0];
      const capitals = image.toUpperCase();
      if (kind === 'name' && keyWords.has(capitals)) return { kind: 'word', image: capitals, at };
      return { kind, image, at };
    }
    throw wrong(text, at, `${JSON.stringify(text.charAt(at))} cannot stand here`);
  }
}

/** An error that says where, by column. */
export function wrong(expression: string, at: number, what: string): FilterError {
  const column = at + 1;
  return new FilterError(`The SQL92 filter is wrong at column ${column}: ${what}.`, {
    details: { expression, column },
  });
}
