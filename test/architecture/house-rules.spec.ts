import { existsSync } from 'node:fs';
import { basename, join } from 'node:path';
import { sources, working, type Source } from './sources.js';
import { root } from './tree.js';

function linesWith(pattern: RegExp, where: (source: Source) => boolean): string[] {
  const found: string[] = [];
  for (const source of sources.filter(where)) {
    source.lines.forEach((line, index) => {
      const code = line.replace(/\/\/.*$|^\s*\/?\*.*$/, '');
      if (pattern.test(code)) found.push(`${source.path} line ${index + 1}: ${line.trim()}`);
    });
  }
  return found;
}

const isWorking = (source: Source): boolean => !source.isSpec && source.room !== 'test';
const isMain = (source: Source): boolean => basename(source.path) === 'main.ts';

describe('one door to the outside', () => {
  it('node:net and node:tls are imported in libs/remoting only', () => {
    const away = (source: Source): boolean => isWorking(source) && source.room !== 'libs/remoting';
    expect(linesWith(/['"]node:(net|tls)['"]/, away)).toEqual([]);
  });

  it('node:fs is imported in foundation/file-system.ts and main files only', () => {
    const away = (source: Source): boolean =>
      isWorking(source) && !isMain(source) && source.path !== 'libs/foundation/src/file-system.ts';
    expect(linesWith(/['"](node:)?fs(\/promises)?['"]/, away)).toEqual([]);
  });

  it('process.env is read in main files only, and for the seed of specs', () => {
    const seed = 'libs/foundation/src/testing/seed-of-run.ts';
    const away = (source: Source): boolean =>
      isWorking(source) && !isMain(source) && source.path !== seed;
    expect(linesWith(/\bprocess\.env\b/, away)).toEqual([]);
  });

  it('Date.now, setTimeout and setInterval are called in foundation/clock.ts only', () => {
    const away = (source: Source): boolean =>
      isWorking(source) && source.path !== 'libs/foundation/src/clock.ts';
    expect(linesWith(/\b(Date\.now|setTimeout|setInterval)\b/, away)).toEqual([]);
  });

  it('console is used in foundation/logger.ts only, and where examples show what they do', () => {
    const away = (source: Source): boolean =>
      isWorking(source) &&
      source.room !== 'examples' &&
      source.path !== 'libs/foundation/src/logger.ts';
    expect(linesWith(/\bconsole\./, away)).toEqual([]);
  });

  it('code is generated in one file of libs/protocol only', () => {
    const makers = working.filter((source) => /\bnew Function\b|\beval\(/.test(source.text));
    expect(makers.filter((source) => source.room !== 'libs/protocol')).toEqual([]);
    expect(makers.length).toBeLessThanOrEqual(1);
  });
});

describe('what one reads in a sitting', () => {
  it('no file is longer than 400 lines', () => {
    const long = sources.filter((source) => source.lines.length > 400);
    expect(long.map((source) => `${source.path}: ${source.lines.length} lines`)).toEqual([]);
  });

  it('no function is longer than 70 lines', () => {
    const long = working.flatMap((source) =>
      source.functions
        .filter((one) => one.length > 70)
        .map((one) => `${source.path} line ${one.line}: ${one.length} lines`),
    );
    expect(long).toEqual([]);
  });

  it('no line is longer than 110 characters', () => {
    expect(linesWith(/^.{111,}$/, () => true)).toEqual([]);
  });

  it('index.ts files are public faces and the command registry only', () => {
    const faces = /^(libs|apps)\/[\w-]+\/src\/((testing|consistency|microservices)\/)?index\.ts$/;
    const odd = working.filter(
      (source) =>
        basename(source.path) === 'index.ts' &&
        !faces.test(source.path) &&
        source.path !== 'libs/protocol/src/commands/index.ts',
    );
    expect(odd.map((source) => source.path)).toEqual([]);
  });
});

describe('tests', () => {
  it('none is focused, skipped without a word, or renamed away', () => {
    const focused = /\b(describe|it|test)\.(only|skip|failing)\b|\b(fdescribe|fit|xdescribe|xit)\(/;
    const words = 'house-rules.spec.ts';
    expect(linesWith(focused, (source) => source.isSpec && !source.path.endsWith(words))).toEqual(
      [],
    );
    expect(sources.filter((source) => source.path.endsWith('.test.ts'))).toEqual([]);
  });

  it('none draws a seed by chance, unless by command', () => {
    const chance = /\bMath\.random\b|\bchanceSeed\b/;
    expect(linesWith(chance, (source) => source.isSpec)).toEqual([]);
  });

  it('none sleeps for luck', () => {
    const sleeps = /\bsetTimeout\(\s*(resolve|done|r)\b/;
    expect(linesWith(sleeps, (source) => source.isSpec)).toEqual([]);
  });
});

describe('left-over marks', () => {
  it('no source says that something is still to be done', () => {
    const marks = new RegExp(
      `\\b(${['TO', 'DO'].join('')}|${['FIX', 'ME'].join('')}|${'X'.repeat(3)})\\b`,
    );
    const left = sources.flatMap((source) =>
      source.lines.flatMap((line, index) =>
        marks.test(line) ? [`${source.path} line ${index + 1}`] : [],
      ),
    );
    expect(left).toEqual([]);
  });
});

describe('packages', () => {
  it('each has a README and a public face or a main file; examples have one main file each', () => {
    const packages = new Set(working.map((source) => source.room));
    packages.delete('examples');
    const missing = [...packages].filter(
      (room) =>
        !existsSync(join(root, room, 'README.md')) ||
        !(
          existsSync(join(root, room, 'src/index.ts')) ||
          existsSync(join(root, room, 'src/main.ts'))
        ),
    );
    expect(missing).toEqual([]);
  });
});
