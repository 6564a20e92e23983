import {
  Problem,
  nearestName,
  type OptionSet,
  type OptionTable,
} from '@nestjs-rocketmq/foundation';
import type { SetupProblem, SetupProblemCode } from '../nestjs.errors.js';
import { namesOfLater, springNames } from './spring-names.js';

/** Collects what is wrong, so that everything can be reported together. */
export class Problems {
  readonly list: SetupProblem[] = [];

  add(code: SetupProblemCode, sentence: string): void {
    this.list.push({ code, sentence });
  }
}

/** Reports every name of `given` that is none of `known`, with the remedy for it. */
export function checkNames(
  where: string,
  given: object,
  known: readonly string[],
  problems: Problems,
): void {
  for (const [name, value] of Object.entries(given)) {
    if (value === undefined || known.includes(name)) continue;
    const remedy = Object.hasOwn(springNames, name) ? springNames[name] : undefined;
    const later = Object.hasOwn(namesOfLater, name) ? namesOfLater[name] : undefined;
    if (remedy !== undefined) {
      problems.add('ROCKETMQ_SPRING_NAME', `${where}: '${name}' is Java's name; ${remedy}`);
      continue;
    }
    const near = nearestName(name, known);
    const all = (): string => `known are ${[...new Set(known)].join(', ')}`;
    const hint = later ?? (near === undefined ? all() : `did you mean '${near}'?`);
    problems.add('ROCKETMQ_OPTION_UNKNOWN', `${where}: '${name}' is not an option; ${hint}`);
  }
}

/**
 * Reads the values of one table, with its defaults. A wrong value is reported and replaced by the
 * default, so that the checks after this one still say something sensible.
 */
export function readTable<T extends OptionTable>(
  where: string,
  set: OptionSet<T>,
  given: Readonly<Record<string, unknown>>,
  problems: Problems,
): { [K in keyof T]: ReturnType<T[K]['read']> extends infer V ? Exclude<V, Problem> : never } {
  const values: Record<string, unknown> = {};
  for (const [name, declared] of Object.entries(set.table)) {
    values[name] = declared.fallback;
    const value = given[name];
    if (value === undefined) {
      if (!declared.isRequired) continue;
      problems.add(
        'ROCKETMQ_OPTION_INVALID',
        `${where}: '${name}' is missing (${declared.meaning})`,
      );
      continue;
    }
    const read = declared.read(value);
    if (read instanceof Problem) {
      const shown = declared.isSecret ? '***' : (JSON.stringify(value) ?? String(value));
      problems.add('ROCKETMQ_OPTION_INVALID', `${where}: '${name}' ${read.text}, but is ${shown}`);
    } else values[name] = read;
  }
  return values as never;
}
