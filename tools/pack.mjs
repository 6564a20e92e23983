// `npm run pack`: builds every package and packs it into .cache/packages, to try from outside:
// `npm install .cache/packages/*.tgz` in another folder.
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const target = join(root, '.cache/packages');

function run(command, args, cwd) {
  const { status } = spawnSync(command, args, { cwd, stdio: ['ignore', 'ignore', 'inherit'] });
  if (status !== 0) process.exit(1);
}

run(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-b'], root);
rmSync(target, { recursive: true, force: true });
mkdirSync(target, { recursive: true });
for (const folder of ['libs', 'apps']) {
  for (const name of readdirSync(join(root, folder))) {
    const home = join(root, folder, name);
    copyFileSync(join(root, 'LICENSE'), join(home, 'LICENSE'));
    run('npm', ['pack', '--silent', '--pack-destination', target], home);
  }
}
const files = readdirSync(target);
console.log(`${files.length} packages in ${relative(process.cwd(), target)}:`);
for (const file of files) console.log(`  ${file}`);
