// Resolves the official jars and compiles our Java programs, once: a stamp over the poms and sources
// says whether anything changed. Maven's own repository is the cache; the network is the second choice.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
const project = join(here, 'java');
const stampFile = join(here, '.cache', 'built');

/** Why the Java peers cannot be used here, or undefined when they can. */
export function missingJava() {
  if (spawnSync('java', ['-version'], { stdio: 'ignore' }).status !== 0) return 'no Java found';
  if (existsSync(stampFile) && readFileSync(stampFile, 'utf8') === stamp()) return undefined;
  if (spawnSync('mvn', ['-version'], { stdio: 'ignore' }).status !== 0) return 'no Maven found';
  return undefined;
}

/** Builds when needed; throws with Maven's output when that fails. */
export function buildJava() {
  const wanted = stamp();
  if (existsSync(stampFile) && readFileSync(stampFile, 'utf8') === wanted) return;
  const offline = maven(['-o']);
  const built = offline.status === 0 ? offline : maven([]);
  if (built.status !== 0) throw new Error(`mvn failed:\n${built.stdout}\n${built.stderr}`);
  mkdirSync(dirname(stampFile), { recursive: true });
  writeFileSync(stampFile, wanted);
}

function maven(extra) {
  return spawnSync('mvn', ['-q', '-B', '-ntp', ...extra, 'process-classes'], {
    cwd: project,
    encoding: 'utf8',
  });
}

function stamp() {
  const hash = createHash('sha256');
  for (const file of sources(project)) hash.update(file).update(readFileSync(file));
  return hash.digest('hex');
}

function sources(folder) {
  return readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.name !== 'target')
    .flatMap((entry) => {
      const path = join(folder, entry.name);
      if (entry.isDirectory()) return sources(path);
      return /\.(java|xml)$/.test(entry.name) ? [path] : [];
    })
    .sort();
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const missing = missingJava();
  if (missing) {
    console.error(`cannot build the Java peers: ${missing}`);
    process.exit(1);
  }
  buildJava();
}
