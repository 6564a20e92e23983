import * as path from 'node:path';
import { messageOf } from './errors.js';
import type { FileSystem } from './file-system.js';
import { DurableJsonError } from './foundation.errors.js';

/** How a JSON text is read; Apache's files are not always standard JSON. */
export type ParseText = (text: string) => unknown;

interface Attempt {
  readonly value?: unknown;
  readonly found: boolean;
  readonly error?: unknown;
}

function attempt(fs: FileSystem, file: string, parse: ParseText): Attempt {
  const text = fs.readText(file);
  if (text === undefined || text.trim() === '') return { found: text !== undefined };
  try {
    return { found: true, value: parse(text) };
  } catch (error) {
    return { found: true, error };
  }
}

/**
 * Reads a JSON file; when it is absent, empty or broken, its `.bak`. A broken file is put aside as
 * `.broken`, so that the next write does not make it the `.bak`; `warn` is told of it.
 *
 * Answers undefined when there is neither. Throws `DurableJsonError` when something is there but
 * nothing of it can be read: starting empty would silently lose it.
 */
export function readDurableJson(
  fs: FileSystem,
  file: string,
  parse: ParseText = (text) => JSON.parse(text) as unknown,
  warn: (sentence: string) => void = () => undefined,
): unknown {
  const main = attempt(fs, file, parse);
  if (main.value !== undefined) return main.value;
  const backup = attempt(fs, `${file}.bak`, parse);
  if (backup.value !== undefined) {
    if (main.error !== undefined) fs.rename(file, `${file}.broken`);
    if (main.found) {
      const why = main.error === undefined ? 'is empty' : `is broken (${messageOf(main.error)})`;
      warn(`${file} ${why}; what its .bak holds counts instead`);
    }
    return backup.value;
  }
  const error = main.error ?? backup.error;
  if (error === undefined && !main.found && !backup.found) return undefined;
  if (error === undefined && !backup.found) return undefined;
  throw new DurableJsonError(
    `Neither ${file} nor its .bak can be read (${messageOf(error ?? 'both are empty')}); ` +
      'restore one of them, or remove both to start without.',
    { cause: error, details: { path: file } },
  );
}

/** A file that is this long is not blank: nobody writes so many blanks. */
const surelyNotBlank = 1_024;

/**
 * Replaces a JSON file so that a crash leaves the old or the new text, never a torn one: the new
 * text goes to `.tmp` and is made durable, the old one becomes `.bak`, then the new one takes its
 * place. Between the two there is only the `.bak`, which `readDurableJson` takes.
 */
export function writeDurableJson(fs: FileSystem, file: string, text: string): void {
  const directory = path.dirname(file);
  fs.makeDirectory(directory);
  fs.writeText(`${file}.tmp`, text);
  if (holdsSomething(fs, file)) fs.rename(file, `${file}.bak`);
  fs.rename(`${file}.tmp`, file);
  fs.syncDirectory(directory);
}

/**
 * The same for a file that others read too, such as settings: it is there at every moment, and the
 * `.bak` is a copy.
 */
export function replaceDurableText(fs: FileSystem, file: string, text: string): void {
  const directory = path.dirname(file);
  const next = `${file}.tmp`;
  fs.makeDirectory(directory);
  fs.writeText(next, text);
  const old = fs.readText(file);
  if (old !== undefined && old.trim() !== '') fs.writeText(`${file}.bak`, old);
  fs.rename(next, file);
  fs.syncDirectory(directory);
}

/** What is empty must not take the place of a `.bak` that holds something. */
function holdsSomething(fs: FileSystem, file: string): boolean {
  if (!fs.exists(file)) return false;
  return fs.size(file) > surelyNotBlank || (fs.readText(file) ?? '').trim() !== '';
}
