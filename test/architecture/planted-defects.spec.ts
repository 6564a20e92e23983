import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './tree.js';

const folder = join(root, 'test/mutants');
const defects = readdirSync(folder).filter((name) => name.endsWith('.mutant'));

describe('defects planted by npm run test:mutants', () => {
  it.each(defects)('%s changes a text that its file has exactly once', (name) => {
    const [head = '', rest = ''] = readFileSync(join(folder, name), 'utf8').split('--- find\n');
    const file = /^file: (.+)$/m.exec(head)?.[1] ?? '';
    const find = (rest.split('--- replace\n')[0] ?? '').replace(/\n$/, '');
    expect(find).not.toBe('');
    expect(readFileSync(join(root, file), 'utf8').split(find)).toHaveLength(2);
  });
});
