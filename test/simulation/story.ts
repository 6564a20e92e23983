import { SeededRandom } from '@nestjs-rocketmq/foundation/testing';
import type { FaultyCall } from '@nestjs-rocketmq/store/testing';
import type { Damaged } from './damage.js';
import type { Deafness } from './simulated-network.js';
import type { Delivery } from './wire-faults.js';

export const producerNames = ['one', 'two', 'payer'] as const;
export type ProducerName = (typeof producerNames)[number];
/** Its retry topic has more than 127 bytes, so records there are of version 2. */
export const choosingGroup = 'some'.padEnd(121, '-long');
export const consumerGroups = ['all', choosingGroup] as const;
export const clientNames = [...producerNames, ...consumerGroups] as const;
export type ClientName = string;
export const topicNames = ['orders', 'stock'] as const;
export const paymentTopic = 'payments';
export const queuesOfTopic = 2;
/** Files of the log stay for an hour. */
export const reservedMillis = 3_600_000;
/** `Aa` and `BB` have the same hash in Java, so the broker cannot tell them apart. */
export const tags = ['Aa', 'BB', 'C', 'D'] as const;

/** What happens next in a story. Steps are plain data: a story without one of them still works. */
export type Step =
  | {
      readonly do: 'send';
      readonly by: ProducerName;
      readonly topic: string;
      readonly queueId: number;
      readonly count: number;
      readonly tag: string;
      readonly size: number;
      readonly level: number;
      readonly isBinary: boolean;
    }
  | { readonly do: 'half'; readonly queueId: number; readonly size: number; readonly level: number }
  | {
      readonly do: 'decide';
      readonly which: number;
      readonly decisions: readonly ('commit' | 'rollback')[];
      readonly gap: number;
      readonly isOneway: boolean;
    }
  | { readonly do: 'hop'; readonly count: number }
  | { readonly do: 'pass'; readonly ms: number }
  | { readonly do: 'kill' | 'stop'; readonly pause: number }
  | { readonly do: 'crash'; readonly pause: number; readonly seed: number }
  | { readonly do: 'dieStarting'; readonly hops: number; readonly crashSeed: number | undefined }
  /** The broker stops or is killed, and something is wrong with its files when it starts again. */
  | {
      readonly do: 'damage';
      readonly file: Damaged;
      readonly isKilled: boolean;
      readonly seed: number;
    }
  | {
      /** The process dies in the middle of a call to the disk, and perhaps the power with it. */
      readonly do: 'dieAt';
      readonly during: 'run' | 'start' | 'stop';
      readonly call: FaultyCall;
      readonly path: string;
      readonly after: number;
      readonly crashSeed: number | undefined;
    }
  | {
      readonly do: 'failDisk';
      readonly call: FaultyCall;
      readonly path: string;
      readonly times: number;
      readonly code: 'EIO' | 'ENOSPC';
      readonly seed: number;
    }
  | { readonly do: 'fillDisk'; readonly pages: number; readonly ms: number }
  | { readonly do: 'slowDisk'; readonly ms: number }
  | { readonly do: 'jump'; readonly ms: number }
  /** What is there grows old, and an operator asks for the removal of old files. */
  | { readonly do: 'expire'; readonly ms: number }
  | {
      readonly do: 'reset';
      readonly client: ClientName;
      readonly bytes: number;
      readonly isFromBroker: boolean;
    }
  | {
      readonly do: 'crumble';
      readonly client: ClientName;
      readonly delivery: Delivery;
      readonly seed: number;
    }
  | { readonly do: 'double'; readonly client: ClientName; readonly frames: number }
  | {
      readonly do: 'mislead' | 'shuffle';
      readonly client: ClientName;
      readonly frames: number;
      readonly seed: number;
    }
  | {
      readonly do: 'cutOff';
      readonly client: ClientName;
      readonly deaf: Deafness;
      readonly ms: number;
    }
  | { readonly do: 'stall'; readonly client: ClientName; readonly ms: number };

export interface StorySettings {
  readonly flushDiskType: 'ASYNC_FLUSH' | 'SYNC_FLUSH';
  readonly mappedFileSizeCommitLog: number;
  readonly mappedFileSizeConsumeQueue: number;
  readonly flushConsumeQueueThoroughInterval: number;
  /** The second group chooses by properties and not by tags. */
  readonly isSql: boolean;
  /** Each record has a checksum over all of it. */
  readonly enabledAppendPropCRC: boolean;
  /** Queues have an extension, in files of that size. */
  readonly enableConsumeQueueExt: boolean;
  readonly mappedFileSizeConsumeQueueExt: number;
}

export interface Story {
  readonly seed: number;
  readonly settings: StorySettings;
  readonly steps: readonly Step[];
}

/** How often each kind of step comes, in parts of all. A story has all faults, some, or none. */
const calm: Readonly<Record<string, number>> = {
  send: 45,
  half: 9,
  decide: 12,
  hop: 10,
  pass: 14,
};
const faults: Readonly<Record<string, number>> = {
  kill: 2,
  crash: 3,
  stop: 1.5,
  dieStarting: 0.6,
  dieAt: 2,
  damage: 1.5,
  failDisk: 1.5,
  fillDisk: 0.6,
  slowDisk: 2,
  jump: 0.5,
  expire: 1,
  reset: 2,
  crumble: 1.5,
  double: 1.5,
  mislead: 1,
  shuffle: 1.5,
  cutOff: 1.5,
  stall: 1,
};

/** Tells the whole story of a seed: what is asked of the broker, and what breaks meanwhile. */
export function tell(seed: number): Story {
  const random = new SeededRandom(seed);
  const settings = {
    flushDiskType: random.pick(['ASYNC_FLUSH', 'SYNC_FLUSH'] as const),
    mappedFileSizeCommitLog: random.pick([8192, 16_384, 65_536]),
    mappedFileSizeConsumeQueue: random.pick([200, 400, 2000]),
    flushConsumeQueueThoroughInterval: random.pick([300, 1500]),
    isSql: random.chance(0.4),
    enabledAppendPropCRC: random.chance(0.4),
  };
  const kinds = random.chance(0.1) ? [] : Object.keys(faults).filter(() => random.chance(0.6));
  const parts: Record<string, number> = { ...calm };
  for (const kind of kinds) parts[kind] = faults[kind] as number;
  const count = 30 + random.below(90);
  const steps = Array.from({ length: count }, () => oneStep(random, choose(random, parts)));
  const extension = {
    enableConsumeQueueExt: random.chance(0.4),
    mappedFileSizeConsumeQueueExt: random.pick([128, 300, 2000]),
  };
  return { seed, settings: { ...settings, ...extension }, steps };
}

/** Whether nothing breaks in a story. */
export function isCalm(story: Story): boolean {
  return story.steps.every((step) => Object.hasOwn(calm, step.do));
}

function choose(random: SeededRandom, parts: Readonly<Record<string, number>>): string {
  const all = Object.entries(parts);
  let left = random.next() * all.reduce((sum, [, part]) => sum + part, 0);
  for (const [kind, part] of all) if ((left -= part) < 0) return kind;
  return 'hop';
}

function oneStep(random: SeededRandom, kind: string): Step {
  switch (kind) {
    case 'send':
      return {
        do: 'send',
        by: random.pick(['one', 'two']),
        topic: random.pick(topicNames),
        queueId: random.below(queuesOfTopic),
        count: random.chance(0.15) ? 2 + random.below(4) : 1,
        tag: random.pick(tags),
        size: random.chance(0.1) ? 1500 + random.below(1500) : random.below(400),
        level: random.chance(0.15) ? 1 + random.below(4) : 0,
        isBinary: random.chance(0.3),
      };
    case 'half':
      return {
        do: 'half',
        queueId: random.below(queuesOfTopic),
        size: random.below(300),
        level: random.chance(0.1) ? 1 + random.below(2) : 0,
      };
    case 'decide':
      return {
        do: 'decide',
        which: random.below(1000),
        decisions: Array.from({ length: random.chance(0.7) ? 1 : 2 }, () =>
          random.pick(['commit', 'commit', 'rollback'] as const),
        ),
        gap: random.pick([0, 0, 50, 2500]),
        isOneway: random.chance(0.3),
      };
    case 'hop':
      return { do: 'hop', count: 1 + random.below(6) };
    case 'pass':
      return { do: 'pass', ms: random.pick([5, 30, 200, 600, 1500, 4000]) };
    case 'kill':
    case 'stop':
      return { do: kind, pause: random.below(500) };
    case 'crash':
      return { do: 'crash', pause: random.below(500), seed: random.below(2 ** 30) };
    case 'dieStarting':
      return {
        do: 'dieStarting',
        hops: random.below(8),
        crashSeed: random.chance(0.6) ? random.below(2 ** 30) : undefined,
      };
    default:
      return oneFault(random, kind);
  }
}

const paths = ['commitlog', 'commitlog', 'consumequeue', 'index', 'checkpoint', 'config', ''];
const failing = ['write', 'write', 'sync', 'truncate', 'read', 'open', 'remove', 'rename'] as const;

function oneFault(random: SeededRandom, kind: string): Step {
  const client = random.pick(clientNames);
  const seed = random.below(2 ** 30);
  switch (kind) {
    case 'dieAt':
      return {
        do: 'dieAt',
        during: random.pick(['run', 'run', 'run', 'start', 'stop'] as const),
        call: random.pick(['write', 'write', 'sync', 'truncate', 'remove', 'rename', 'open']),
        path: random.pick(paths),
        after: random.chance(0.5) ? 0 : random.below(12),
        crashSeed: random.chance(0.5) ? seed : undefined,
      };
    case 'failDisk': {
      const call = random.pick(failing);
      return {
        do: 'failDisk',
        call,
        path: random.pick(paths),
        times: random.chance(0.2) ? 1000 : 1 + random.below(3),
        code: call === 'write' && random.chance(0.4) ? 'ENOSPC' : 'EIO',
        seed,
      };
    }
    case 'fillDisk':
      return { do: 'fillDisk', pages: random.below(6), ms: 100 + random.below(3000) };
    case 'slowDisk':
      return { do: 'slowDisk', ms: 10 + random.below(4990) };
    case 'jump':
      return { do: 'jump', ms: (random.chance(0.5) ? 1 : -1) * random.below(3_600_000) };
    case 'damage': {
      const file = random.pick(['log', 'log', 'queue', 'index', 'checkpoint', 'offsets', 'delays']);
      return { do: 'damage', file: file as Damaged, isKilled: random.chance(0.5), seed };
    }
    case 'expire':
      return { do: 'expire', ms: reservedMillis * random.pick([0, 1, 1.1]) };
    case 'reset':
      return { do: 'reset', client, bytes: random.below(600), isFromBroker: random.chance(0.5) };
    case 'crumble':
      return { do: 'crumble', client, delivery: random.pick(['bytes', 'pieces', 'whole']), seed };
    case 'double':
      return { do: 'double', client, frames: 1 + random.below(5) };
    case 'mislead':
      return { do: 'mislead', client, frames: 1 + random.below(3), seed };
    case 'shuffle':
      return { do: 'shuffle', client, frames: 2 + random.below(4), seed };
    case 'cutOff': {
      const deaf = random.pick(['broker', 'client', 'both', 'both'] as const);
      return { do: 'cutOff', client, deaf, ms: random.pick([200, 2000, 9000]) };
    }
    default:
      return { do: 'stall', client, ms: random.pick([50, 1000, 5000]) };
  }
}
