import type { INestApplicationContext } from '@nestjs/common';
import type { RocketMQTemplate, SendResult } from 'nestjs-rocketmq';
import { eventually } from './eventually.js';
import type { LogLines } from './nest-on-embedded.js';
import {
  keyOf,
  labelOf,
  startOutcomes,
  topicOf,
  type OutcomeServers,
  type Seen,
} from './outcome-application.js';
import { batchCases, modes, outcomeCases, type Fate, type OutcomeCase } from './outcome-cases.js';
import type { Mode } from './outcome-cases.js';

/** Busy machines may take their time. */
const patience = 40_000;

const callsOfFate: Record<Fate, number> = { done: 1, again: 2, 'dead letters': 1, dropped: 1 };
const callsOf = ({ calls, fates }: OutcomeCase, mode: Mode): number =>
  calls?.[mode] ?? callsOfFate[fates[mode]];

const cells = modes.flatMap((mode) =>
  outcomeCases.map((row) => ({ mode, row, name: row.name, fate: row.fates[mode] })),
);
const batchCells = modes.flatMap((mode) =>
  Object.entries(batchCases).flatMap(([kind, messages]) =>
    Object.entries(messages).map(([name, fates]) => ({
      mode,
      kind: kind as keyof typeof batchCases,
      name,
      fate: fates[mode] as Fate,
    })),
  ),
);

/** The table of outcomes, a test for each cell. All messages are sent at once. */
export function describeOutcomes(
  broker: string,
  start: () => Promise<OutcomeServers & { close(): Promise<void> }>,
): void {
  describe(`what becomes of a message, on ${broker}`, () => {
    let servers: (OutcomeServers & { close(): Promise<void> }) | undefined;
    let app: INestApplicationContext | undefined;
    let logger: LogLines;
    let seen: Seen;
    const sent = new Map<string, SendResult>();

    beforeAll(async () => {
      servers = await start();
      const running = await startOutcomes(servers);
      ({ app, logger, seen } = running);
      await sendAll(running.template, sent);
    }, 180_000);

    afterAll(async () => {
      await app?.close();
      await servers?.close();
    }, 60_000);

    const ends = async (key: string, calls: number, fate: Fate): Promise<void> => {
      const told = () => ({
        calls: seen.calls.get(key) ?? 0,
        isDead: seen.dead.has(key),
        isDropped: logger.lines.some((line) => line.includes(idOf(key)) && /is dropped/.test(line)),
      });
      const wanted = { calls, isDead: fate === 'dead letters', isDropped: fate === 'dropped' };
      const isThere = () => (JSON.stringify(told()) === JSON.stringify(wanted) ? true : undefined);
      await eventually(`${key}: ${fate}`, patience, isThere).catch(() => undefined);
      expect(told()).toEqual(wanted);
    };
    const idOf = (key: string): string => sent.get(key)?.msgId ?? 'not sent';

    it.each(cells)('$mode: a handler that $name -> $fate', async ({ mode, row, fate }) => {
      await ends(keyOf(row.name, mode), callsOf(row, mode), fate);
    });

    it.each(batchCells)('$mode: $kind batch, message $name -> $fate', async (cell) => {
      const { mode, kind, name, fate } = cell;
      const key = keyOf(`${kind}/${name}`, mode);
      await eventually(key, patience, () =>
        (seen.calls.get(key) ?? 0) >= callsOfFate[fate] ? true : undefined,
      );
      expect(seen.calls.get(key)).toBe(callsOfFate[fate]);
      if (fate !== 'dead letters') return;
      await eventually(`${key} is dead`, patience, () => (seen.dead.has(key) ? true : undefined));
    });

    it('the body of a dead letter is what was sent, readable or not', () => {
      const key = keyOf('is to get a body that cannot be read', 'concurrent');
      expect(seen.dead.get(key)).toBe('no json');
      expect(seen.dead.get(keyOf('throws NonRetryableError', 'orderly'))).toBe('{"text":"fine"}');
    });

    it('hooks are told of every error and of every dead letter, once', () => {
      for (const { mode, row, fate } of cells) {
        const key = keyOf(row.name, mode);
        const isInvalid = row.payload !== undefined;
        const errors = isInvalid ? 1 : (row.errors?.[mode] ?? 0);
        expect([key, seen.errors.get(key) ?? 0]).toEqual([key, errors]);
        const count = fate === 'dead letters' ? 1 : 0;
        expect([key, seen.buried.get(key)?.length ?? 0]).toEqual([key, count]);
      }
    });

    it('every error is logged, and none twice', () => {
      for (const { mode, row } of cells) {
        const label = labelOf(row.name, mode);
        const lines = logger.lines.filter((line) => line.includes(label));
        const errors = row.errors?.[mode] ?? 0;
        if (errors > 0) expect([label, lines.length]).toEqual([label, errors]);
      }
    });
  });
}

async function sendAll(template: RocketMQTemplate, sent: Map<string, SendResult>): Promise<void> {
  for (const { mode, row } of cells) {
    const key = keyOf(row.name, mode);
    const payload = row.payload ?? { text: 'fine' };
    const json = { keys: key, contentType: 'application/json' };
    sent.set(key, await template.send(topicOf(row.kind, mode), payload, json));
  }
  for (const mode of modes) {
    for (const [kind, messages] of Object.entries(batchCases)) {
      const names = Object.keys(messages);
      await template.sendBatch(
        topicOf(kind as keyof typeof batchCases, mode),
        names.map((text) => ({ text })),
        { keys: ({ text }) => keyOf(`${kind}/${text}`, mode) },
      );
    }
  }
}
