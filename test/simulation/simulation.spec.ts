import { jest } from '@jest/globals';
import type { Damaged } from './damage.js';
import { play } from './play.js';
import { shrink } from './shrink.js';
import { type Step, type Story, type StorySettings, tell } from './story.js';

type Dying = Extract<Step, { do: 'dieAt' }>;

const dies = (call: Dying['call'], during: Dying['during']): Step => ({
  do: 'dieAt',
  during,
  call,
  path: '',
  after: 0,
  crashSeed: undefined,
});

const fails = (call: Dying['call']): Step => ({
  do: 'failDisk',
  call,
  path: 'commitlog',
  times: 1,
  code: 'EIO',
  seed: 1,
});

const damages = (file: Damaged): Step => ({ do: 'damage', file, isKilled: false, seed: 7 });

/** Two dozen messages, and a step between. */
function shortStory(step: Step, more: object): Story {
  const send = (queueId: number): Step => ({
    do: 'send',
    by: 'one',
    topic: 'orders',
    queueId,
    count: 1,
    tag: 'C',
    size: 2900,
    level: 0,
    isBinary: false,
  });
  const some = [0, 1, 0, 1, 0, 1, 0, 1].map(send);
  const pass: Step = { do: 'pass', ms: 600 };
  const settings: StorySettings = {
    flushDiskType: 'ASYNC_FLUSH',
    mappedFileSizeCommitLog: 16_384,
    mappedFileSizeConsumeQueue: 400,
    flushConsumeQueueThoroughInterval: 300,
    isSql: false,
    enabledAppendPropCRC: true,
    enableConsumeQueueExt: true,
    mappedFileSizeConsumeQueueExt: 300,
    ...more,
  };
  return { seed: 1, settings, steps: [...some, pass, step, ...some, pass, ...some, pass] };
}

// A story takes a fraction of a second, on a machine that does nothing else.
jest.setTimeout(120_000);

describe('the simulator', () => {
  it('tells and plays the same story for the same seed, and another for another', async () => {
    const first = await play(tell(11));
    const second = await play(tell(11));
    expect(second.digest).toBe(first.digest);
    expect(first.lines.length).toBeGreaterThan(10);
    expect((await play(tell(12))).digest).not.toBe(first.digest);
  });

  it('finds nothing to object to in a story without steps, nor in one of every fault', async () => {
    const empty: Story = { ...tell(1), steps: [] };
    expect((await play(empty)).violation).toBeUndefined();
    const all = Array.from({ length: 40 }, (_, seed) => tell(seed).steps).flat();
    const kinds = new Set(all.map((step) => step.do));
    const steps = [...kinds].flatMap((kind) => all.filter((one) => one.do === kind).slice(0, 2));
    const played = await play({ ...tell(2), steps });
    expect(played.violation).toBeUndefined();
    expect(played.counts.lives).toBeGreaterThan(4);
  });

  it.each([
    ['a kill in the middle of a write', dies('write', 'run'), 'death write'],
    ['a kill in the middle of a start', dies('open', 'start'), 'death open'],
    ['a kill in the middle of a stop', dies('rename', 'stop'), 'death rename'],
    ['a read that fails', fails('read'), 'EIO read'],
    ['a sync that fails', fails('sync'), 'EIO sync'],
    ['answers in another order', { do: 'shuffle', client: 'one', frames: 4, seed: 2 }, 'order'],
    [
      'frames that belong to nothing',
      { do: 'mislead', client: 'one', frames: 1, seed: 2 },
      'nothing',
    ],
    [
      'a half-open connection',
      { do: 'cutOff', client: 'all', deaf: 'both', ms: 2000 },
      'half-open',
    ],
    ['damage of the log', damages('log'), 'damage of log'],
    ['damage of a queue', damages('queue'), 'damage of queue'],
    ['damage of the index', damages('index'), 'damage of index'],
    ['damage of the checkpoint', damages('checkpoint'), 'damage of checkpoint'],
    ['removal of old files', { do: 'expire', ms: 4_000_000 }, 'old record gone'],
    ['a slow reader', { do: 'stall', client: 'all', ms: 1000 }, 'slow reader, buffer full'],
  ] as [string, Step, string][])('lets %s happen, and nothing is wrong', async (_, step, what) => {
    const { violation, happened } = await play(shortStory(step, {}));
    expect(violation).toBeUndefined();
    expect([...happened.keys()].filter((one) => one.includes(what))).not.toEqual([]);
  });

  it.each([
    ['files that go before their time', { fileReservedTime: 0 }, 'I1'],
    ['keys that are not in the index', { messageIndexEnable: false }, 'I1'],
    ['a group that gets nothing', { enablePropertyFilter: false, isSql: true }, 'I4'],
  ])('notices %s', async (_, wrong, rule) => {
    const { violation } = await play(shortStory({ do: 'expire', ms: 0 }, wrong));
    expect(violation).toMatchObject({ rule });
  });

  it('shortens a story to the steps that break the rule', async () => {
    const story = tell(16);
    const broken: typeof play = (one) =>
      Promise.resolve({
        violation: one.steps.some((step) => step === story.steps[7])
          ? { rule: 'I1', sentence: 'gone' }
          : undefined,
        digest: '',
        lines: [],
        counts: { answered: 0, lives: 0, millis: 0 },
        happened: new Map(),
      });
    const { story: least, tries } = await shrink(story, broken);
    expect(least.steps).toEqual([story.steps[7]]);
    expect(tries).toBeLessThan(60);
  });
});
