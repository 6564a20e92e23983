// Prints the public face of a package: every declaration that its index hands out, and those of the
// same package that these mention, as the compiler wrote them, without comments and private members.
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

const declared =
  /^(?:export )?(?:declare )?(?:abstract )?(?:class|interface|type|const|function|enum|namespace|let) ([A-Za-z_$][\w$]*)/;

/** The top-level statements of a declaration file: each begins in the first column. */
function statementsOf(text) {
  const bare = text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/^\s*\/\/.*$/gm, '');
  const statements = [];
  for (const line of bare.split('\n')) {
    if (line.trim() === '') continue;
    if (/^[A-Za-z]/.test(line)) statements.push(line);
    else if (statements.length > 0) statements[statements.length - 1] += `\n${line}`;
  }
  return statements;
}

/** The names between the braces of an import or export, as [name there, name here]. */
function namesIn(list) {
  return list
    .split(',')
    .map((part) => part.trim().replace(/^type /, ''))
    .filter((part) => part !== '')
    .map((part) => part.split(/ as /))
    .map(([there, here = there]) => [there.trim(), here.trim()]);
}

function readModule(path) {
  const own = new Map();
  const links = new Map();
  const exported = new Map();
  const everything = [];
  for (const statement of statementsOf(readFileSync(path, 'utf8'))) {
    const flat = statement.replace(/\s+/g, ' ');
    const all = /^export \* from '(\.[^']+)';/.exec(flat);
    const link = /^(import|export) (?:type )?\{([^}]*)\}(?: from '([^']+)')?;/.exec(flat);
    const name = declared.exec(statement)?.[1];
    if (all) everything.push(all[1]);
    else if (link) {
      const [, kind, list, from] = link;
      for (const [there, here] of namesIn(list)) {
        (kind === 'export' ? exported : links).set(here, { from, name: there });
      }
    } else if (name !== undefined) {
      // Overloads of one function, or a class beside an interface, stand together.
      own.set(name, [...(own.get(name) ?? []), statement]);
      if (statement.startsWith('export ')) exported.set(name, { name });
    }
  }
  return { path, own, links, exported, everything };
}

class Package {
  modules = new Map();

  module(path) {
    let known = this.modules.get(path);
    if (known === undefined) this.modules.set(path, (known = readModule(path)));
    return known;
  }

  beside(module, from) {
    return this.module(join(dirname(module.path), from.replace(/\.js$/, '.d.ts')));
  }

  /** Name to the place where it is declared, for all that a module hands out. */
  exportsOf(module) {
    const found = new Map();
    for (const from of module.everything) {
      for (const [name, place] of this.exportsOf(this.beside(module, from))) found.set(name, place);
    }
    for (const name of module.exported.keys()) {
      const place = this.find(module, name, module.exported.get(name));
      if (place !== undefined) found.set(name, place);
    }
    return found;
  }

  /** Undefined for what another package declares. */
  find(module, name, link = module.exported.get(name) ?? module.links.get(name)) {
    if (link?.from === undefined) {
      const inner = link?.name ?? name;
      if (module.own.has(inner)) return { module, name: inner };
      const imported = module.links.get(inner);
      return imported === undefined ? undefined : this.find(module, inner, imported);
    }
    if (!link.from.startsWith('.')) return undefined;
    const there = this.beside(module, link.from);
    return this.exportsOf(there).get(link.name);
  }
}

/** A declaration without its private members and the words that say it is exported. */
function shown(statement) {
  return statement
    .split('\n')
    .filter((line) => !/^\s+private .*;$/.test(line))
    .join('\n')
    .replace(/^export (?:declare )?|^declare /, '')
    .replaceAll(/import\("[^"]+"\)\./g, '');
}

const key = ({ module, name }) => `${module.path}#${name}`;

/** `{ exported, mentioned }`: the texts of the declarations, sorted by name. */
export function publicFace(home) {
  const index = join(home, 'dist/index.d.ts');
  if (!existsSync(index)) throw new Error(`${index} is missing; run 'npx tsc -b' first`);
  const pack = new Package();
  const face = pack.exportsOf(pack.module(index));
  const seen = new Map([...face].map(([name, place]) => [key(place), { name, place }]));
  const outside = [];
  const queue = [...seen.values()];
  for (let at = 0; at < queue.length; at += 1) {
    const { place } = queue[at];
    const text = place.module.own.get(place.name).map(shown).join('\n');
    for (const word of new Set(text.match(/[A-Za-z_$][\w$]*/g))) {
      const link = place.module.links.get(word);
      const found = place.module.own.has(word)
        ? { module: place.module, name: word }
        : link && pack.find(place.module, word, link);
      if (found === undefined || seen.has(key(found))) continue;
      const mentioned = { name: found.name, place: found };
      seen.set(key(found), mentioned);
      outside.push(mentioned);
      queue.push(mentioned);
    }
  }
  const print = (list) =>
    [...list]
      .sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0))
      .map(({ place }) => place.module.own.get(place.name).map(shown).join('\n'));
  const exported = print([...face].map(([name, place]) => ({ name, place })));
  return { exported, mentioned: print(outside) };
}
