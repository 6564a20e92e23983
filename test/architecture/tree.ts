import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = resolve(dirname(fileURLToPath(import.meta.url)), '../..');

export interface Manifest {
  readonly name: string;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
}

export function filesBelow(folder: string, ending: string): string[] {
  const found: string[] = [];
  for (const entry of readdirSync(join(root, folder), { withFileTypes: true })) {
    if (entry.name === 'node_modules' || entry.name === 'dist' || entry.name === 'target') continue;
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory()) found.push(...filesBelow(path, ending));
    else if (entry.name.endsWith(ending)) found.push(path);
  }
  return found;
}

export const rooms: readonly string[] = [
  ...readdirSync(join(root, 'libs')).map((name) => `libs/${name}`),
  ...readdirSync(join(root, 'apps')).map((name) => `apps/${name}`),
  'sample-order-service',
  'examples',
];

export function manifestOf(room: string): Manifest {
  return JSON.parse(readFileSync(join(root, room, 'package.json'), 'utf8')) as Manifest;
}
