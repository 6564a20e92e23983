// `npm run docs`: prints docs/configuration.md, docs/commands.md, docs/errors.md and the pages of
// docs/public-face from the declarations in the code, and fills the code of docs/nest from examples.
// `--check` writes nothing and fails when a page differs.
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as prettier from 'prettier';
import { withExcerpts } from './excerpts.mjs';
import { publicFace } from './public-face.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const rooms = ['libs', 'apps'].flatMap((part) =>
  readdirSync(join(root, part)).map((name) => `${part}/${name}`),
);
const made = 'This page is printed from the code by `npm run docs`; a test compares it.';

const cell = (text) => String(text).replaceAll('|', '\\|').replaceAll('\n', ' ');
const table = (head, rows) =>
  [
    `| ${head.join(' | ')} |`,
    `|${head.map(() => '---').join('|')}|`,
    ...rows.map((row) => `| ${row.map(cell).join(' | ')} |`),
  ].join('\n');

async function faceOf(room) {
  const manifest = JSON.parse(readFileSync(join(root, room, 'package.json'), 'utf8'));
  // A package may have several faces (`nestjs-rocketmq/consistency`); options stand on one page.
  const built = Object.values(manifest.exports ?? {}).map((face) => face.default);
  const files = built.filter((file) => file?.endsWith('/index.js'));
  const face = {};
  // The specs' own faces have nothing to say; the folder that all of this lies in may have any name.
  const told = files.filter((file) => !file.includes('/testing/'));
  for (const file of told.map((one) => join(root, room, one))) {
    if (existsSync(file)) Object.assign(face, await import(file));
  }
  return { name: manifest.name, face };
}

function range(option) {
  if (option.choices) return option.choices.map((choice) => `\`${choice}\``).join(', ');
  const { min, max } = option;
  if (min === undefined && max === undefined) return '';
  return `${min ?? ''} to ${max ?? ''}`;
}

async function configurationPage() {
  const parts = [`# Configuration\n\n${made}`];
  for (const room of rooms) {
    const { name, face } = await faceOf(room);
    const sets = Object.values(face).filter(
      (value) => value?.table && value?.subject && value?.load,
    );
    for (const set of new Set(sets)) {
      const rows = Object.entries(set.table).map(([key, option]) => [
        `\`${key}\``,
        option.kind,
        option.fallback === undefined ? '' : `\`${JSON.stringify(option.fallback)}\``,
        range(option),
        option.meaning,
      ]);
      parts.push(`## ${set.subject} (\`${name}\`)`);
      parts.push(table(['Option', 'Kind', 'Default', 'Range', 'Meaning'], rows));
    }
    for (const idle of Object.values(face).filter((value) => value?.idleGroups)) {
      parts.push(`## ${idle.subject} that do nothing here (\`${name}\`)`);
      parts.push('Accepted, with a line in the log that gives the reason.');
      const groups = idle.idleGroups.map(
        ({ reason, names }) => `- ${reason}: ${names.trim().split(/\s+/).join(', ')}`,
      );
      parts.push(groups.join('\n'));
    }
  }
  return parts.join('\n\n');
}

function fieldsOf(fields) {
  return Object.entries(fields ?? {})
    .map(([name, field]) => {
      const wire = field.wireName && field.wireName !== name ? ` (\`${field.wireName}\`)` : '';
      return `\`${name}\`${wire} ${field.kind}${field.isOptional ? '?' : ''}`;
    })
    .join(', ');
}

async function commandsPage() {
  const { face } = await faceOf('libs/protocol');
  const commands = [...(face.allCommands ?? [])].sort((a, b) => a.code - b.code);
  const rows = commands.map((command) => [
    command.code,
    `${command.name}${command.oneway ? ' (one-way)' : ''}`,
    command.needs,
    fieldsOf(command.asks),
    fieldsOf(command.answers),
    (command.outcomes ?? []).join(', '),
  ]);
  return [
    `# Commands\n\n${made} A field with \`?\` may be absent; in brackets its name on the wire where it differs.`,
    table(['Code', 'Name', 'Needs', 'Asks', 'Answers', 'Outcomes'], rows),
  ].join('\n\n');
}

function sourcesBelow(folder) {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return sourcesBelow(path);
    return entry.name.endsWith('.ts') && !entry.name.endsWith('.spec.ts') ? [path] : [];
  });
}

/** The first sentence of the doc comment that ends right before a position. */
function docBefore(text, at) {
  const comment = /\/\*\*((?:(?!\*\/)[\s\S])*)\*\/\s*$/.exec(text.slice(0, at));
  const words = (comment?.[1] ?? '')
    .replace(/^\s*\*\s?/gm, ' ')
    .replace(/\s+/g, ' ')
    .trim();
  return /^.*?[.](?=\s|$)/.exec(words)?.[0] ?? words;
}

function errorsPage() {
  const rows = [];
  const seen = new Map();
  for (const path of rooms.flatMap((room) => sourcesBelow(join(root, room, 'src')))) {
    const text = readFileSync(path, 'utf8');
    const classes = /export class (\w+)[^{]*extends \w+[^{]*\{([\s\S]*?)\n\}/g;
    for (const found of text.matchAll(classes)) {
      const code = /(?:override )?readonly code(?:: \w+)? = '([A-Z0-9_]+)'/.exec(
        found[2] ?? '',
      )?.[1];
      if (code === undefined) continue;
      const where = relative(root, path);
      if (seen.has(code)) throw new Error(`${code} is declared in ${seen.get(code)} and ${where}`);
      seen.set(code, where);
      rows.push([`\`${code}\``, `\`${found[1]}\``, docBefore(text, found.index), `\`${where}\``]);
    }
  }
  rows.sort((a, b) => (a[0] < b[0] ? -1 : 1));
  return [`# Errors\n\n${made}`, table(['Code', 'Class', 'Meaning', 'Declared in'], rows)].join(
    '\n\n',
  );
}

/** Packages that applications import; the others are the machinery below them. */
const faces = ['client', 'embedded', 'filter', 'foundation', 'message', 'nestjs', 'testing'];

function facePage(name) {
  const manifest = JSON.parse(readFileSync(join(root, 'libs', name, 'package.json'), 'utf8'));
  const { exported, mentioned } = publicFace(join(root, 'libs', name));
  // Not `ts`: the code of these blocks is no example that stands by itself.
  const block = (texts) => '```typescript\n' + texts.join('\n\n') + '\n```';
  const parts = [
    `# The public face of ${manifest.name}\n\n${made} Comments and private members are left out; ` +
      'whoever changes a line here changes what users see.',
    block(exported),
  ];
  if (mentioned.length > 0) {
    parts.push('## Mentioned by these, but not handed out by name', block(mentioned));
  }
  return parts.join('\n\n');
}

const pages = {
  'docs/configuration.md': await configurationPage(),
  'docs/commands.md': await commandsPage(),
  'docs/errors.md': errorsPage(),
  ...Object.fromEntries(faces.map((name) => [`docs/public-face/${name}.md`, facePage(name)])),
};
/** The options of the packages that a Nest application uses, for docs/nest/defaults.md. */
async function defaultsTables() {
  const parts = [];
  for (const room of ['libs/nestjs', 'libs/testing', 'libs/embedded']) {
    const { face } = await faceOf(room);
    const sets = Object.values(face).filter((value) => value?.table && value?.subject);
    for (const set of new Set(sets)) {
      const rows = Object.entries(set.table).map(([key, option]) => [
        `\`${key}\``,
        option.fallback === undefined ? '' : `\`${JSON.stringify(option.fallback)}\``,
        option.meaning,
      ]);
      parts.push(`## ${set.subject}`, table(['Option', 'Default', 'Meaning'], rows));
    }
  }
  return `<!-- options -->\n\n${parts.join('\n\n')}\n\n<!-- end of options -->`;
}

const optionsPlace = /<!-- options -->[\s\S]*<!-- end of options -->/;
const tables = await defaultsTables();
const guides = readdirSync(join(root, 'docs/nest')).map((name) => `docs/nest/${name}`);
for (const path of [...guides, 'libs/nestjs/README.md']) {
  const page = readFileSync(join(root, path), 'utf8');
  pages[path] = withExcerpts(root, page).replace(optionsPlace, () => tables);
}
const check = process.argv.includes('--check');
const style = await prettier.resolveConfig(join(root, 'docs/any.md'));
let stale = 0;
for (const [path, text] of Object.entries(pages)) {
  const finished = await prettier.format(text, { ...style, parser: 'markdown' });
  const file = join(root, path);
  if (!check) {
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, finished);
  }
  if (check && (!existsSync(file) || readFileSync(file, 'utf8') !== finished)) {
    stale += 1;
    console.log(`${path} differs from the code: run \`npm run docs\``);
  }
}
process.exit(stale === 0 ? 0 : 1);
