import type { Span } from '@nestjs-rocketmq/foundation';
import type { Answering, Asked, CommandDefinition } from '../command/define-command.js';
import type { Field } from '../command/header-schema.js';

/**
 * Message properties as they stand in the log (`name 0x01 value 0x02 ...`, escapes undone), with
 * the ones that decide a message's way already found. Empty spans for absent ones.
 */
export interface PropertiesSpan extends Span {
  readonly uniqueKey: Span;
  readonly keys: Span;
  readonly tags: Span;
  /** 0 when absent or no number. */
  readonly delayLevel: number;
  /** TRAN_MSG is `true`. */
  readonly isTransaction: boolean;
  /** One of the TIMER_ properties is there. */
  readonly isTimer: boolean;
  /** DELAY is there, whatever it says. */
  readonly isDelayed: boolean;
  /** `__SHARDINGKEY` is there: the message is one of an ordered row. */
  readonly hasShardingKey: boolean;
}

type FieldsOf<C> = C extends { readonly asks: infer F } ? F : never;
type ViewValue<F, Plain> =
  F extends Field<'properties', infer P>
    ? P extends 'optional'
      ? PropertiesSpan
      : PropertiesSpan
    : Plain;

/**
 * A request as a hot processor sees it: the fields under their names in code, read from the
 * received bytes when asked for. One object per command, bound to each request in turn: it must not
 * be kept beyond the call nor cross an `await`. A `properties()` field is always there, maybe empty.
 */
export type AskedView<C extends CommandDefinition> = {
  readonly [K in keyof Asked<C>]: K extends keyof FieldsOf<C>
    ? ViewValue<FieldsOf<C>[K], Asked<C>[K]>
    : Asked<C>[K];
} & {
  readonly [K in PropertiesOf<C>]: PropertiesSpan;
} & {
  readonly body: Span;
  /** A plain copy of the header fields, needed before any `await`. */
  keep(): Asked<C>;
};

type PropertiesOf<C> = {
  [K in keyof FieldsOf<C>]: FieldsOf<C>[K] extends Field<'properties', string> ? K : never;
}[keyof FieldsOf<C>];

type AnswerFieldsOf<C> = C extends { readonly answers: infer F } ? F : never;
type AnswerValue<F, Plain> =
  F extends Field<'offsetId', string>
    ? Plain | number
    : F extends Field<'text', string>
      ? Plain | Span
      : Plain;

/**
 * The answer header of a hot command: filled and written at once. A text may be given as a span of
 * UTF-8 bytes; an `offsetId` as a log position, to which the writer adds the address of the store.
 * Optional fields are empty again after each answer; required ones must be set each time.
 */
export type HotAnswer<C extends CommandDefinition> = {
  -readonly [K in keyof Answering<C>]: K extends keyof AnswerFieldsOf<C>
    ? AnswerValue<AnswerFieldsOf<C>[K], Answering<C>[K]>
    : Answering<C>[K];
};
