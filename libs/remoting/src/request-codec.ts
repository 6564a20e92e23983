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
  readonly extra: Readonly<Record<string, string>> | undefined;
}

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
  ) {}

  /** Appends a request to the output. Throws `HeaderError`, `BodyError`. */
  write(out: OutputBuffer, request: RequestOf): void {
    const { definition, body, opaque, oneway, form, extra } = request;
    const { writers } = this.compiled(definition);
    const { language, version } = this;
    if (writers === undefined || extra !== undefined) {
      const asked = request.asked as never;
      const options = { opaque, form, language, version, oneway, body: body as never, extra };
      return out.append(encodeRequest(definition, asked, options));
    }
    const bytes = body === undefined ? undefined : definition.askBody.write(body);
    const size = bytes?.length ?? 0;
    const write = form === 'binary' ? writers.binary : writers.json;
    const at = write(out, request.asked, opaque, oneway ? onewayFlag : 0, size);
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
