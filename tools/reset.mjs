// `npm run reset`: empties the data folder of `npm start`.
import { readdirSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { RunMark } from './start/run-mark.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const dataDir = process.env.DATA_DIR ?? join(root, 'data');
/** What `npm start` makes there; anything else in the folder is not ours. */
const OURS = ['conf', 'namesrv', 'broker', 'sample', 'running.pid'];

function namesIn(folder) {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

const holder = new RunMark(dataDir).holder();
if (holder !== undefined) {
  process.stdout.write(`npm start (process ${holder}) uses ${dataDir}; stop it first.\n`);
  process.exit(1);
}
const names = namesIn(dataDir).filter((name) => OURS.includes(name));
for (const name of names) rmSync(join(dataDir, name), { recursive: true, force: true });
process.stdout.write(
  names.length === 0 ? `${dataDir} was empty.\n` : `Emptied ${dataDir}: ${names.join(', ')}.\n`,
);
