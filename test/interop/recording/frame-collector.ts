import { startJava, type ClientVersion, type ServerVersion } from '../../support/java.js';
import type { RelayedFrame } from '../../support/frame-relay.js';

/** One line of golden/frames-<version>.jsonl; the version is that of the program that wrote the frame. */
export interface GoldenFrame {
  code: number;
  name: string;
  direction: 'request' | 'answer';
  form: 'json' | 'binary';
  /** The kind of server it was spoken with, and who wrote the frame. */
  server: 'nameserver' | 'broker';
  from: 'caller' | 'server';
  hex: string;
  java: JavaView;
}

/** What the official decoder of the writer's version sees. `code` differs from the line's in answers. */
export interface JavaView {
  code: number;
  language: string | null;
  version: number;
  opaque: number;
  flag: number;
  remark: string | null;
  extFields: Record<string, string> | null;
  bodyLength: number;
}

type Version = ClientVersion | ServerVersion;
const versionNumbers = new Map<number, Version>([
  [407, '4.9.7'],
  [409, '4.9.8'],
  [479, '5.3.3'],
]);
const SAMPLES_PER_KIND = 2;
const LONGEST_FRAME = 24 * 1024;

type Collected = Omit<GoldenFrame, 'java' | 'name' | 'code'> & { request: number | undefined };

/** Keeps a few different samples of each kind of frame, then has the official decoder describe them. */
export class FrameCollector {
  private readonly asked = new Map<string, number>();
  private readonly frames: { hex: string; rest: Omit<Collected, 'hex'> }[] = [];

  collect(server: 'nameserver' | 'broker', relay: string, frame: RelayedFrame): void {
    const form = frame.bytes[4] === 0 ? 'json' : 'binary';
    const { opaque, flag, code } = peek(frame.bytes);
    const isAnswer = (flag & 1) === 1;
    const asker = isAnswer === (frame.from === 'server') ? 'caller' : 'server';
    const key = `${relay}/${frame.connection}/${asker}/${opaque}`;
    if (!isAnswer) this.asked.set(key, code);
    const request = isAnswer ? this.asked.get(key) : code;
    if (frame.bytes.length > LONGEST_FRAME) return;
    const rest = {
      direction: isAnswer ? 'answer' : 'request',
      form,
      server,
      from: frame.from,
      request,
    } as const;
    this.frames.push({ hex: frame.bytes.toString('hex'), rest });
  }

  /** Whether requests with all these codes went by. */
  has(codes: readonly number[]): boolean {
    const seen = new Set(this.frames.map(({ rest }) => rest.request));
    return codes.every((code) => seen.has(code));
  }

  /** Decodes with Java, drops what is too alike, and returns the frames by the version of their writer. */
  async golden(
    decoder: Version,
    names: ReadonlyMap<number, string>,
  ): Promise<Map<string, GoldenFrame[]>> {
    const views = await decodeWithJava(
      decoder,
      this.frames.map((frame) => frame.hex),
    );
    const byVersion = new Map<string, GoldenFrame[]>();
    const samples = new Map<string, number>();
    const shapes = new Set<string>();
    this.frames.forEach(({ hex, rest }, i) => {
      const java = views[i];
      if (java === undefined || rest.request === undefined) return;
      const writer = versionNumbers.get(java.version) ?? (java.version > 479 ? '5.5.0' : undefined);
      if (writer === undefined) return;
      const { request, ...others } = rest;
      const kind = [
        writer,
        request,
        others.direction,
        others.form,
        others.server,
        others.from,
        java.code,
      ].join('/');
      const shape = `${kind}/${Object.keys(java.extFields ?? {})
        .sort()
        .join()}/${java.bodyLength > 0}`;
      const kept = samples.get(kind) ?? 0;
      if (shapes.has(shape) || kept >= SAMPLES_PER_KIND) return;
      shapes.add(shape);
      samples.set(kind, kept + 1);
      const name = names.get(request) ?? `CODE_${request}`;
      const list = byVersion.get(writer) ?? [];
      list.push({ code: request, name, ...others, hex, java });
      byVersion.set(writer, list);
    });
    return byVersion;
  }
}

async function decodeWithJava(version: Version, hex: string[]): Promise<(JavaView | undefined)[]> {
  const program = startJava(version, 'interop.DecodeFrames', []);
  for (const line of hex) program.tellProgram(line);
  program.tellProgram('');
  const events = await program.untilEvents<JavaView & { event: string }>(
    'frame',
    hex.length,
    60_000,
  );
  await program.success();
  return events.map(({ event: _event, ...view }) => view);
}

/** The three header fields that pair an answer with its request. */
function peek(bytes: Buffer): { code: number; opaque: number; flag: number } {
  const length = bytes.readUIntBE(5, 3);
  if (bytes[4] !== 0) {
    return {
      code: bytes.readInt16BE(8),
      opaque: bytes.readInt32BE(13),
      flag: bytes.readInt32BE(17),
    };
  }
  return JSON.parse(bytes.toString('utf8', 8, 8 + length)) as {
    code: number;
    opaque: number;
    flag: number;
  };
}

/** Code numbers and names of the request codes in the jars of a version. */
export async function requestCodeNames(version: Version): Promise<Map<number, string>> {
  const program = startJava(version, 'interop.ReadDeclarations', []);
  await program.success();
  const tables = program.events<{ event: string; table: string; codes: Record<string, number> }>(
    'codes',
  );
  const table = tables.find((one) => one.table === 'RequestCode');
  return new Map(Object.entries(table?.codes ?? {}).map(([name, code]) => [code, name]));
}
