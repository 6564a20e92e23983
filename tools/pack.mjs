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
const homes = ['libs', 'apps'].flatMap((folder) =>
  readdirSync(join(root, folder)).map((name) => join(root, folder, name)),
);
for (const home of homes) copyFileSync(join(root, 'LICENSE'), join(home, 'LICENSE'));
const workspaces = homes.flatMap((home) => ['--workspace', home]);
run('npm', ['pack', '--silent', '--pack-destination', target, ...workspaces], root);
const files = readdirSync(target);
console.log(`${files.length} packages in ${relative(process.cwd(), target)}:`);
for (const file of files) console.log(`  ${file}`);
