import { play, type Played } from './play.js';
import type { Step, Story } from './story.js';

/** More attempts than this are not worth the wait. */
const mostTries = 400;

export interface Shrunk {
  readonly story: Story;
  readonly played: Played;
  readonly tries: number;
}

/**
 * Removes steps from a story that fails as long as what is left breaks the same rule: first large
 * parts of it, then smaller ones, at last single steps.
 */
export async function shrink(story: Story, player = play): Promise<Shrunk> {
  let played = await player(story);
  const rule = played.violation?.rule;
  let { steps } = story;
  let tries = 0;
  let size = Math.ceil(steps.length / 2);
  while (size >= 1 && tries < mostTries) {
    let isShorter = false;
    for (let at = 0; at < steps.length && tries < mostTries;) {
      const fewer: readonly Step[] = [...steps.slice(0, at), ...steps.slice(at + size)];
      tries += 1;
      const again = await player({ ...story, steps: fewer });
      if (again.violation?.rule === rule) {
        steps = fewer;
        played = again;
        isShorter = true;
      } else at += size;
    }
    if (size === 1 && !isShorter) break;
    size = size === 1 ? 1 : Math.ceil(size / 2);
  }
  return { story: { ...story, steps }, played, tries };
}
