import { createHmac, createSecretKey, type KeyObject } from 'node:crypto';
import {
  QueryMessage,
  wireNameOf,
  writeField,
  type CommandDefinition,
  type Field,
} from '@nestjs-rocketmq/protocol';

/** One part of what is signed: a declared field of the request, or one beside them. */
interface Part {
  readonly wireName: string;
  readonly name: string;
  readonly field: Field | undefined;
}

/** Java leaves this mark of a query out of what is signed, in old versions always. */
const unsigned = wireNameOf('isUniqueKey', QueryMessage.asks.isUniqueKey);

/**
 * The text that is signed, without the body: the values of all ext fields by the order of their names,
 * nothing between them. Names are ASCII, so Java's order of strings is ours.
 */
export function contentOf(fields: Readonly<Record<string, string>>): string {
  let content = '';
  for (const name of Object.keys(fields).sort()) content += fields[name];
  return content;
}

/** Signs requests; the order of the fields of each command is worked out once. */
export class Signer {
  private readonly plans = new Map<CommandDefinition, readonly Part[]>();
  private secret: { readonly text: string; readonly key: KeyObject } | undefined;

  /** `standing`: the names of all fields that may be there beside the declared ones. */
  constructor(private readonly standing: readonly string[]) {}

  /** The signature over the declared fields, those beside them, and the body. */
  sign(
    secretKey: string,
    definition: CommandDefinition,
    asked: Readonly<Record<string, unknown>>,
    beside: Readonly<Record<string, string>>,
    body: Uint8Array,
  ): string {
    let plan = this.plans.get(definition);
    if (plan === undefined) {
      plan = planOf(definition, this.standing);
      this.plans.set(definition, plan);
    }
    let content = '';
    for (const { wireName, name, field } of plan) {
      if (field === undefined) {
        content += beside[wireName] ?? '';
        continue;
      }
      const value = asked[name];
      if (value === undefined || value === null) continue;
      content += typeof value === 'string' ? value : writeField(name, field, value);
    }
    const hmac = createHmac('sha1', this.keyOf(secretKey)).update(content, 'utf8');
    return hmac.update(body).digest('base64');
  }

  private keyOf(text: string): KeyObject {
    if (this.secret?.text !== text) {
      this.secret = { text, key: createSecretKey(Buffer.from(text)) };
    }
    return this.secret.key;
  }
}

function planOf(definition: CommandDefinition, standing: readonly string[]): Part[] {
  const parts: Part[] = Object.entries(definition.asks).map(([name, field]) => ({
    wireName: wireNameOf(name, field),
    name,
    field,
  }));
  for (const wireName of standing) {
    parts.push({ wireName, name: wireName, field: undefined });
  }
  return parts
    .filter((part) => part.wireName !== unsigned)
    .sort((a, b) => (a.wireName < b.wireName ? -1 : 1));
}
