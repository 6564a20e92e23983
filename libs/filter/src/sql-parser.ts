import {
  chain,
  constant,
  equal,
  hasText,
  isIn,
  minus,
  not,
  type Operand,
  type Order,
  ordered,
  property,
  type TextTest,
  truthOfProperty,
} from './sql-operands.js';
import { type Token, TokenReader, wrong } from './sql-tokens.js';
import { compareValues, wholeLiteral } from './sql-values.js';

/** Evaluation takes stack by depth. */
const mostDepth = 500;

/**
 * The grammar of Apache's SQL92 filters:
 *
 * ```
 * or:         and ( OR and )*
 * and:        equality ( AND equality )*
 * equality:   comparison ( = comparison | <> comparison | IS [NOT] NULL )*
 * comparison: unary ( > >= < <= unary | [NOT] BETWEEN unary AND unary | [NOT] IN ( text , ... )
 *                   | [NOT] CONTAINS text | [NOT] STARTSWITH text | [NOT] ENDSWITH text )*
 * unary:      + unary | - unary | NOT unary | literal | property | ( or )
 * ```
 *
 * So NOT binds more tightly than any comparison. As in Java, what follows a complete expression is
 * not looked at, beyond its first token.
 */
export class SqlParser {
  /** The properties named, each once. */
  readonly properties: string[] = [];
  private readonly tokens: TokenReader;
  private nesting = 0;

  constructor(expression: string) {
    this.tokens = new TokenReader(expression);
  }

  parse(): Operand {
    const start = this.tokens.peek().at;
    const left = this.or();
    this.tokens.peek();
    return this.truth(left, start);
  }

  private or(): Operand {
    return this.joined('OR', () => this.joined('AND', () => this.equality()));
  }

  private joined(word: 'AND' | 'OR', next: () => Operand): Operand {
    const start = this.tokens.peek().at;
    const first = next();
    if (!this.isWord(word)) return first;
    const operands = [this.truth(first, start)];
    while (this.isWord(word)) {
      this.tokens.take();
      const { at } = this.tokens.peek();
      operands.push(this.truth(next(), at));
    }
    return this.checked(chain(operands, word === 'OR'), start);
  }

  private equality(): Operand {
    const start = this.tokens.peek().at;
    let left = this.comparison();
    for (;;) {
      const { kind, image, at } = this.tokens.peek();
      if (kind === 'mark' && (image === '=' || image === '<>')) {
        this.tokens.take();
        const right = this.comparison();
        this.checkEquality(left, right, at);
        left = equal(left, right);
        if (image === '<>') left = not(left);
      } else if (kind === 'word' && image === 'IS') {
        this.tokens.take();
        const isWanted = !this.isWord('NOT');
        if (!isWanted) this.tokens.take();
        this.expectWord('NULL');
        left = equal(left, constant(null));
        if (!isWanted) left = not(left);
      } else return left;
      this.checked(left, start);
    }
  }

  private comparison(): Operand {
    const start = this.tokens.peek().at;
    let left = this.unary();
    for (;;) {
      const token = this.tokens.peek();
      if (token.kind === 'mark' && isOrder(token.image)) {
        this.tokens.take();
        left = this.order(left, token.image, this.unary(), token.at);
      } else if (token.kind === 'word' && isTest(token.image)) {
        left = this.test(left, true);
      } else if (token.kind === 'word' && token.image === 'NOT') {
        const { kind, image, at } = this.tokens.peek(1);
        if (kind !== 'word' || !isTest(image)) throw this.unexpected(this.tokens.peek(1), at);
        this.tokens.take();
        left = this.test(left, false);
      } else return left;
      this.checked(left, start);
    }
  }

  /** BETWEEN, IN and the tests of texts, with or without the NOT before them. */
  private test(left: Operand, wanted: boolean): Operand {
    const { image, at } = this.tokens.take();
    if (image === 'BETWEEN') return this.between(left, wanted, at);
    if (image !== 'IN') return hasText(left, image as TextTest, this.text(), wanted);
    this.expectMark('(');
    const texts = new Set([this.text()]);
    while (this.isMark(',')) {
      this.tokens.take();
      texts.add(this.text());
    }
    this.expectMark(')');
    if (left.role !== 'property') throw this.wrong(at, 'IN needs the name of a property before it');
    return isIn(left, texts, wanted);
  }

  private between(left: Operand, wanted: boolean, at: number): Operand {
    const low = this.unary();
    this.expectWord('AND');
    const high = this.unary();
    if (!wanted) {
      const below = this.order(left, '<', low, at);
      return chain([below, this.order(left, '>', high, at)], true);
    }
    const bounds = [this.order(left, '>=', low, at), this.order(left, '<=', high, at)];
    const from = low.constant ?? null;
    const to = high.constant ?? null;
    if (from !== null && to !== null && (compareValues(to, from) ?? 0) < 0) {
      throw this.wrong(at, 'the first bound of BETWEEN is higher than the second');
    }
    return chain(bounds, false);
  }

  private unary(): Operand {
    const { kind, image, at } = this.tokens.peek();
    if (kind === 'mark' && (image === '+' || image === '-')) {
      this.tokens.take();
      const right = this.nested(at, () => this.unary());
      return image === '+' ? right : minus(right);
    }
    if (kind === 'word' && image === 'NOT') {
      this.tokens.take();
      return not(this.nested(at, () => this.truth(this.unary(), at)));
    }
    return this.primary();
  }

  private primary(): Operand {
    const token = this.tokens.take();
    const { kind, image, at } = token;
    if (kind === 'name') return property(this.slotOf(image));
    if (kind === 'text') return constant(unquoted(image));
    if (kind === 'whole') {
      const value = wholeLiteral(image.replace(/l$/i, ''));
      if (value === undefined) throw this.wrong(at, `${image} is higher than a long can be`);
      return constant(value);
    }
    if (kind === 'broken') {
      const value = Number(image);
      if (value > 0 && value < Number.POSITIVE_INFINITY) return constant({ kind: 'double', value });
      throw this.wrong(
        at,
        `${image} is outside of what a double holds; 0 is written without a point`,
      );
    }
    if (kind === 'mark' && image === '(') {
      const inner = this.nested(at, () => this.or());
      this.expectMark(')');
      return inner;
    }
    if (kind === 'word' && image === 'TRUE') return constant(true);
    if (kind === 'word' && image === 'FALSE') return constant(false);
    if (kind === 'word' && image === 'NULL') return constant(null);
    throw this.unexpected(token, at);
  }

  private order(left: Operand, mark: Order, right: Operand, at: number): Operand {
    for (const { role, constant: value } of [left, right]) {
      const isNumber = typeof value === 'object' && value !== null;
      if (role === 'truth' || (role === 'constant' && !isNumber)) {
        throw this.wrong(at, 'only numbers and properties have an order');
      }
    }
    return ordered(left, mark, right);
  }

  private checkEquality(left: Operand, right: Operand, at: number): void {
    for (const { role, constant: value } of [left, right]) {
      if (role === 'constant' && value === null) {
        throw this.wrong(at, "nothing is compared with NULL; write 'IS NULL'");
      }
    }
    if (typeof left.constant !== 'boolean' || right.role !== 'constant') return;
    if (typeof right.constant !== 'boolean') {
      throw this.wrong(at, 'a truth value and another value do not compare');
    }
  }

  /** What stands where something true or false has to. */
  private truth(operand: Operand, at: number): Operand {
    if (operand.role === 'truth') return operand;
    if (operand.role === 'property') return truthOfProperty(operand);
    const { constant: value } = operand;
    if (operand.role === 'constant' && (value === null || typeof value === 'boolean'))
      return operand;
    throw this.wrong(at, 'what begins here is neither true nor false');
  }

  private slotOf(name: string): number {
    const known = this.properties.indexOf(name);
    return known >= 0 ? known : this.properties.push(name) - 1;
  }

  private text(): string {
    const token = this.tokens.take();
    if (token.kind === 'text') return unquoted(token.image);
    throw this.wrong(token.at, "a text in single quotes has to stand here, such as 'paid'");
  }

  private isWord(word: string): boolean {
    const { kind, image } = this.tokens.peek();
    return kind === 'word' && image === word;
  }

  private isMark(mark: string): boolean {
    const { kind, image } = this.tokens.peek();
    return kind === 'mark' && image === mark;
  }

  private expectWord(word: string): void {
    const token = this.tokens.take();
    if (token.kind !== 'word' || token.image !== word)
      throw this.wrong(token.at, `${word} is missing`);
  }

  private expectMark(mark: string): void {
    const token = this.tokens.take();
    if (token.kind !== 'mark' || token.image !== mark) {
      throw this.wrong(token.at, `'${mark}' is missing`);
    }
  }

  private nested(at: number, inner: () => Operand): Operand {
    this.nesting += 1;
    if (this.nesting > mostDepth) throw this.wrong(at, `more than ${mostDepth} levels`);
    const operand = inner();
    this.nesting -= 1;
    return operand;
  }

  private checked(operand: Operand, at: number): Operand {
    if (operand.depth > mostDepth) throw this.wrong(at, `more than ${mostDepth} levels`);
    return operand;
  }

  private unexpected({ kind, image }: Token, at: number): Error {
    return this.wrong(at, kind === 'end' ? 'it ends too early' : `'${image}' cannot stand here`);
  }

  private wrong(at: number, what: string): Error {
    return wrong(this.tokens.text, at, what);
  }
}

function isOrder(image: string): image is Order {
  return image === '>' || image === '>=' || image === '<' || image === '<=';
}

function isTest(image: string): boolean {
  return image === 'BETWEEN' || image === 'IN' || isTextTest(image);
}

function isTextTest(image: string): boolean {
  return image === 'CONTAINS' || image === 'STARTSWITH' || image === 'ENDSWITH';
}

function unquoted(image: string): string {
  return image.slice(1, -1).replaceAll("''", "'");
}
