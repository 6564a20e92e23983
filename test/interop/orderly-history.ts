/**
 * What a group of orderly consumers did, as its members wrote it down: one file to which all append, so
 * the order of its lines is the order of what happened. Lines that begin with `!` are changes of the
 * membership, written by whoever made them, before they were made.
 */
export interface HistoryFigures {
  readonly handled: number;
  /** Handled once more, by whoever got the queue next. */
  readonly repeated: number;
  readonly changes: number;
}

interface Progress {
  /** The next offset, when all goes well. */
  next: number;
  /** The greatest offset handled. */
  greatest: number;
  member: string;
  /** Changes of the membership before the last step back. */
  changesAtStepBack: number;
}

/**
 * Throws at the first line that breaks the order: a message that was skipped (also when two members have
 * one queue at once), a step back that no change of the owner or the membership explains, or an event of a
 * key that comes before an earlier one was handled.
 */
export function checkHistory(text: string): HistoryFigures {
  const queues = new Map<string, Progress>();
  const keys = new Map<string, number>();
  let [handled, repeated, changes] = [0, 0, 0];
  for (const [at, line] of text.split('\n').slice(0, -1).entries()) {
    const wrong = (what: string) => new Error(`line ${at + 1}, '${line}': ${what}`);
    if (line.startsWith('!')) {
      changes += 1;
      continue;
    }
    const [member = '', queue = '', offsetText, key = '', stepText] = line.split(' ');
    const [offset, step] = [Number(offsetText), Number(stepText)];
    if (!Number.isInteger(offset) || !Number.isInteger(step)) throw wrong('is no event');
    const known = queues.get(queue);
    const progress = known ?? { next: 0, greatest: -1, member, changesAtStepBack: 0 };
    queues.set(queue, progress);
    if (offset > progress.next) {
      throw wrong(`${offset - progress.next} messages of the queue were skipped`);
    }
    if (offset < progress.next) {
      const isExplained = member !== progress.member || changes > progress.changesAtStepBack;
      if (!isExplained) throw wrong('goes back, and no member came or went');
      progress.changesAtStepBack = changes;
    }
    progress.next = offset + 1;
    progress.member = member;
    handled += 1;
    if (offset <= progress.greatest) {
      repeated += 1;
      continue;
    }
    progress.greatest = offset;
    const before = keys.get(key) ?? 0;
    if (step !== before) throw wrong(`event ${before} of ${key} was to come`);
    keys.set(key, step + 1);
  }
  return { handled, repeated, changes };
}

/** How many events of each key were handled. */
export function eventsOf(text: string): Map<string, number> {
  const keys = new Map<string, number>();
  for (const line of text.split('\n')) {
    const [, , , key, step] = line.split(' ');
    if (line.startsWith('!') || key === undefined) continue;
    keys.set(key, Math.max(keys.get(key) ?? 0, Number(step) + 1));
  }
  return keys;
}
