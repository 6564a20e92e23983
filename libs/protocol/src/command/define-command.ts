import { DeclarationError } from '../protocol.errors.js';
import { requestCodeName } from '../request-code.js';
import type { RequestName } from '../request-code.js';
import type { ResponseName } from '../response-code.js';
import { none } from './body-codec.js';
import type { BodyCodec } from './body-codec.js';
import { wireNameOf } from './header-schema.js';
import type { Field, Fields, ReadFields, WrittenFields } from './header-schema.js';

/**
 * The right that a caller must have; on the topics and groups that the header names, or on the
 * cluster where it names none.
 * - `publish`, `consume`: what producers and consumers do. `either`: what both do (heartbeat).
 * - `read`, `create`, `update`, `delete`: what operators do; clients need `read` for routes.
 * - `member`: what only servers of the cluster ask of each other.
 * - `push`: what a broker asks of its clients; nobody asks it of a server.
 */
export const rights = [
  'publish',
  'consume',
  'either',
  'read',
  'create',
  'update',
  'delete',
  'member',
  'push',
] as const;
export type Right = (typeof rights)[number];

/** A command as declared: data that client, servers, guard, tests and docs pages read. */
export interface CommandDefinition<
  Asks extends Fields = Fields,
  Answers extends Fields = Fields,
  AskedBody = unknown,
  AnsweredBody = unknown,
> {
  /** Request code. */
  readonly code: number;
  /** Apache's name of the code. */
  readonly name: RequestName;
  readonly needs: Right;
  readonly asks: Asks;
  readonly answers: Answers;
  readonly askBody: BodyCodec<AskedBody>;
  readonly answerBody: BodyCodec<AnsweredBody>;
  /** Response codes that are results; any other is an error for the caller. */
  readonly outcomes: readonly ResponseName[];
  /** True when Java's callers never wait for an answer. */
  readonly oneway: boolean;
}

interface Declared<Asks extends Fields, Answers extends Fields, AskedBody, AnsweredBody> {
  readonly code: number;
  readonly name: RequestName;
  readonly needs: Right;
  readonly asks?: Asks;
  readonly answers?: Answers;
  readonly askBody?: BodyCodec<AskedBody>;
  readonly answerBody?: BodyCodec<AnsweredBody>;
  readonly outcomes: readonly ResponseName[];
  readonly oneway?: boolean;
}

/** No fields. */
export type NoFields = Readonly<Record<never, Field>>;

/** What a handler reads from the header of a request. */
export type Asked<C> = C extends { readonly asks: infer F extends Fields } ? ReadFields<F> : never;
/** What a caller writes into the header of a request; every `Asked` is one. */
export type Asking<C> = C extends { readonly asks: infer F extends Fields }
  ? WrittenFields<F>
  : never;
/** What a caller reads from the header of a SUCCESS; other outcomes may leave fields out. */
export type Answered<C> = C extends { readonly answers: infer F extends Fields }
  ? ReadFields<F>
  : never;
/** What a handler writes into the header of an answer. */
export type Answering<C> = C extends { readonly answers: infer F extends Fields }
  ? WrittenFields<F>
  : never;
export type AskBody<C> = C extends { readonly askBody: BodyCodec<infer T> } ? T : never;
export type AnswerBody<C> = C extends { readonly answerBody: BodyCodec<infer T> } ? T : never;

/**
 * Declares a command. Left out: no header fields, no body, an answer is expected.
 * Throws `DeclarationError` when the declaration contradicts itself.
 */
export function defineCommand<
  Asks extends Fields = NoFields,
  Answers extends Fields = NoFields,
  AskedBody = undefined,
  AnsweredBody = undefined,
>(
  declared: Declared<Asks, Answers, AskedBody, AnsweredBody>,
): CommandDefinition<Asks, Answers, AskedBody, AnsweredBody> {
  const { code, name, asks, answers, outcomes } = declared;
  if (requestCodeName(code) !== name) {
    throw new DeclarationError(`${name} is declared with code ${code}, which is another command`);
  }
  checkWireNames(name, asks);
  checkWireNames(name, answers);
  if (!outcomes.includes('SUCCESS')) {
    throw new DeclarationError(`${name} must have SUCCESS among its outcomes`);
  }
  return {
    code,
    name,
    needs: declared.needs,
    asks: asks ?? ({} as Asks),
    answers: answers ?? ({} as Answers),
    askBody: declared.askBody ?? (none() as BodyCodec<unknown> as BodyCodec<AskedBody>),
    answerBody: declared.answerBody ?? (none() as BodyCodec<unknown> as BodyCodec<AnsweredBody>),
    outcomes,
    oneway: declared.oneway ?? false,
  };
}

function checkWireNames(command: string, fields: Fields = {}): void {
  const names = Object.entries(fields).flatMap(([name, field]) => [
    wireNameOf(name, field),
    ...field.formerNames,
  ]);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice === undefined) return;
  throw new DeclarationError(`${command} declares the header field '${twice}' twice`);
}
