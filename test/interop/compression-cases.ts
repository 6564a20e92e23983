import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { SeededRandom } from '@nestjs-rocketmq/foundation/testing';
import { compressionTypes, type CompressionType } from '@nestjs-rocketmq/message';
import { startProgram, type ClientVersion } from '../support/java.js';

const here = dirname(fileURLToPath(import.meta.url));
export const compressionTablePath = join(here, 'golden', 'compressions-5.3.3.json');

/** A body that Java compressed. */
export interface PackedBody {
  readonly type: CompressionType;
  readonly level: number;
  /** One of `bodies`. */
  readonly body: string;
  /** Base64. */
  readonly packed: string;
}

function orders(count: number): Uint8Array {
  const random = new SeededRandom(count);
  const lines = Array.from({ length: count }, (_, id) =>
    JSON.stringify({ id, amount: random.below(100_000), place: random.pick(['Rome', 'Oslo']) }),
  );
  return Buffer.from(lines.join('\n'));
}

/** What is compressed: nothing to gain, everything to gain, more than a block of either format. */
export const bodies: Readonly<Record<string, Uint8Array>> = {
  'one byte': Uint8Array.of(7),
  'a short text': Buffer.from('Hello, hello, hello, äöü!'),
  noise: new SeededRandom(1).bytes(3_000),
  orders: orders(400),
  zeros: new Uint8Array(300_000),
  'five megabytes': Buffer.alloc(5_000_000, orders(20)),
};

/** Bodies and levels that are recorded. */
export const recordedCases: readonly Omit<PackedBody, 'packed'>[] = compressionTypes.flatMap(
  (type) =>
    Object.keys(bodies).flatMap((body) =>
      (type === 'zstd' ? [1, 5, 19] : [5]).map((level) => ({ type, level, body })),
    ),
);

export function recordedCompressions(): readonly PackedBody[] {
  return JSON.parse(readFileSync(compressionTablePath, 'utf8')) as PackedBody[];
}

export function shaOf(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64');

/** What the official compressors make of the cases. */
export async function packedByJava(
  version: ClientVersion,
  cases: readonly Omit<PackedBody, 'packed'>[],
): Promise<PackedBody[]> {
  const lines = cases.map(({ type, level, body }) => {
    const bytes = base64(bodies[body] as Uint8Array);
    return `pack ${type.toUpperCase()} ${level} ${bytes}`;
  });
  const answers = await answersOf<{ bytes: string }>(version, lines, 'packed');
  return cases.map((one, i) => ({ ...one, packed: answers[i]?.bytes ?? '' }));
}

/** The digests of what the official decompressors read. */
export async function unpackedByJava(
  version: ClientVersion,
  packed: readonly { readonly type: CompressionType; readonly bytes: Uint8Array }[],
): Promise<string[]> {
  const lines = packed.map(({ type, bytes }) => `unpack ${type.toUpperCase()} ${base64(bytes)}`);
  const answers = await answersOf<{ sha: string }>(version, lines, 'unpacked');
  return answers.map(({ sha }) => sha);
}

async function answersOf<T>(
  version: ClientVersion,
  lines: readonly string[],
  event: string,
): Promise<T[]> {
  const program = startProgram(version, 'Compressions', {});
  for (const line of lines) program.tellProgram(line);
  program.tellProgram('');
  await program.success(120_000);
  return program.events(event) as unknown as T[];
}
