import { messageOf, type Logger } from '@nestjs-rocketmq/foundation';
import {
  BodyError,
  encodeAnswer,
  encodeFailure,
  HeaderError,
  isOneway,
  readAskBody,
  readAsked,
  ResponseCode,
  ResponseError,
  type CommandDefinition,
  type Frame,
} from '@nestjs-rocketmq/protocol';
import { handled } from './diagnostics.js';
import type { Peer } from './peer.js';
import type { Outcomes, Route, Router } from './router.js';

/** What a request takes beside its body, about. */
const requestBytes = 2_048;

type ColdRoute = Extract<Route, { kind: 'cold' }>;

/** What a peer lends to whoever answers its requests. */
export interface AnswerDoor {
  readonly peer: Peer;
  readonly logger: Logger;
  /** A request of so many bytes came whose answer is still to be written. */
  begin(bytes: number): void;
  /** It was answered, or will never be. */
  finish(bytes: number): void;
  write(frame: Uint8Array): void;
}

/** Java's words for a request code without a handler (source: `NettyRemotingAbstract`). */
export function notSupportedRemark(code: number): string {
  return ` request type ${code} not supported`;
}

/** Decodes a request, asks its handler and writes the answer; whatever goes wrong is an answer. */
export function answerCold(router: Router, frame: Frame, door: AnswerDoor): void {
  const route = router.find(frame.code);
  if (route?.kind !== 'cold') {
    const reason = route?.kind === 'refused' ? `: ${route.name}, ${route.reason}` : '';
    const remark = notSupportedRemark(frame.code) + reason;
    return writeFailure(frame, door, ResponseCode.REQUEST_CODE_NOT_SUPPORTED, remark);
  }
  answerRouted(router, route, frame, door);
}

function answerRouted(router: Router, route: ColdRoute, frame: Frame, door: AnswerDoor): void {
  const { definition, handler } = route;
  let outcome: Outcomes<CommandDefinition> | Promise<Outcomes<CommandDefinition>>;
  try {
    const asked = readAsked(definition, frame);
    const refusal = router.guard?.({
      definition,
      peer: door.peer,
      asked: asked as Record<string, unknown>,
      frame: () => frame,
    });
    if (refusal !== undefined) {
      return writeFailure(frame, door, ResponseCode[refusal.code], refusal.remark);
    }
    outcome = handler(asked, {
      body: readAskBody(definition, frame),
      peer: door.peer,
      extFields: frame.extFields,
      remark: frame.remark,
      version: frame.version,
      language: frame.language,
      oneway: isOneway(frame.flag),
    });
  } catch (error) {
    return fail(definition, frame, door, error);
  }
  if (!(outcome instanceof Promise)) return answer(definition, frame, door, outcome);
  const kept = requestBytes + frame.body.length;
  door.begin(kept);
  outcome
    .then(
      (late) => answer(definition, frame, door, late),
      (error: unknown) => fail(definition, frame, door, error),
    )
    .finally(() => door.finish(kept));
}

function answer(
  definition: CommandDefinition,
  frame: Frame,
  door: AnswerDoor,
  outcome: Outcomes<CommandDefinition>,
): void {
  if (outcome === 'silent' || isOneway(frame.flag)) return;
  const code = ResponseCode[outcome?.code ?? 'SUCCESS'];
  let bytes: Uint8Array;
  try {
    bytes = encodeAnswer(definition, {
      opaque: frame.opaque,
      form: frame.form,
      code,
      remark: outcome?.remark,
      header: outcome?.header,
      body: outcome?.body,
    });
  } catch (error) {
    return fail(definition, frame, door, error);
  }
  door.write(bytes);
  report(definition, door, code);
}

function fail(definition: CommandDefinition, frame: Frame, door: AnswerDoor, error: unknown): void {
  const isExpected = error instanceof ResponseError;
  const isCallers = error instanceof HeaderError || error instanceof BodyError;
  if (!isExpected) {
    const sentence = `${definition.name} from ${door.peer.remoteAddress} failed`;
    door.logger[isCallers ? 'warn' : 'error'](sentence, { error });
  }
  const code = isExpected ? error.responseCode : ResponseCode.SYSTEM_ERROR;
  writeFailure(frame, door, code, isExpected ? error.remark : messageOf(error));
  report(definition, door, code);
}

function writeFailure(frame: Frame, door: AnswerDoor, code: number, remark: string): void {
  if (isOneway(frame.flag)) return;
  const { opaque, form } = frame;
  door.write(encodeFailure({ opaque, form, code, remark: remark.slice(0, 4_096) }));
}

function report(definition: CommandDefinition, door: AnswerDoor, code: number): void {
  if (!handled.hasSubscribers) return;
  handled.publish({ remoteAddress: door.peer.remoteAddress, command: definition.name, code });
}
