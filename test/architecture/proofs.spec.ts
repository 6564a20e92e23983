import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './tree.js';

const read = (path: string): string => readFileSync(join(root, path), 'utf8');
const pages = ['spring-parity', 'asked-for', 'compared'].map((name) => `docs/nest/${name}.md`);

/** Rows of the tables of a page without their heads; cells have no bars around them. */
function rowsOf(page: string): string[][] {
  return read(page)
    .split('\n')
    .filter(
      (line) =>
        line.startsWith('| ') && !/^\| *(:?-{3,}|(Attribute|Property|Method|Feature)\b)/.test(line),
    )
    .map((line) => line.replaceAll('\\|', '\u0000').split('|').slice(1, -1))
    .map((cells) => cells.map((cell) => cell.trim().replaceAll('\u0000', '|')));
}

/** `file` "title" in a page: the tests that prove something. */
function proofsOf(page: string): { readonly file: string; readonly title: string }[] {
  const text = read(page).replaceAll('\\|', '|');
  return [...text.matchAll(/`(\S+\.spec\.ts)` "(.*?)"(?= *(?:<br>|\|))/g)].map((found) => ({
    file: found[1] as string,
    title: found[2] as string,
  }));
}

/** Whether a spec has a test of that title; for `it.each` the title as it is written. */
function hasTest(file: string, title: string): boolean {
  if (!existsSync(join(root, file))) return false;
  const text = read(file).replaceAll("\\'", "'");
  return (
    ["'", '"', '`'].some((quote) => text.includes(`(${quote}${title}${quote}`)) ||
    ["'", '"', '`'].some((quote) => text.includes(`${quote}${title}${quote},`))
  );
}

describe('what the tables for Nest users promise', () => {
  it.each(pages)('%s names tests that exist', (page) => {
    const proofs = proofsOf(page);
    expect(proofs.length).toBeGreaterThan(20);
    const gone = proofs.filter(({ file, title }) => !hasTest(file, title));
    expect(gone).toEqual([]);
  });

  it.each(pages)('%s has a test, a page or a reason in every row', (page) => {
    const bare = rowsOf(page)
      .filter((cells) => cells.length > 2)
      .filter(
        (cells) =>
          !/\.spec\.ts`|\.md\)|npm run |see left|not yet|^(Test|Answer)$/.test(cells.at(-1) ?? ''),
      );
    expect(bare).toEqual([]);
  });

  it('are about as many things as were asked for', () => {
    const numbered = rowsOf('docs/nest/asked-for.md').filter(([first]) =>
      /^\d+$/.test(first ?? ''),
    );
    expect(numbered).toHaveLength(35 + 20);
    const features = rowsOf('docs/nest/compared.md').filter((cells) => cells.length === 7);
    expect(features).toHaveLength(34);
  });
});
