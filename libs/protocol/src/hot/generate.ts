const factories = new Map<string, (...helpers: unknown[]) => unknown>();

/**
 * The one place where code is generated. The sources are made from declarations in this library,
 * never from what a peer sends. Undefined where the process forbids it
 * (`--disallow-code-generation-from-strings`); a slower twin then does the work. The name is what
 * profiles show. Brokers of one process share what is compiled.
 */
export function generate<F>(
  name: string,
  helpers: Readonly<Record<string, unknown>>,
  parameters: string,
  body: string,
): F | undefined {
  const source = `'use strict'; return function ${name}(${parameters}) {${body}\n};`;
  const names = Object.keys(helpers);
  const key = `${names.join()} ${source}`;
  try {
    let factory = factories.get(key);
    if (factory === undefined) {
      factory = new Function(...names, source) as (...helpers: unknown[]) => unknown;
      factories.set(key, factory);
    }
    return factory(...Object.values(helpers)) as F;
  } catch (error) {
    if (error instanceof EvalError) return undefined;
    throw error;
  }
}
