import * as fc from 'fast-check';
import {
  allCommands,
  decodeFrame,
  encodeAnswer,
  encodeRequest,
  readAnswer,
  readAsked,
  type CommandDefinition,
  type Field,
  type Fields,
  type Frame,
  type HeaderForm,
} from '@nestjs-rocketmq/protocol';
import { runs } from './runs.js';

const anyText = fc.string({ unit: 'grapheme', maxLength: 40 });

function valueOf(field: Field): fc.Arbitrary<unknown> {
  switch (field.kind) {
    case 'int32':
      return fc.integer();
    case 'int64':
      return fc.maxSafeInteger();
    case 'bool':
      return fc.boolean();
    case 'offsetId':
      // An empty id is the same as none in the binary form.
      return fc.stringMatching(/^[0-9A-F]{32}(,[0-9A-F]{32}){0,2}$/);
    case 'properties':
      return fc
        .array(fc.tuple(anyText, anyText), { maxLength: 4 })
        .map((pairs) => pairs.map(([name, value]) => `${name}\u0001${value}\u0002`).join(''));
    default:
      return anyText;
  }
}

/** Values of a header; optional fields are there or not. */
function headerOf(fields: Fields): fc.Arbitrary<Record<string, unknown>> {
  const members = Object.fromEntries(
    Object.entries(fields).map(([name, field]) => [name, valueOf(field)]),
  );
  const required = Object.keys(fields).filter((name) => fields[name]?.isOptional === false);
  return fc.record(members, { requiredKeys: required });
}

function withDefaults(fields: Fields, values: Record<string, unknown>): Record<string, unknown> {
  const defaults = Object.entries(fields)
    .filter(([, field]) => field.fallback !== undefined)
    .map(([name, field]) => [name, field.fallback]);
  return { ...Object.fromEntries(defaults), ...values };
}

const envelope = fc.record({
  opaque: fc.integer(),
  form: fc.constantFrom<HeaderForm>('json', 'binary'),
  version: fc.integer({ min: 0, max: 32_767 }),
  remark: fc.option(fc.string({ unit: 'binary', minLength: 1, maxLength: 30 }), { nil: undefined }),
});

function expectEnvelope(
  frame: Frame,
  wanted: { opaque: number; remark: string | undefined },
): void {
  expect([frame.opaque, frame.remark]).toEqual([wanted.opaque, wanted.remark]);
}

describe.each(allCommands.map((command): [string, CommandDefinition] => [command.name, command]))(
  'any header of %s',
  (_name, command) => {
    it('survives both header forms as a request', () => {
      fc.assert(
        fc.property(headerOf(command.asks), envelope, (asked, how) => {
          const frame = decodeFrame(encodeRequest(command, asked as never, how));
          expectEnvelope(frame, how);
          expect(frame.code).toBe(command.code);
          expect(readAsked(command, frame)).toEqual(withDefaults(command.asks, asked));
        }),
        runs(40),
      );
    });

    it('survives both header forms as an answer', () => {
      fc.assert(
        fc.property(headerOf(command.answers), envelope, (header, how) => {
          const frame = decodeFrame(encodeAnswer(command, { ...how, header: header as never }));
          expectEnvelope(frame, how);
          expect(readAnswer(command, frame)).toEqual(withDefaults(command.answers, header));
        }),
        runs(20),
      );
    });
  },
);
