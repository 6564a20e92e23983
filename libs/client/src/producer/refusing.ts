import { InvalidMessageError } from '../client.errors.js';

/** Refuses a message before it leaves: a sentence that says what is wrong, and the values at fault. */
export function invalid(sentence: string, details: Record<string, unknown> = {}): never {
  throw new InvalidMessageError(sentence, { details });
}
