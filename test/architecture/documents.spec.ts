import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { filesBelow, root } from './tree.js';

const pages = ['README.md', 'CONTRIBUTING.md', 'CHANGELOG.md', ...filesBelow('docs', '.md')];

describe('the pages', () => {
  it('name only files that exist', () => {
    const missing = pages.flatMap((page) => {
      const text = readFileSync(join(root, page), 'utf8');
      const named = text.match(
        /(?<=`)(libs|apps|test|tools|docs|sample-order-service)\/[^`\s]*(?=`)/g,
      );
      return (named ?? [])
        .filter((path) => !existsSync(join(root, path)))
        .map((path) => `${page} names ${path}, which is gone`);
    });
    expect(missing).toEqual([]);
  });

  it('printed from declarations agree with them', () => {
    const run = spawnSync(process.execPath, ['tools/docs.mjs', '--check'], { cwd: root });
    expect(`${run.stdout}${run.stderr}`).toBe('');
    expect(run.status).toBe(0);
  });

  it('show a public face without `any`', () => {
    const faces = filesBelow('docs/public-face', '.md');
    expect(faces).toContain('docs/public-face/client.md');
    const found = faces.flatMap((page) => {
      const text = readFileSync(join(root, page), 'utf8');
      // TypeScript has no other way to say "a class, whatever its constructor takes".
      const bare = text.replaceAll("'any'", '').replaceAll('new (...args: any[]) =>', '');
      const lines = bare.split('\n').filter((line) => /\bany\b/.test(line));
      return lines.map((line) => `${page}: ${line.trim()}`);
    });
    expect(found).toEqual([]);
  });

  it('show npm commands that exist', () => {
    const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
      scripts: Record<string, string>;
    };
    const missing = pages.flatMap((page) => {
      const text = readFileSync(join(root, page), 'utf8');
      return [...text.matchAll(/npm run ([\w:-]+)/g)]
        .filter(([, name]) => manifest.scripts[name as string] === undefined)
        .map(([command]) => `${page} shows '${command}'`);
    });
    expect(missing).toEqual([]);
  });
});
