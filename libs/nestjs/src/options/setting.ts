/** What a setting given as a function receives. */
export interface SettingSource {
  /** A value by its name, as a placeholder would find it; undefined when there is none. */
  get(name: string): unknown;
  /** A provider of the application by its token; throws when there is none. */
  resolve<T>(token: SettingToken<T>): T;
}

// eslint-disable-next-line @typescript-eslint/no-explicit-any -- constructors differ in parameters
export type SettingToken<T> = string | symbol | (abstract new (...args: any[]) => T);

/**
 * A value, a text with placeholders (`'${orders.topic:orders}'`, the part after the colon is the
 * default), or a function. Placeholders are looked up by `resolveValue` of the module options, else
 * in the application's `ConfigService`, when the application starts.
 */
export type Setting<T> = T | string | ((source: SettingSource) => T);
