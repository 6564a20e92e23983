import {
  ConsumeResult,
  NonRetryableError,
  RetryLaterError,
  type RocketMQContext,
} from 'nestjs-rocketmq';

export const modes = ['concurrent', 'orderly', 'broadcast'] as const;
export type Mode = (typeof modes)[number];
export type Fate = 'done' | 'again' | 'dead letters' | 'dropped';

/** A row of the table of outcomes: what a handler does, and what becomes of its message. */
export interface OutcomeCase {
  /** Goes on after "a handler that". */
  readonly name: string;
  /** `slow`: the listener has a short `consumeTimeout`. */
  readonly kind: 'single' | 'slow';
  readonly fates: Readonly<Record<Mode, Fate>>;
  /** What the handler does; `label` is unique for case and mode. */
  readonly act: (context: RocketMQContext, label: string) => unknown;
  /** What is sent instead of a good payload. */
  readonly payload?: unknown;
  /** How often the handler is called, where that does not follow from the fate. */
  readonly calls?: Readonly<Record<Mode, number>>;
  /** How many errors hooks and log are told of, in each mode. */
  readonly errors?: Readonly<Record<Mode, number>>;
}

const done = { concurrent: 'done', orderly: 'done', broadcast: 'done' } as const;
const again = { concurrent: 'again', orderly: 'again', broadcast: 'dropped' } as const;
const dead = {
  concurrent: 'dead letters',
  orderly: 'dead letters',
  broadcast: 'dropped',
} as const;
const each = (count: number) => ({ concurrent: count, orderly: count, broadcast: count });

const throws =
  (make: (label: string) => unknown) =>
  (_: RocketMQContext, label: string): never => {
    throw make(label);
  };

/** Only at the first try. */
const once =
  (act: OutcomeCase['act']): OutcomeCase['act'] =>
  (context, label) =>
    context.reconsumeTimes === 0 ? act(context, label) : undefined;

function untilAborted({ signal }: RocketMQContext): Promise<void> {
  return new Promise((resolve) => {
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
}

/** The table; `docs/nest/outcomes.md` tells the same in words. */
export const outcomeCases: readonly OutcomeCase[] = [
  { name: 'returns nothing', kind: 'single', fates: done, act: () => undefined },
  { name: 'returns a value', kind: 'single', fates: done, act: () => ({ kind: 'retry' }) },
  {
    name: 'returns ConsumeResult.success()',
    kind: 'single',
    fates: done,
    act: () => Promise.resolve(ConsumeResult.success()),
  },
  {
    name: 'returns ConsumeResult.retryLater()',
    kind: 'single',
    fates: again,
    act: once(() => ConsumeResult.retryLater({ delayLevel: 1 })),
  },
  {
    name: 'throws RetryLaterError',
    kind: 'single',
    fates: again,
    act: once(throws((label) => new RetryLaterError(label, { delayMs: '1s' }))),
  },
  {
    name: 'throws an error',
    kind: 'single',
    fates: again,
    act: once(throws((label) => new Error(label))),
    errors: each(1),
  },
  {
    name: 'rejects with an error',
    kind: 'single',
    fates: again,
    act: once((_, label) => Promise.reject(new Error(label))),
    errors: each(1),
  },
  {
    name: 'returns ConsumeResult.deadLetter()',
    kind: 'single',
    fates: dead,
    act: (_, label) => ConsumeResult.deadLetter(label),
  },
  {
    name: 'throws NonRetryableError',
    kind: 'single',
    fates: dead,
    act: throws((label) => new NonRetryableError(label)),
    errors: each(1),
  },
  {
    name: 'is to get a payload that fails validation',
    kind: 'single',
    fates: dead,
    act: () => undefined,
    payload: { text: 5 },
    calls: each(0),
  },
  {
    name: 'is to get a body that cannot be read',
    kind: 'single',
    fates: dead,
    act: () => undefined,
    payload: Buffer.from('no json'),
    calls: each(0),
  },
  {
    name: 'fails at every try',
    kind: 'single',
    fates: dead,
    act: throws((label) => new Error(label)),
    calls: { concurrent: 3, orderly: 3, broadcast: 1 },
    errors: { concurrent: 3, orderly: 3, broadcast: 1 },
  },
  {
    name: 'takes longer than consumeTimeout',
    kind: 'slow',
    // Order must be kept: an orderly queue waits for its handler, whose answer counts.
    fates: { concurrent: 'again', orderly: 'done', broadcast: 'dropped' },
    act: once((context) => untilAborted(context)),
  },
];

/** The messages of a batch, and what becomes of each. */
export const batchCases = {
  /** The handler says that those called `a` are done, and then fails. */
  acknowledged: { a: done, b: again, c: again },
  /** The handler answers a result for each. */
  each: { a: done, b: again, c: dead },
} as const satisfies Record<string, Record<string, Readonly<Record<Mode, Fate>>>>;
