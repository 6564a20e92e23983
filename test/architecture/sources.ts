import { parseSync } from '@swc/core';
import { readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { filesBelow, root, rooms } from './tree.js';

export interface ImportLine {
  readonly target: string;
  readonly line: number;
}

export interface FunctionLines {
  readonly line: number;
  readonly length: number;
}

export interface Source {
  /** Path from the root, with slashes. */
  readonly path: string;
  /** Folder of its package, for example `libs/store`. */
  readonly room: string;
  readonly text: string;
  readonly lines: readonly string[];
  readonly imports: readonly ImportLine[];
  readonly functions: readonly FunctionLines[];
  readonly isSpec: boolean;
}

interface Node {
  readonly type?: string;
  readonly span?: { readonly start: number; readonly end: number };
  readonly [key: string]: unknown;
}

const functionTypes = new Set([
  'FunctionDeclaration',
  'FunctionExpression',
  'ArrowFunctionExpression',
  'ClassMethod',
  'PrivateMethod',
  'Constructor',
  'MethodProperty',
]);

/** Walks a syntax tree and calls `visit` for every node. */
function walk(value: unknown, visit: (node: Node) => void): void {
  if (Array.isArray(value)) {
    for (const item of value) walk(item, visit);
  } else if (typeof value === 'object' && value !== null) {
    const node = value as Node;
    if (typeof node.type === 'string') visit(node);
    for (const key of Object.keys(node)) if (key !== 'span') walk(node[key], visit);
  }
}

function textOf(value: unknown): string | undefined {
  return (value as { value?: string } | undefined)?.value;
}

function read(path: string): Source {
  const text = readFileSync(join(root, path), 'utf8');
  const lines = text.split('\n');
  if (lines.at(-1) === '') lines.pop();
  const bytes = Buffer.from(text);
  const tree = parseSync(text, { syntax: 'typescript', decorators: true, target: 'es2022' });
  // Spans count bytes over all files parsed so far; a leading comment lies before the module's span.
  const first = (tree as unknown as Node).span?.start ?? 1;
  const lead =
    bytes.length - Buffer.byteLength(text.replace(/^(\s|\/\/.*\n|\/\*[\s\S]*?\*\/)*/, ''));
  const base = first - (tree.body.length > 0 ? lead : 0);
  const ends: number[] = [];
  for (let at = bytes.indexOf(10); at >= 0; at = bytes.indexOf(10, at + 1)) ends.push(at);
  const lineAt = (position: number): number => {
    let [low, high] = [0, ends.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((ends[middle] as number) < position - base) low = middle + 1;
      else high = middle;
    }
    return low + 1;
  };
  const imports: ImportLine[] = [];
  const functions: FunctionLines[] = [];
  walk(tree, (node) => {
    const start = node.span?.start ?? base;
    const target =
      node.type === 'CallExpression' && (node['callee'] as Node | undefined)?.type === 'Import'
        ? textOf((node['arguments'] as { expression?: unknown }[])[0]?.expression)
        : node.type === 'TsImportType'
          ? textOf(node['argument'])
          : /^(Import|ExportAll|ExportNamed)Declaration$|^ExportNamedSpecifiers$/.test(
                node.type ?? '',
              )
            ? textOf(node['source'])
            : undefined;
    if (target !== undefined) imports.push({ target, line: lineAt(start) });
    if (functionTypes.has(node.type ?? '') && node.span !== undefined) {
      const from = lineAt(node.span.start);
      functions.push({ line: from, length: lineAt(node.span.end) - from + 1 });
    }
  });
  const room = rooms.find((name) => path.startsWith(`${name}/`)) ?? (path.split('/')[0] as string);
  return { path, room, text, lines, imports, functions, isSpec: path.endsWith('.spec.ts') };
}

/** Every TypeScript file of the packages and of `test/`. */
export const sources: readonly Source[] = [...rooms.map((room) => `${room}/src`), 'test']
  .flatMap((folder) => filesBelow(folder, '.ts'))
  .map(read);

/** Working files: of packages, without specs. */
export const working: readonly Source[] = sources.filter(
  (source) => !source.isSpec && source.room !== 'test',
);

/** The file that a relative import means. */
export function resolveImport(source: Source, target: string): string {
  const file = relative(root, resolve(root, dirname(source.path), target));
  return file.replaceAll('\\', '/').replace(/\.js$/, '.ts');
}
