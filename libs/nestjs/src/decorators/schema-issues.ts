import type { StandardSchemaIssue } from './standard-schema.js';

/** `items.0.sku: Expected string`, as Nest's own pipe for schemas has it. */
export function issueSentence({ message, path }: StandardSchemaIssue): string {
  const names = (path ?? []).map((step) => String(typeof step === 'object' ? step.key : step));
  return names.length === 0 ? message : `${names.join('.')}: ${message}`;
}
