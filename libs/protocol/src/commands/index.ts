import type { CommandDefinition } from '../command/define-command.js';
import { DeclarationError } from '../protocol.errors.js';
import * as admin from './admin.js';
import * as cleaning from './cleaning.js';
import * as inspection from './inspection.js';
import * as membership from './membership.js';
import * as offsets from './offsets.js';
import * as pull from './pull.js';
import * as query from './query.js';
import * as registration from './registration.js';
import * as route from './route.js';
import * as send from './send.js';
import * as topics from './topics.js';
import * as transaction from './transaction.js';

export * from './admin.js';
export * from './cleaning.js';
export * from './inspection.js';
export * from './membership.js';
export * from './offsets.js';
export * from './pull.js';
export * from './query.js';
export * from './registration.js';
export * from './route.js';
export * from './send.js';
export * from './topics.js';
export * from './transaction.js';

function isCommand(value: unknown): value is CommandDefinition {
  return typeof value === 'object' && value !== null && 'outcomes' in value;
}

/** Every declared command, by rising code. Throws `DeclarationError` when one code stands twice. */
export const allCommands: readonly CommandDefinition[] = [
  admin,
  cleaning,
  inspection,
  membership,
  offsets,
  pull,
  query,
  registration,
  route,
  send,
  topics,
  transaction,
]
  .flatMap((family) => Object.values(family as Record<string, unknown>).filter(isCommand))
  .toSorted((a, b) => a.code - b.code);

const byCode = new Map<number, CommandDefinition>();
for (const command of allCommands) {
  if (byCode.has(command.code)) {
    throw new DeclarationError(`${command.name} is declared twice`);
  }
  byCode.set(command.code, command);
}

/** The declaration of a request code; undefined when we declare none. */
export function commandByCode(code: number): CommandDefinition | undefined {
  return byCode.get(code);
}
