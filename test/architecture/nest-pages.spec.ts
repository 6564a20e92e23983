import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { filesBelow, root } from './tree.js';

const pages = filesBelow('docs/nest', '.md');
const read = (path: string): string => readFileSync(join(root, path), 'utf8');
const troubleshooting = read('docs/nest/troubleshooting.md');

/** Packages whose errors an application with `nestjs-rocketmq` may meet. */
const rooms = [
  'nestjs',
  'testing',
  'embedded',
  'client',
  'remoting',
  'access',
  'filter',
  'message',
];

describe('the pages for Nest users', () => {
  it('link only to pages and files that exist', () => {
    const missing = [...pages, 'libs/nestjs/README.md'].flatMap((page) => {
      const folder = join(root, page, '..');
      return [...read(page).matchAll(/\]\((?!https?:|#)([^)#\s]+)/g)]
        .filter(([, target]) => !existsSync(join(folder, target as string)))
        .map(([, target]) => `${page} links to ${target}`);
    });
    expect(missing).toEqual([]);
  });

  it('show no code but that of programs that run', () => {
    const own = pages.flatMap((page) =>
      [...read(page).matchAll(/^(.*)\n\n```ts$/gm)]
        .filter(([, above]) => !/^<!-- (example|imports): /.test(above ?? ''))
        .map(([, above]) => `${page} after '${above}'`),
    );
    expect(own).toEqual([]);
  });
});

describe('the page about troubleshooting', () => {
  it('has every code of an error that an application may meet', () => {
    const codes = [...read('docs/errors.md').matchAll(/^\| `(\w+)`.*`libs\/(\w+)\//gm)]
      .filter(([, , room]) => rooms.includes(room as string))
      .map(([, code]) => code as string);
    expect(codes).toContain('ROCKETMQ_SETUP_INVALID');
    expect(codes.filter((code) => !troubleshooting.includes(`\`${code}\``))).toEqual([]);
  });

  it('has every code of a set-up that is refused, and none that is gone', () => {
    const errors = read('libs/nestjs/src/nestjs.errors.ts');
    const codes = [...errors.matchAll(/^ {2}\| '(ROCKETMQ_\w+)'/gm)].map((found) => found[1]);
    expect(codes.length).toBeGreaterThan(10);
    expect(codes.filter((code) => !troubleshooting.includes(`\`${code}\``))).toEqual([]);
    const known = `${read('docs/errors.md')}${errors}`;
    const told = [...troubleshooting.matchAll(/^\| `([A-Z][A-Z_]+)`/gm)].map((found) => found[1]);
    expect(told.filter((code) => !known.includes(code as string))).toEqual([]);
  });
});
