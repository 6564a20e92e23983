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
import type { LatencyResult } from './latency-series.js';
import type { RequestLatencies } from './request-latencies.js';
import type { Outcomes, Route, Router } from './router.js';

/** What a request takes beside its body, about. */
const requestBytes = 2_048;

type ColdRoute = Extract<Route, { kind: 'cold' }>;

/** What a peer lends to whoever answers its requests. */
export interface AnswerDoor {
  readonly peer: Peer;
  readonly logger: Logger;
  readonly latencies: RequestLatencies | undefined;
  /** A request of so many bytes came whose answer is still to be written. */
  begin(bytes: number): void;
  /** It was answered, or will never be. */
  finish(bytes: number): void;
  write(frame: Uint8Array): void;
}

/** A request that is answered in its own time. */
interface ColdRequest {
  readonly frame: Frame;
  readonly door: AnswerDoor;
  /** Since when it counts, where latencies are counted. */
  readonly began: number;
}

/** Java's words for a request code without a handler (source: `NettyRemotingAbstract`). */
export function notSupportedRemark(code: number): string {
  return ` request type ${code} not supported`;
}

/** Decodes a request, asks its handler and writes the answer; whatever goes wrong is an answer. */
export function answerCold(router: Router, frame: Frame, door: AnswerDoor): void {
  const began = door.latencies?.arrived() ?? 0;
  const route = router.find(frame.code);
  if (route?.kind !== 'cold') {
    const reason = route?.kind === 'refused' ? `: ${route.name}, ${route.reason}` : '';
    const remark = notSupportedRemark(frame.code) + reason;
    const code = ResponseCode.REQUEST_CODE_NOT_SUPPORTED;
    return writeFailure({ frame, door, began }, code, remark);
  }
  answerRouted(router, route, { frame, door, began });
}

function answerRouted(router: Router, route: ColdRoute, request: ColdRequest): void {
  const { frame, door } = request;
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
      return writeFailure(request, ResponseCode[refusal.code], refusal.remark);
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
    return fail(definition, request, error);
  }
  if (!(outcome instanceof Promise)) return answer(definition, request, outcome);
  const kept = requestBytes + frame.body.length;
  door.begin(kept);
  outcome
    .then(
      (late) => answer(definition, request, late),
      (error: unknown) => fail(definition, request, error),
    )
    .finally(() => door.finish(kept));
}

function answer(
  definition: CommandDefinition,
  request: ColdRequest,
  outcome: Outcomes<CommandDefinition>,
): void {
  const { frame, door } = request;
  if (outcome === 'silent') return;
  const code = ResponseCode[outcome?.code ?? 'SUCCESS'];
  if (isOneway(frame.flag)) return count(request, code);
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
    return fail(definition, request, error);
  }
  count(request, code);
  door.write(bytes);
  report(definition, door, code);
}

function fail(definition: CommandDefinition, request: ColdRequest, error: unknown): void {
  const { door } = request;
  const isExpected = error instanceof ResponseError;
  const isCallers = error instanceof HeaderError || error instanceof BodyError;
  if (!isExpected) {
    const sentence = `${definition.name} from ${door.peer.remoteAddress} failed`;
    door.logger[isCallers ? 'warn' : 'error'](sentence, { error });
  }
  const code = isExpected ? error.responseCode : ResponseCode.SYSTEM_ERROR;
  writeFailure(request, code, isExpected ? error.remark : messageOf(error));
  report(definition, door, code);
}

function writeFailure(request: ColdRequest, code: number, remark: string): void {
  const { frame, door } = request;
  count(request, code);
  if (isOneway(frame.flag)) return;
  const { opaque, form } = frame;
  door.write(encodeFailure({ opaque, form, code, remark: remark.slice(0, 4_096) }));
}

/** An answer is about to leave, or would if somebody wanted it. */
function count({ frame, door, began }: ColdRequest, code: number): void {
  const { latencies, peer } = door;
  if (latencies === undefined) return;
  let result: LatencyResult = 'success';
  if (isOneway(frame.flag)) result = 'oneway';
  else if (peer.closed) result = 'write_channel_failed';
  const series = latencies.command(frame.code).of(code, false, result);
  if (series !== undefined) latencies.answeredLate(series, began);
}

function report(definition: CommandDefinition, door: AnswerDoor, code: number): void {
  if (!handled.hasSubscribers) return;
  handled.publish({ remoteAddress: door.peer.remoteAddress, command: definition.name, code });
}
