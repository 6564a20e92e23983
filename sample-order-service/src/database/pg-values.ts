import pg from 'pg';

/** The number that PostgreSQL gives the type `bytea`. */
const BYTEA = 17;

/**
 * Values to the text form that PostgreSQL reads, as `pg` does it: the server infers the types.
 * Buffers stay bytes.
 */
export function parametersToText(values: readonly unknown[]): (string | Uint8Array | null)[] {
  return values.map(toText);
}

function toText(value: unknown): string | Uint8Array | null {
  if (value === null || value === undefined) return null;
  if (value instanceof Uint8Array) return value;
  if (value instanceof Date) return value.toISOString();
  if (Array.isArray(value)) return arrayText(value);
  if (typeof value === 'object') return JSON.stringify(value);
  return String(value);
}

function arrayText(values: readonly unknown[]): string {
  const parts = values.map((value) => {
    if (Array.isArray(value)) return arrayText(value);
    const text = toText(value);
    if (text === null) return 'NULL';
    const plain = typeof text === 'string' ? text : bytesText(text);
    return `"${plain.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`;
  });
  return `{${parts.join(',')}}`;
}

function bytesText(bytes: Uint8Array): string {
  return `\\x${Buffer.from(bytes).toString('hex')}`;
}

/** Parsers of the `pg` package for these types, so that values look as from a real server. */
export function pgParsers(types: readonly number[]): Record<number, (text: string) => unknown> {
  return Object.fromEntries(
    types.map((type) => [type, pg.types.getTypeParser(type, 'text') as (text: string) => unknown]),
  );
}

/** Serializers that pass on what `parametersToText` made. */
export function pgSerializers(
  types: readonly number[],
): Record<number, (value: unknown) => string> {
  const asIs = (value: unknown): string =>
    value instanceof Uint8Array ? bytesText(value) : (value as string);
  return Object.fromEntries([...types, BYTEA].map((type) => [type, asIs]));
}
