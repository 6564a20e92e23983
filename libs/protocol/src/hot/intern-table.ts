const slots = 2_048;
/** Longer texts are rare names; they are decoded anew instead of being kept. */
const longestKept = 255;

interface Kept {
  readonly bytes: Uint8Array;
  readonly data: DataView;
  readonly text: string;
}

/**
 * Texts by their bytes, so that the same topic or group name becomes a string once. Direct-mapped:
 * two names on one slot cost decodings, nothing else.
 */
export class InternTable {
  private readonly kept: (Kept | undefined)[] = Array.from({ length: slots });

  /** `decode` makes the text of a name that is not kept. */
  constructor(private readonly decode: (bytes: Uint8Array, from: number, to: number) => string) {}

  /** The text of `bytes[from, to)`. */
  get(bytes: Uint8Array, data: DataView, from: number, to: number): string {
    const length = to - from;
    if (length < 4 || length > longestKept) {
      return length === 0 ? '' : this.decode(bytes, from, to);
    }
    const last = data.getInt32(to - 4);
    const before = length < 8 ? data.getInt32(from) : data.getInt32(to - 8);
    let hash = Math.imul(last, 0x9e3779b1) ^ Math.imul(before + length, 0x85ebca6b);
    hash ^= hash >>> 15;
    const slot = hash & (slots - 1);
    const kept = this.kept[slot];
    if (kept !== undefined && sameBytes(kept, data, from, length)) return kept.text;
    const text = this.decode(bytes, from, to);
    const copy = new Uint8Array(length);
    copy.set(bytes.subarray(from, to));
    this.kept[slot] = { bytes: copy, data: new DataView(copy.buffer), text };
    return text;
  }
}

function sameBytes(kept: Kept, data: DataView, from: number, length: number): boolean {
  if (kept.bytes.length !== length) return false;
  const words = kept.data;
  // The last word overlaps the one before when the length is no multiple of four.
  if (words.getInt32(length - 4) !== data.getInt32(from + length - 4)) return false;
  for (let at = 0; at + 4 < length; at += 4) {
    if (words.getInt32(at) !== data.getInt32(from + at)) return false;
  }
  return true;
}

const utf8 = new TextDecoder('utf-8');

/** Names as they stand in the binary header. */
export const plainTexts = new InternTable((bytes, from, to) =>
  utf8.decode(bytes.subarray(from, to)),
);

/** Names as they stand between the quotes of the JSON header, escapes included. */
export const jsonTexts = new InternTable((bytes, from, to) => {
  const raw = utf8.decode(bytes.subarray(from, to));
  return raw.includes('\\') ? (JSON.parse(`"${raw}"`) as string) : raw;
});
