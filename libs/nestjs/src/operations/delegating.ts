/** An object with every method of `inner`, save those that are given. */
export function delegating<T extends object>(inner: T, own: Partial<T>): T {
  const made: Record<string, unknown> = {};
  const methods = inner as Record<string, unknown>;
  for (let at: object | null = inner; at !== null && at !== Object.prototype;) {
    for (const name of Object.getOwnPropertyNames(at)) {
      const method = name in made || name === 'constructor' ? undefined : methods[name];
      if (typeof method === 'function') made[name] = (method as () => unknown).bind(inner);
    }
    at = Object.getPrototypeOf(at) as object | null;
  }
  return Object.assign(made, own) as T;
}
