import {
  allCommands,
  requestCodes,
  ResponseCode,
  wireNameOf,
  type CommandDefinition,
  type Field,
  type Fields,
} from '@nestjs-rocketmq/protocol';
import { prepareJava, startJava, type ClientVersion } from '../support/java.js';
import {
  addedFields,
  headerCommands,
  inheritedFields,
  omittedFields,
  sharedHeaders,
} from './declaration-exceptions.js';

interface JavaField {
  name: string;
  type: string;
  required: boolean;
}
interface JavaHeader {
  event: string;
  name: string;
  code: number | null;
  fields: JavaField[];
}
interface JavaCodes {
  event: string;
  table: string;
  codes: Record<string, number>;
}
interface Declarations {
  headers: JavaHeader[];
  codes: JavaCodes[];
}

const javaTypes: Record<Field['kind'], readonly string[]> = {
  text: ['String', 'BoundaryType', 'Set', 'List'],
  properties: ['String'],
  offsetId: ['String'],
  int32: ['Integer', 'int'],
  int64: ['Long', 'long'],
  bool: ['Boolean', 'boolean'],
};

const jars = new Map<ClientVersion, Declarations>();

beforeAll(async () => {
  prepareJava();
  for (const version of ['4.9.8', '5.3.3', '5.5.0'] as const) {
    const program = startJava(version, 'interop.ReadDeclarations', []);
    await program.success();
    jars.set(version, {
      headers: program.events<JavaHeader>('header'),
      codes: program.events<JavaCodes>('codes'),
    });
  }
});

function declarationsOf(version: ClientVersion): Declarations {
  const read = jars.get(version);
  if (read === undefined) throw new Error(`the jars of ${version} were not read`);
  return read;
}

/** The command a header class of 5.x is for; 4.x classes have no mark, but the same names. */
function commandsOf(header: JavaHeader): CommandDefinition[] {
  const marked = declarationsOf('5.3.3').headers.find((one) => one.name === header.name);
  const base = header.name.replace(/ResponseHeader$/, 'RequestHeader');
  const partner = declarationsOf('5.3.3').headers.find((one) => one.name === base);
  const code = header.code ?? marked?.code ?? partner?.code;
  const names = new Set([
    ...(headerCommands[header.name] === undefined ? [] : [headerCommands[header.name]]),
    ...(sharedHeaders[header.name] ?? []),
    ...(base === header.name ? [] : (sharedHeaders[base] ?? [])),
  ]);
  return allCommands.filter((command) => command.code === code || names.has(command.name));
}

function compare(
  command: CommandDefinition,
  side: 'asks' | 'answers',
  header: JavaHeader,
): string[] {
  const ours = byWireName(command[side]);
  return header.fields.flatMap((theirs) => {
    const where = `${command.name} ${side} ${theirs.name}`;
    const field = ours.get(theirs.name);
    if (field === undefined) {
      const excused = theirs.name in inheritedFields || where in omittedFields;
      return excused ? [] : [`${where}: ${header.name} has it, we do not declare it`];
    }
    return javaTypes[field.kind].includes(theirs.type)
      ? []
      : [`${where}: ${theirs.type} in ${header.name}, ${field.kind} here`];
  });
}

function byWireName(fields: Fields): Map<string, Field> {
  return new Map(
    Object.entries(fields).flatMap(([name, field]) =>
      [wireNameOf(name, field), ...field.formerNames].map((wire) => [wire, field] as const),
    ),
  );
}

describe.each(['4.9.8', '5.3.3', '5.5.0'] as const)('the jars of %s', (version) => {
  it('give every code the number that we give it', () => {
    const read = declarationsOf(version);
    const theirs = read.codes.find((one) => one.table === 'RequestCode')?.codes ?? {};
    const ours: Record<string, number> = requestCodes;
    const wrong = Object.entries(theirs).filter(([name, code]) => ours[name] !== code);
    expect(Object.keys(theirs).length).toBeGreaterThan(90);
    expect(wrong).toEqual([]);
  });

  it('give every response code the number that we give it', () => {
    const ours: Record<string, number> = ResponseCode;
    const tables = declarationsOf(version).codes.filter((one) => one.table !== 'RequestCode');
    const wrong = tables.flatMap((one) =>
      Object.entries(one.codes).filter(
        ([name, code]) =>
          ours[name] !== code && !(version === '4.9.8' && code >= 209 && code <= 211),
      ),
    );
    expect(wrong).toEqual([]);
  });

  it('have no header field that our declarations forget', () => {
    const problems = declarationsOf(version).headers.flatMap((header) => {
      const side = header.name.endsWith('ResponseHeader') ? 'answers' : 'asks';
      return commandsOf(header).flatMap((command) => compare(command, side, header));
    });
    expect(problems).toEqual([]);
  });
});

describe('our declarations', () => {
  it('declare no header field that no version has', () => {
    const known = new Map<string, Set<string>>();
    for (const version of jars.keys()) {
      for (const header of declarationsOf(version).headers) {
        const side = header.name.endsWith('ResponseHeader') ? 'answers' : 'asks';
        for (const command of commandsOf(header)) {
          const key = `${command.name} ${side}`;
          const names = known.get(key) ?? new Set();
          for (const field of header.fields) names.add(field.name);
          known.set(key, names);
        }
      }
    }
    const invented = allCommands.flatMap((command) =>
      (['asks', 'answers'] as const).flatMap((side) => {
        const names = known.get(`${command.name} ${side}`);
        if (names === undefined) return [];
        return [...byWireName(command[side]).keys()]
          .filter((name) => !names.has(name) && !(name in addedFields))
          .map((name) => `${command.name} ${side} ${name}`);
      }),
    );
    expect(invented).toEqual([]);
  });

  it('give a reason only for fields that are really left out', () => {
    const declared = new Set(
      allCommands.flatMap((command) =>
        (['asks', 'answers'] as const).flatMap((side) =>
          [...byWireName(command[side]).keys()].map((name) => `${command.name} ${side} ${name}`),
        ),
      ),
    );
    expect(Object.keys(omittedFields).filter((where) => declared.has(where))).toEqual([]);
  });
});
