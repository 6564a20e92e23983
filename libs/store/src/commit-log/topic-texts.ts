const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
const slots = 256;

/** Topics of records as text; those seen lately are compared and not decoded again. */
export class TopicTexts {
  private readonly texts: string[] = Array.from({ length: slots }, () => '');
  private readonly encoded: Uint8Array[] = Array.from({ length: slots }, () => new Uint8Array(0));

  /** The text between two positions. */
  of(bytes: Uint8Array, from: number, to: number): string {
    let hash = to - from;
    for (let i = from; i < to; i += 1) hash = (Math.imul(hash, 31) + (bytes[i] as number)) | 0;
    const slot = hash & (slots - 1);
    if (!isSame(this.encoded[slot] as Uint8Array, bytes, from, to)) {
      const encoded = bytes.slice(from, to);
      this.encoded[slot] = encoded;
      this.texts[slot] = decoder.decode(encoded);
    }
    return this.texts[slot] as string;
  }
}

function isSame(known: Uint8Array, bytes: Uint8Array, from: number, to: number): boolean {
  if (known.length !== to - from) return false;
  for (let i = 0; i < known.length; i += 1) if (known[i] !== bytes[from + i]) return false;
  return true;
}
