import { encodeFrame, isResponse, onewayFlag, responseFlag } from '../frame/frame.js';
import type { Frame, HeaderForm } from '../frame/frame.js';
import { defaultLanguage } from '../frame/language.js';
import { currentVersion } from '../frame/version.js';
import { HeaderError } from '../protocol.errors.js';
import { ResponseCode } from '../response-code.js';
import { emptyBody } from './body-codec.js';
import type {
  AnswerBody,
  Answered,
  Answering,
  AskBody,
  Asked,
  Asking,
  CommandDefinition,
} from './define-command.js';
import { readFields, writeFields } from './header-schema.js';
import type { ExtFields } from './header-schema.js';

/** The largest code that the 16 bits of the binary header hold. */
const maxBinaryCode = 0x7fff;

interface EnvelopeOptions {
  readonly opaque: number;
  /** Default `json`. */
  readonly form?: HeaderForm;
  /** Default `OTHER`. */
  readonly language?: string;
  /** Default V5_3_3. */
  readonly version?: number;
  readonly remark?: string | undefined;
  /** Ext fields beside the declared ones (signatures). */
  readonly extra?: Readonly<Record<string, string>> | undefined;
}

export interface RequestOptions<C> extends EnvelopeOptions {
  /** Default as the command declares. */
  readonly oneway?: boolean;
  readonly body?: AskBody<C> | undefined;
}

export interface AnswerOptions<C> extends EnvelopeOptions {
  /** Default SUCCESS (0). */
  readonly code?: number;
  /** All required fields for SUCCESS; any of them for other codes. */
  readonly header?: Partial<Answering<C>> | undefined;
  readonly body?: AnswerBody<C> | undefined;
}

function newExt(extra?: Readonly<Record<string, string>>): ExtFields {
  return Object.assign(Object.create(null) as ExtFields, extra);
}

/**
 * The bytes of a request. A code that the binary header cannot hold goes out as JSON, whatever
 * `form` says. Throws `HeaderError` for a missing or unfit field.
 */
export function encodeRequest<C extends CommandDefinition>(
  command: C,
  asked: Asking<C>,
  options: RequestOptions<C>,
): Uint8Array {
  const oneway = options.oneway ?? command.oneway;
  return encodeFrame({
    code: command.code,
    language: options.language ?? defaultLanguage,
    version: options.version ?? currentVersion,
    opaque: options.opaque,
    flag: oneway ? onewayFlag : 0,
    remark: options.remark,
    extFields: Object.assign(writeFields(command.asks, asked, newExt()), options.extra),
    body: options.body === undefined ? emptyBody : command.askBody.write(options.body),
    form: command.code > maxBinaryCode ? 'json' : (options.form ?? 'json'),
  });
}

/** The bytes of an answer. Throws `HeaderError` for a missing or unfit field. */
export function encodeAnswer<C extends CommandDefinition>(
  command: C,
  options: AnswerOptions<C>,
): Uint8Array {
  const code = options.code ?? ResponseCode.SUCCESS;
  const isPartial = code !== ResponseCode.SUCCESS;
  const ext = newExt(options.extra);
  return encodeFrame({
    code,
    language: options.language ?? defaultLanguage,
    version: options.version ?? currentVersion,
    opaque: options.opaque,
    flag: responseFlag,
    remark: options.remark,
    extFields: writeFields(command.answers, options.header ?? {}, ext, isPartial),
    body: options.body === undefined ? emptyBody : command.answerBody.write(options.body),
    form: options.form ?? 'json',
  });
}

/** An answer that carries nothing but a code and a remark, to a request of any code. */
export function encodeFailure(options: EnvelopeOptions & { readonly code: number }): Uint8Array {
  return encodeFrame({
    code: options.code,
    language: options.language ?? defaultLanguage,
    version: options.version ?? currentVersion,
    opaque: options.opaque,
    flag: responseFlag,
    remark: options.remark,
    extFields: newExt(options.extra),
    body: emptyBody,
    form: options.form ?? 'json',
  });
}

/** The declared header fields of a request. Throws `HeaderError` naming the field. */
export function readAsked<C extends CommandDefinition>(
  command: C,
  frame: Pick<Frame, 'extFields'>,
): Asked<C> {
  return readFields(command.asks, frame.extFields) as Asked<C>;
}

/**
 * The declared header fields of an answer. Fields required of a SUCCESS may be absent from answers
 * with other codes. Throws `HeaderError` naming the field.
 */
export function readAnswer<C extends CommandDefinition>(
  command: C,
  frame: Pick<Frame, 'code' | 'extFields' | 'flag'>,
): Answered<C> {
  if (!isResponse(frame.flag)) throw new HeaderError(`${command.name}: the frame is no response`);
  const isPartial = frame.code !== ResponseCode.SUCCESS;
  return readFields(command.answers, frame.extFields, isPartial) as Answered<C>;
}

/** The body of a request. Throws `BodyError`. */
export function readAskBody<C extends CommandDefinition>(
  command: C,
  frame: Pick<Frame, 'body'>,
): AskBody<C> {
  return command.askBody.read(frame.body) as AskBody<C>;
}

/**
 * The body of an answer; undefined when an answer with another code than SUCCESS has none.
 * Throws `BodyError`.
 */
export function readAnswerBody<C extends CommandDefinition>(
  command: C,
  frame: Pick<Frame, 'code' | 'body'>,
): AnswerBody<C> {
  if (frame.code !== ResponseCode.SUCCESS && frame.body.length === 0) {
    return undefined as AnswerBody<C>;
  }
  return command.answerBody.read(frame.body) as AnswerBody<C>;
}
