import { play } from './play.js';
import { shrink } from './shrink.js';
import { type Story, tell } from './story.js';

describe('the simulator', () => {
  it('tells and plays the same story for the same seed', async () => {
    for (const seed of [11, 12, 13]) {
      const first = await play(tell(seed));
      const second = await play(tell(seed));
      expect(second.digest).toBe(first.digest);
      expect(first.lines.length).toBeGreaterThan(10);
    }
  }, 60_000);

  it('tells another story for another seed', async () => {
    expect((await play(tell(14))).digest).not.toBe((await play(tell(15))).digest);
  }, 60_000);

  it('finds nothing to object to in a story without steps, nor in one of every fault', async () => {
    const empty: Story = { ...tell(1), steps: [] };
    expect((await play(empty)).violation).toBeUndefined();
    const all = Array.from({ length: 40 }, (_, seed) => tell(seed).steps).flat();
    const kinds = new Set(all.map((step) => step.do));
    const steps = [...kinds].flatMap((kind) => all.filter((one) => one.do === kind).slice(0, 2));
    const played = await play({ ...tell(2), steps });
    expect(played.violation).toBeUndefined();
    expect(played.counts.lives).toBeGreaterThan(4);
  }, 60_000);

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
      });
    const { story: least, tries } = await shrink(story, broken);
    expect(least.steps).toEqual([story.steps[7]]);
    expect(tries).toBeLessThan(60);
  });
});
