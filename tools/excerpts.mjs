// Fills the code of pages from programs that run, for `npm run docs`.
//
// In a page, `<!-- example: outcomes/main.ts#filter -->` stands above a block with the lines between
// `// #region filter` and `// #endregion` of `examples/src/outcomes/main.ts`; without `#filter` above one
// with the whole file. `<!-- imports: outcomes/main.ts -->` stands above one with the imports of the file and
// the command that installs what the quick start has not. `<!-- prints: outcomes -->` stands above a block
// with what the program prints: the comment lines behind `// Prints:` at its end, which a spec compares with
// what it does. `lines.print`, by which programs know when to end, is shown as what it does: `console.log`.
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';

const marks = /^<!-- (example|imports|prints): (\S+) -->\n+```\w*\n[\s\S]*?^```$/gm;
const printsMark = '\n// Prints:\n';

function sourceOf(root, file, mark) {
  const path = join(root, 'examples/src', file);
  if (!existsSync(path)) throw new Error(`'${mark}' names ${file}, which is not in examples/src`);
  return readFileSync(path, 'utf8');
}

/** Lines without the indentation that all of them share. */
function dedented(lines) {
  const filled = lines.filter((line) => line.trim() !== '');
  const least = Math.min(...filled.map((line) => /^ */.exec(line)[0].length));
  return lines.map((line) => line.slice(least)).join('\n');
}

function regionOf(text, name, mark) {
  const lines = text.split('\n');
  const first = lines.findIndex((line) => line.trim() === `// #region ${name}`);
  if (first < 0) throw new Error(`'${mark}' names a region that is not there`);
  const size = lines.slice(first + 1).findIndex((line) => line.trim() === '// #endregion');
  return dedented(lines.slice(first + 1, first + 1 + size));
}

/** A whole program as a reader would write it: without our marks and without what it prints. */
function wholeOf(text) {
  const program = text.split(printsMark)[0];
  return program.replaceAll(/^ *\/\/ #(end)?region.*\n/gm, '').trim();
}

/** What a program says that it prints, line by line. */
export function printsOf(text) {
  const lines = text.split(printsMark)[1]?.trim().split('\n') ?? [];
  return lines.map((line) => line.replace(/^\/\/ {0,3}/, ''));
}

/** What the quick start installs, and what belongs to the examples only. */
const installed =
  /^(nestjs-rocketmq|@nestjs-rocketmq\/embedded|@nestjs\/(common|core)|reflect-metadata|rxjs|node:.*|\..*)$/;
/** What a package cannot do without, though no program imports it. */
const companions = { 'class-validator': ['class-transformer'], pg: ['@types/pg'] };

const statementsOf = (text) => [...text.matchAll(/^import [\s\S]*?;$/gm)].map(([one]) => one);

/** `beside` are the texts of the files that lie beside the program: what they need, it needs. */
function importsOf(text, beside) {
  const all = statementsOf(text);
  const shown = all.filter((one) => !one.includes("'../lines.js'"));
  const names = [...shown, ...beside.flatMap(statementsOf)].map(
    (one) => /'([^']+)';$/.exec(one)[1],
  );
  const packages = names.map((name) => name.split('/', name.startsWith('@') ? 2 : 1).join('/'));
  const missing = packages
    .filter((name) => !installed.test(name))
    .flatMap((name) => [name, ...(companions[name] ?? [])]);
  const command = [...new Set(missing)].toSorted().join(' ');
  return [...(command === '' ? [] : [`// npm install ${command}`]), ...shown].join('\n');
}

function besideOf(root, file) {
  const folder = join(root, 'examples/src', dirname(file));
  const names = readdirSync(folder).filter((name) => name !== basename(file));
  return names.map((name) => readFileSync(join(folder, name), 'utf8'));
}

const asShown = (code) => code.replaceAll(/\blines\.print\(/g, 'console.log(');

/** The page with every marked block filled anew. Throws when an example or region is gone. */
export function withExcerpts(root, page) {
  return page.replaceAll(marks, (mark, kind, place) => {
    const head = mark.split('\n')[0];
    if (kind === 'prints') {
      const lines = printsOf(sourceOf(root, `${place}/main.ts`, head));
      return `${head}\n\n\`\`\`text\n${lines.join('\n')}\n\`\`\``;
    }
    const [file, region] = place.split('#');
    const text = sourceOf(root, file, head);
    const shown = () => (region === undefined ? wholeOf(text) : regionOf(text, region, head));
    const code = kind === 'imports' ? importsOf(text, besideOf(root, file)) : asShown(shown());
    return `${head}\n\n\`\`\`ts\n${code}\n\`\`\``;
  });
}
