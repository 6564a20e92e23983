import type { CommandDefinition } from '../command/define-command.js';
import type { AskedView } from './hot-types.js';
import { requiredMask, type ScannedField } from './header-scanner.js';
import type { HeaderSlots } from './header-slots.js';
import { jsonTexts, plainTexts } from './intern-table.js';
import { newSpan, type MovingSpan } from './property-marks.js';

/** The view of a command together with what the remoting layer must see of it. */
export interface BoundView {
  readonly view: AskedView<CommandDefinition>;
  readonly body: MovingSpan;
  readonly required: number;
}

/** Makes the one view of a command over the slots that scanners fill. */
export function makeAskedView(slots: HeaderSlots, fields: readonly ScannedField[]): BoundView {
  const body = newSpan();
  // A class of its own for each command, so that reading a field stays a direct access.
  class View {
    readonly body = body;

    keep(): Record<string, unknown> {
      const kept: Record<string, unknown> = {};
      for (const each of fields) {
        const value = each.field.kind === 'properties' ? textOf(slots, each.slot) : this.read(each);
        if (value !== undefined) kept[each.name] = value;
      }
      return kept;
    }

    private read({ name }: ScannedField): unknown {
      return (this as unknown as Record<string, unknown>)[name];
    }
  }
  for (const field of fields) {
    Object.defineProperty(View.prototype, field.name, {
      get: getter(slots, field),
      enumerable: true,
    });
  }
  return {
    view: new View() as unknown as AskedView<CommandDefinition>,
    body,
    required: requiredMask(fields),
  };
}

function textOf(slots: HeaderSlots, slot: number): string | undefined {
  if ((slots.seen & (1 << slot)) === 0) return undefined;
  const from = slots.from[slot] as number;
  const to = slots.to[slot] as number;
  return (slots.isBinary ? plainTexts : jsonTexts).get(slots.bytes, slots.data, from, to);
}

function getter(slots: HeaderSlots, { field, slot }: ScannedField): () => unknown {
  const bit = 1 << slot;
  const { fallback } = field;
  switch (field.kind) {
    case 'int32':
      return () => ((slots.seen & bit) === 0 ? fallback : (slots.numbers[slot] as number) | 0);
    case 'int64':
      return () => ((slots.seen & bit) === 0 ? fallback : slots.numbers[slot]);
    case 'bool':
      return () => ((slots.seen & bit) === 0 ? fallback : slots.numbers[slot] === 1);
    case 'properties':
      return () => slots.properties;
    default:
      return () => ((slots.seen & bit) === 0 ? fallback : textOf(slots, slot));
  }
}
