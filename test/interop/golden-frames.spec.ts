import {
  allCommands,
  commandByCode,
  decodeFrame,
  encodeFrame,
  readAnswer,
  readAnswerBody,
  readAskBody,
  readAsked,
  wireNameOf,
  type CommandDefinition,
  type Fields,
  type Frame,
} from '@nestjs-rocketmq/protocol';
import { goldenFrames, titleOf, type GoldenFrame } from './golden-frames.js';
import { commandsWithoutFrames, undeclaredFields } from './golden-exceptions.js';

const frames = goldenFrames();
const declared = frames.filter((frame) => commandByCode(frame.code) !== undefined);

function problemsOf(list: readonly GoldenFrame[], check: (frame: GoldenFrame) => void): string[] {
  return list.flatMap((frame) => {
    try {
      check(frame);
      return [];
    } catch (error) {
      return [`${titleOf(frame)}: ${error instanceof Error ? error.message : String(error)}`];
    }
  });
}

/** The body as a text, which is compared much faster than bytes are. */
function comparable(frame: Frame): object {
  return { ...frame, body: Buffer.from(frame.body).toString('hex') };
}

/** Java sees neither empty maps nor, in the binary form, empty values: it has null there. */
function present(fields: Readonly<Record<string, string | null>> | null): Record<string, string> {
  const entries = Object.entries(fields ?? {}).filter(
    ([, value]) => value !== null && value !== '',
  );
  return Object.fromEntries(entries.map(([name, value]) => [name, String(value)]));
}

describe('frames that official programs wrote', () => {
  it('are read as the official decoder reads them', () => {
    const problems = problemsOf(frames, (golden) => {
      const frame = decodeFrame(golden.bytes);
      expect({
        code: frame.code,
        language: frame.language,
        version: frame.version,
        opaque: frame.opaque,
        flag: frame.flag,
        remark: frame.remark ?? null,
        extFields: present(frame.extFields),
        bodyLength: frame.body.length,
        form: frame.form,
      }).toEqual({ ...golden.java, extFields: present(golden.java.extFields), form: golden.form });
    });
    expect(problems).toEqual([]);
  });

  it('say the same after we wrote them again', () => {
    const problems = problemsOf(frames, (golden) => {
      const frame = decodeFrame(golden.bytes);
      expect(comparable(decodeFrame(encodeFrame(frame)))).toEqual(comparable(frame));
    });
    expect(problems).toEqual([]);
  });

  it('in binary are the same bytes after we wrote them again', () => {
    const binary = frames.filter((frame) => frame.form === 'binary');
    const problems = problemsOf(binary, (golden) => {
      const again = encodeFrame(decodeFrame(golden.bytes));
      expect(again.length).toBe(golden.bytes.length);
    });
    expect(binary.length).toBeGreaterThan(50);
    expect(problems).toEqual([]);
  });

  it('carry the declared header fields and bodies of their commands', () => {
    const problems = problemsOf(declared, (golden) => {
      const command = commandByCode(golden.code) as CommandDefinition;
      const frame = decodeFrame(golden.bytes);
      if (golden.direction === 'request') {
        readAsked(command, frame);
        readAskBody(command, frame);
      } else {
        readAnswer(command, frame);
        readAnswerBody(command, frame);
      }
    });
    expect(problems).toEqual([]);
  });

  it('carry no header field that we forgot to declare', () => {
    const forgotten = new Set<string>();
    for (const golden of declared) {
      const command = commandByCode(golden.code) as CommandDefinition;
      const known = wireNames(golden.direction === 'request' ? command.asks : command.answers);
      for (const name of Object.keys(decodeFrame(golden.bytes).extFields)) {
        const where = `${golden.name} ${golden.direction} ${name}`;
        if (!known.has(name) && !(name in undeclaredFields) && !(where in undeclaredFields)) {
          forgotten.add(where);
        }
      }
    }
    expect([...forgotten].sort()).toEqual([]);
  });

  it('exist in both directions and forms for every declared command, or the list says why not', () => {
    const seen = new Set(frames.map((frame) => `${frame.code} ${frame.direction} ${frame.form}`));
    const missing = allCommands
      .filter((command) => !(command.name in commandsWithoutFrames))
      .flatMap((command) => {
        const directions = command.oneway ? ['request'] : ['request', 'answer'];
        return directions.flatMap((direction) =>
          ['json', 'binary']
            .filter((form) => !seen.has(`${command.code} ${direction} ${form}`))
            .map((form) => `${command.name} ${direction} ${form}`),
        );
      });
    expect(missing).toEqual([]);
  });

  it('are not excused for commands that have them', () => {
    const names = new Set(frames.map((frame) => frame.name));
    expect(Object.keys(commandsWithoutFrames).filter((name) => names.has(name))).toEqual([]);
  });
});

function wireNames(fields: Fields): Set<string> {
  return new Set(
    Object.entries(fields).flatMap(([name, field]) => [
      wireNameOf(name, field),
      ...field.formerNames,
    ]),
  );
}
