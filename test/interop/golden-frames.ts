import { readFileSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** A frame that official programs exchanged (see golden/README.md). */
export interface GoldenFrame {
  /** Version of the program that wrote it. */
  readonly writer: string;
  /** Request code; of an answer that of its request. */
  readonly code: number;
  readonly name: string;
  readonly direction: 'request' | 'answer';
  readonly form: 'json' | 'binary';
  readonly server: 'nameserver' | 'broker';
  readonly from: 'caller' | 'server';
  readonly bytes: Uint8Array;
  /** What the official decoder sees. */
  readonly java: {
    readonly code: number;
    readonly language: string | null;
    readonly version: number;
    readonly opaque: number;
    readonly flag: number;
    readonly remark: string | null;
    readonly extFields: Readonly<Record<string, string | null>> | null;
    readonly bodyLength: number;
  };
}

export const goldenFolder = join(dirname(fileURLToPath(import.meta.url)), 'golden');

/** All recorded frames, of every version. */
export function goldenFrames(): GoldenFrame[] {
  return readdirSync(goldenFolder)
    .filter((name) => /^frames-.*\.jsonl$/.test(name))
    .sort()
    .flatMap((name) => {
      const writer = name.slice('frames-'.length, -'.jsonl'.length);
      const lines = readFileSync(join(goldenFolder, name), 'utf8').trimEnd().split('\n');
      return lines.map((line) => {
        const { hex, ...rest } = JSON.parse(line) as Omit<GoldenFrame, 'bytes'> & { hex: string };
        return { ...rest, writer, bytes: new Uint8Array(Buffer.from(hex, 'hex')) };
      });
    });
}

/** A sentence that finds the frame again. */
export function titleOf(frame: GoldenFrame): string {
  const answer = frame.direction === 'answer' ? ` with code ${frame.java.code}` : '';
  return `${frame.name} ${frame.direction}${answer} of ${frame.writer} in ${frame.form}`;
}
