import { wireNameOf, type Field } from '../command/header-schema.js';
import { LastText } from './answer-text.js';
import { word } from './ascii-words.js';

/** Gathers constant text and writes it a word at a time. */
export class Source {
  /** Bytes that the constant parts and numbers need at most. */
  size = 64;
  private lines: string[] = [];
  private pending = '';

  emit(constant: string): void {
    this.pending += constant;
    this.size += constant.length;
  }

  code(line: string): void {
    this.flush();
    this.lines.push(line);
  }

  toString(): string {
    this.flush();
    return this.lines.join('\n');
  }

  /** The last word may overshoot by three bytes; what follows writes over them. */
  private flush(): void {
    const { pending } = this;
    this.pending = '';
    if (pending === '') return;
    for (let at = 0; at < pending.length; at += 4) {
      const four = pending.slice(at, at + 4).padEnd(4, '\0');
      this.lines.push(`data.setInt32(p + ${at}, ${word(four) | 0});`);
    }
    this.lines.push(`p += ${pending.length};`);
  }
}

/** One for each text of a writer, passed to the generated code as `last`. */
export function lastTexts(fields: Readonly<Record<string, Field>>): LastText[] {
  // One more for the remark.
  return Array.from({ length: Object.keys(fields).length + 1 }, () => new LastText());
}

/** The call that writes a value `v` at `p`. Texts may make the buffer grow, so `data` is read anew. */
export function valueCode(name: string, field: Field, index: number, isJson: boolean): string {
  const quoted = JSON.stringify(name);
  switch (field.kind) {
    case 'int32':
      return `p = text.writeInt32(data, p, v, ${quoted});`;
    case 'int64':
      return `p = text.writeNumber(data, p, v, ${quoted});`;
    case 'bool':
      return `p = text.writeBool(data, p, v, ${quoted});`;
    case 'offsetId':
      return `p = text.writeOffsetId(out, p, v, ${quoted}, tail, last[${index}], identity); data = out.data;`;
    default: {
      const write = isJson ? 'writeJsonText' : 'writePlainText';
      return `p = text.${write}(out, p, v, ${quoted}, tail, last[${index}]); data = out.data;`;
    }
  }
}

/** One field of a binary header: length and name, then length and value. */
export function writeBinaryField(source: Source, name: string, field: Field, index: number): void {
  const wireName = wireNameOf(name, field);
  source.emit(`${String.fromCharCode(wireName.length >> 8, wireName.length & 0xff)}${wireName}`);
  source.code('at = p; p += 4;');
  source.code(valueCode(name, field, index, false));
  source.code('data.setInt32(at, p - at - 4);');
}

/** The whole writer: room, two words of lengths, the header. `form` 0 is JSON. */
export function frameSource(source: Source, form: number): string {
  const body = source.toString();
  return `
  const tail = ${source.size} + bodySize;
  out.reserve(tail);
  const start = out.used;
  let data = out.data;
  let p = start + 8;
  let v;
  ${body}
  data.setInt32(start, p - start - 4 + bodySize);
  data.setInt32(start + 4, ${form << 24} | (p - start - 8));
  return p;`;
}
