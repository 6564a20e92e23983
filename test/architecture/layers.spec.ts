import { resolveImport, sources, working, type Source } from './sources.js';
import { manifestOf, rooms } from './tree.js';

/** What each package may stand on (docs/architecture.md shows it as floors). */
const standsOn: Readonly<Record<string, readonly string[]>> = {
  'libs/foundation': [],
  'libs/message': ['libs/foundation'],
  'libs/protocol': ['libs/foundation'],
  'libs/remoting': ['libs/protocol', 'libs/foundation'],
  'libs/filter': ['libs/message', 'libs/foundation'],
  'libs/store': ['libs/message', 'libs/foundation'],
  'libs/access': ['libs/remoting', 'libs/protocol', 'libs/foundation'],
  'libs/client': [
    'libs/access',
    'libs/remoting',
    'libs/filter',
    'libs/protocol',
    'libs/message',
    'libs/foundation',
  ],
  'libs/nestjs': ['libs/client', 'libs/message', 'libs/foundation'],
  'apps/nameserver': ['libs/remoting', 'libs/protocol', 'libs/foundation'],
  'apps/broker': [
    'libs/store',
    'libs/remoting',
    'libs/filter',
    'libs/protocol',
    'libs/message',
    'libs/foundation',
  ],
  'libs/embedded': ['apps/nameserver', 'apps/broker', 'libs/remoting', 'libs/foundation'],
  'libs/testing': [
    'libs/nestjs',
    'libs/embedded',
    'libs/client',
    'libs/remoting',
    'libs/protocol',
    'libs/message',
    'libs/foundation',
  ],
  'sample-order-service': ['libs/nestjs', 'libs/embedded'],
  examples: ['libs/nestjs', 'libs/embedded', 'libs/testing'],
};

const roomOfPackage = new Map(rooms.map((room) => [manifestOf(room).name, room]));

function sisterOf(target: string): { room: string; face: string } | undefined {
  for (const [name, room] of roomOfPackage) {
    if (target === name) return { room, face: '.' };
    if (target.startsWith(`${name}/`)) return { room, face: `.${target.slice(name.length)}` };
  }
  return undefined;
}

function complaints(each: (source: Source, say: (line: number, text: string) => void) => void) {
  const found: string[] = [];
  for (const source of sources) {
    each(source, (line, text) => found.push(`${text}: ${source.path} line ${line}`));
  }
  return found;
}

describe('the floors', () => {
  it('every package has its place in the table', () => {
    expect(rooms.filter((room) => standsOn[room] === undefined)).toEqual([]);
  });

  it('the table itself has no circle', () => {
    const seen = new Set<string>();
    const visit = (room: string, path: readonly string[]): void => {
      if (path.includes(room)) throw new Error(`circle: ${[...path, room].join(' > ')}`);
      if (seen.has(room)) return;
      for (const below of standsOn[room] ?? []) visit(below, [...path, room]);
      seen.add(room);
    };
    for (const room of rooms) visit(room, []);
    expect(seen.size).toBe(rooms.length);
  });

  it('a package imports only the sisters below that it is granted', () => {
    const wrong = complaints((source, say) => {
      const granted = standsOn[source.room];
      if (granted === undefined) return;
      for (const { target, line } of source.imports) {
        const sister = sisterOf(target);
        if (sister === undefined || granted.includes(sister.room)) continue;
        if (sister.room === source.room) say(line, 'nobody imports their own face');
        else if (!source.isSpec) say(line, `${source.room} must not import ${sister.room}`);
      }
    });
    expect(wrong).toEqual([]);
  });

  it('a package names in its manifest every sister that it imports', () => {
    const wrong = complaints((source, say) => {
      if (source.room === 'test' || source.isSpec) return;
      const { dependencies = {} } = manifestOf(source.room);
      for (const { target, line } of source.imports) {
        const sister = sisterOf(target);
        if (sister === undefined || sister.room === source.room) continue;
        const { name } = manifestOf(sister.room);
        if (!(name in dependencies)) say(line, `${source.room}/package.json does not name ${name}`);
      }
    });
    expect(wrong).toEqual([]);
  });

  it('every package outside that is imported stands in the manifest', () => {
    const wrong = complaints((source, say) => {
      if (source.room === 'test' || source.isSpec) return;
      const manifest = manifestOf(source.room);
      const named = { ...manifest.dependencies, ...manifest.peerDependencies };
      for (const { target, line } of source.imports) {
        if (target.startsWith('.') || target.startsWith('node:') || sisterOf(target)) continue;
        const name = target
          .split('/')
          .slice(0, target.startsWith('@') ? 2 : 1)
          .join('/');
        if (!(name in named)) say(line, `${source.room}/package.json does not name ${name}`);
      }
    });
    expect(wrong).toEqual([]);
  });

  it('relative imports stay inside their package', () => {
    const wrong = complaints((source, say) => {
      for (const { target, line } of source.imports) {
        if (!target.startsWith('.')) continue;
        const folder = source.room === 'test' ? 'test/' : `${source.room}/src/`;
        if (!resolveImport(source, target).startsWith(folder)) say(line, `'${target}' leaves home`);
      }
    });
    expect(wrong).toEqual([]);
  });

  it('./testing faces are imported by specs, test packages and other ./testing faces only', () => {
    const wrong = complaints((source, say) => {
      if (source.isSpec || source.room === 'test' || source.path.includes('/src/testing/')) return;
      for (const { target, line } of source.imports) {
        if (sisterOf(target)?.face === './testing') say(line, `${target} is for specs`);
      }
    });
    expect(wrong).toEqual([]);
  });

  it('Nest appears in libs/nestjs, apps and the sample only', () => {
    const wrong = complaints((source, say) => {
      const allowed = /^(libs\/(nestjs|testing)|apps\/.*|sample-order-service|examples|test)$/;
      if (allowed.test(source.room)) return;
      for (const { target, line } of source.imports) {
        if (target.startsWith('@nestjs/')) say(line, `${source.room} must not know ${target}`);
      }
    });
    expect(wrong).toEqual([]);
  });
});

describe('circles', () => {
  it('no files import each other in a circle, type imports included', () => {
    const byPath = new Map(working.map((source) => [source.path, source]));
    const done = new Set<string>();
    const circles: string[] = [];
    const visit = (source: Source, path: readonly string[]): void => {
      const at = path.indexOf(source.path);
      if (at >= 0) return void circles.push([...path.slice(at), source.path].join(' > '));
      if (done.has(source.path)) return;
      for (const { target } of source.imports) {
        if (!target.startsWith('.')) continue;
        const next = byPath.get(resolveImport(source, target));
        if (next !== undefined) visit(next, [...path, source.path]);
      }
      done.add(source.path);
    };
    for (const source of working) visit(source, []);
    expect(circles).toEqual([]);
  });
});
