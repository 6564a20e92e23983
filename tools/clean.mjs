// `npm run clean`: removes what builds and test runs leave behind.
import { readdirSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const folders = ['libs', 'apps'].flatMap((part) =>
  readdirSync(join(root, part)).map((name) => join(root, part, name)),
);
for (const folder of [...folders, join(root, 'sample-order-service')]) {
  rmSync(join(folder, 'dist'), { recursive: true, force: true });
}
rmSync(join(root, 'coverage'), { recursive: true, force: true });
