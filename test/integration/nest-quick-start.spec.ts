import { transformSync } from '@swc/core';
import { spawn } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** The first program of the README, as JavaScript. */
function quickStart(): string {
  const readme = readFileSync(join(root, 'libs/nestjs/README.md'), 'utf8');
  const code = /^```ts\n([\s\S]*?)^```/m.exec(readme)?.[1] ?? '';
  return transformSync(code, {
    swcrc: false,
    jsc: {
      target: 'es2022',
      parser: { syntax: 'typescript', decorators: true },
      transform: {
        legacyDecorator: true,
        decoratorMetadata: true,
        useDefineForClassFields: false,
      },
    },
    module: { type: 'es6' },
  }).code;
}

describe('the quick start of the README', () => {
  const folder = join(root, '.cache', `quick-start-${process.pid}`);
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it('handles its first message, word for word, and stops in order when told to', async () => {
    mkdirSync(folder, { recursive: true });
    const file = join(folder, 'main.mjs');
    writeFileSync(file, quickStart());
    const program = spawn(process.execPath, [file], { cwd: root });
    let printed = '';
    const ended = new Promise<number | null>((resolve) => program.once('exit', resolve));
    const greeted = new Promise<void>((resolve) => {
      const read = (chunk: Buffer): void => {
        printed += chunk.toString();
        if (printed.includes('order o1 of 30, try 1')) resolve();
      };
      program.stdout.on('data', read);
      program.stderr.on('data', read);
    });
    await Promise.race([greeted, ended]);
    expect(printed).toContain('order o1 of 30, try 1');
    program.kill('SIGTERM');
    await ended;
    expect(printed).not.toContain('ERROR');
  });
});
