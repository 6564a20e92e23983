import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { filesBelow, rooms, root } from './tree.js';

const pages = [
  'README.md',
  ...rooms.map((room) => `${room}/README.md`),
  // Those of docs/nest show parts of programs in `examples`, which `tsc -b` compiles.
  ...filesBelow('docs', '.md').filter((page) => !page.startsWith('docs/nest/')),
];

interface Example {
  readonly page: string;
  readonly line: number;
  readonly code: string;
}

function examplesOf(page: string): Example[] {
  const text = readFileSync(join(root, page), 'utf8');
  return [...text.matchAll(/^```ts\n([\s\S]*?)^```/gm)].map((found) => ({
    page,
    line: text.slice(0, found.index).split('\n').length + 1,
    code: found[1] as string,
  }));
}

describe('the code in the pages', () => {
  const folder = join(root, '.cache', `examples-${process.pid}`);
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it('compiles against the packages as they are', () => {
    const examples = pages.flatMap(examplesOf);
    expect(examples.length).toBeGreaterThan(0);
    mkdirSync(folder, { recursive: true });
    examples.forEach(({ page, line, code }, index) => {
      // Blank lines in front make the compiler name the line of the page.
      const name = `${page.replace(/[^\w]+/g, '_')}_${index}.ts`;
      writeFileSync(join(folder, name), '\n'.repeat(line - 1) + code);
    });
    const config = {
      extends: '../../tsconfig.test.json',
      compilerOptions: { noUnusedLocals: false },
      include: ['./*.ts'],
    };
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(config));
    const tsc = join(root, 'node_modules/.bin/tsc');
    const run = spawnSync(tsc, ['-p', join(folder, 'tsconfig.json')], { encoding: 'utf8' });
    expect(`${run.stdout}${run.stderr}`).toBe('');
  });
});
