import {
  AnswerReader,
  compileRequestWriters,
  encodeRequest,
  headerText,
  HeaderSlots,
  onewayFlag,
  scanEnvelope,
  writeFields,
  type CommandDefinition,
  type HeaderForm,
  type OutputBuffer,
  type RequestWriters,
} from '@nestjs-rocketmq/protocol';
import type { Answer } from './peer.js';
import type { Pending, PendingRequests } from './pending-requests.js';

type AnyAnswer = Answer<CommandDefinition>;

/** A command is compiled when it has been used this often; rare ones are not worth it. */
const usesBeforeCompiling = 8;
const success = 0;

interface Compiled {
  uses: number;
  writers: RequestWriters | undefined;
  reader: AnswerReader | undefined;
}

export interface RequestOf {
  readonly definition: CommandDefinition;
  readonly asked: Record<string, unknown>;
  readonly body: unknown;
  readonly opaque: number;
  readonly oneway: boolean;
  readonly form: HeaderForm;
}

/** What a request carries beside its declared fields. */
export interface ExtraOfRequest {
  readonly fields: Readonly<Record<string, string>>;
  /** The version that this request shall state, when not the usual one. */
  readonly version?: number;
}

/**
 * Ext fields to add to a request, such as a signature over the others and the body. `body` is what goes
 * over the wire. Where there is such a function, no empty ext field is sent in the binary form:
 * servers cannot tell it from an absent one, and would check another text than was signed.
 */
export type ExtraFields = (
  definition: CommandDefinition,
  asked: Readonly<Record<string, unknown>>,
  body: Uint8Array,
) => ExtraOfRequest | undefined;

/** An answer whose ext fields are made only when somebody asks for them. */
class FastAnswer implements AnyAnswer {
  readonly code = success;
  readonly name = 'SUCCESS';

  constructor(
    private readonly definition: CommandDefinition,
    readonly remark: string | undefined,
    readonly header: AnyAnswer['header'],
    readonly body: AnyAnswer['body'],
    readonly version: number,
  ) {}

  get extFields(): Record<string, string> {
    return writeFields(this.definition.answers, this.header as Record<string, unknown>, {});
  }
}

/**
 * Writes requests into the output and reads their answers in place, with code compiled for those
 * commands that are asked often. What the fast readers do not know is left to the plain decoder.
 */
export class RequestCodec {
  private readonly commands = new Map<CommandDefinition, Compiled>();
  private readonly slots = new HeaderSlots();

  constructor(
    private readonly language: string,
    private readonly version: number,
    private readonly extraFields: ExtraFields | undefined,
  ) {}

  /** Appends a request to the output. Throws `HeaderError`, `BodyError`. */
  write(out: OutputBuffer, request: RequestOf): void {
    const { definition, body, opaque, oneway, form } = request;
    let { asked } = request;
    const { writers } = this.compiled(definition);
    const bytes = body === undefined ? undefined : definition.askBody.write(body);
    let extra: ExtraOfRequest | undefined;
    if (this.extraFields !== undefined) {
      if (form === 'binary') asked = withoutEmpty(asked);
      extra = this.extraFields(definition, asked, bytes ?? noBody);
    }
    if (writers === undefined || extra?.version !== undefined) {
      const { language } = this;
      const version = extra?.version ?? this.version;
      const rest = { language, version, oneway, body: body as never, extra: extra?.fields };
      return out.append(encodeRequest(definition, asked as never, { opaque, form, ...rest }));
    }
    const size = bytes?.length ?? 0;
    const write = form === 'binary' ? writers.binary : writers.json;
    const at = write(out, asked, opaque, oneway ? onewayFlag : 0, size, extra?.fields);
    if (bytes !== undefined) out.bytes.set(bytes, at);
    out.used = at + size;
  }

  /**
   * Settles whoever waits for the answer that lies there. False when the plain decoder has to look:
   * a request, another code than SUCCESS, an unusual writing, nobody who waits.
   */
  settle(
    pendings: PendingRequests,
    bytes: Uint8Array,
    data: DataView,
    at: number,
    end: number,
  ): boolean {
    const { slots } = this;
    const word = data.getInt32(at + 4);
    const headerEnd = at + 8 + (word & 0xffffff);
    const form = word >>> 24;
    if (headerEnd > end || form > 1) return false;
    try {
      const code = scanEnvelope(slots, bytes, data, at + 8, headerEnd, form);
      if (code !== success || (slots.flag & 1) === 0) return false;
      const pending = pendings.find(slots.opaque);
      const reader = pending && this.commands.get(pending.definition)?.reader;
      if (pending === undefined || reader === undefined) return false;
      const header = reader.read(bytes, data, headerEnd);
      if (header === undefined) return false;
      pendings.drop(pending);
      this.resolve(pending, header, bytes, headerEnd, end);
      return true;
    } catch (error) {
      if (error instanceof RangeError) return false;
      throw error;
    }
  }

  private resolve(
    pending: Pending,
    header: Record<string, unknown>,
    bytes: Uint8Array,
    headerEnd: number,
    end: number,
  ): void {
    const { slots } = this;
    const { definition } = pending;
    const hasRemark = slots.remarkTo > slots.remarkFrom;
    const remark = hasRemark ? headerText(slots, slots.remarkFrom, slots.remarkTo) : undefined;
    try {
      // The body outlives the chunk, so it gets bytes of its own.
      const own =
        headerEnd === end ? noBody : Uint8Array.prototype.slice.call(bytes, headerEnd, end);
      const body = definition.answerBody.read(own) as AnyAnswer['body'];
      const fields = header as AnyAnswer['header'];
      pending.resolve(new FastAnswer(definition, remark, fields, body, slots.version));
    } catch (error) {
      pending.reject(error as Error);
    }
  }

  private compiled(definition: CommandDefinition): Compiled {
    let command = this.commands.get(definition);
    if (command === undefined) {
      command = { uses: 0, writers: undefined, reader: undefined };
      this.commands.set(definition, command);
    }
    command.uses += 1;
    if (command.uses === usesBeforeCompiling) {
      command.writers = compileRequestWriters(definition, this.language, this.version);
      if (AnswerReader.reads(definition)) {
        command.reader = new AnswerReader(definition, this.slots);
      }
    }
    return command;
  }
}

const noBody = new Uint8Array(0);

/** The same without empty texts; as a rule there are none. */
function withoutEmpty(asked: Record<string, unknown>): Record<string, unknown> {
  for (const name in asked) {
    if (asked[name] !== '') continue;
    return Object.fromEntries(Object.entries(asked).filter(([, value]) => value !== ''));
  }
  return asked;
}
