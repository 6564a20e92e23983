/** Languages of clients; the position is the number in the binary header. Source: `LanguageCode` of 5.3.3. */
export const languages = [
  'JAVA',
  'CPP',
  'DOTNET',
  'PYTHON',
  'DELPHI',
  'ERLANG',
  'RUBY',
  'OTHER',
  'HTTP',
  'GO',
  'PHP',
  'OMS',
  'RUST',
  'NODE_JS',
] as const;
export type Language = (typeof languages)[number];

/**
 * What our servers and clients say of themselves by default: servers before 5.3.2 do not know
 * NODE_JS, and some fail on a language they do not know.
 */
export const defaultLanguage: Language = 'OTHER';

/** The number of a language in the binary header; OTHER for a name that is not in the table. */
export function languageNumber(name: string): number {
  const number = languages.indexOf(name as Language);
  return number < 0 ? languages.indexOf('OTHER') : number;
}

/** From a header: a name in any case, or a number; OTHER for what is not in the table. */
export function languageOf(raw: unknown): Language {
  if (typeof raw === 'number') return languages[raw] ?? 'OTHER';
  if (typeof raw !== 'string') return 'JAVA';
  return languages.find((name) => name === raw) ?? languages[languageNumber(raw.toUpperCase())]!;
}
