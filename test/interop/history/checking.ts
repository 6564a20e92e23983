import { PropertyName, type StoredMessage } from '@nestjs-rocketmq/message';
import { type Asker, eachOf } from './asker.js';
import type { Disk } from './disk.js';
import type { Journal } from './journal.js';
import type { Shelf } from './shelf.js';

/** How many messages were found in which way. */
export interface Found {
  offset: number;
  position: number;
  key: number;
  uniqueKey: number;
  time: number;
  /** By time as far as the neighbour of its queue file; see `findAll`. */
  timeNearby: number;
}

export const nothingFound = (): Found => ({
  offset: 0,
  position: 0,
  key: 0,
  uniqueKey: 0,
  time: 0,
  timeNearby: 0,
});

/** What the books and the shelf do not agree about. */
export function compare(journal: Journal, shelf: Shelf): string[] {
  const problems: string[] = [];
  for (const [place, times] of journal.wanted) {
    const count = shelf.countOf(place);
    if (count < times) problems.push(`${place} is there ${count} times and not ${times}`);
    const most = journal.mostOf(place);
    if (count > most) problems.push(`${place} is there ${count} times, ${most} are explained`);
  }
  for (const place of shelf.places) {
    if (journal.withdrawn.has(place)) problems.push(`${place} was withdrawn and is there`);
    else if (journal.mostOf(place) === 0) problems.push(`nobody sent ${place}`);
  }
  for (const entry of journal.entries.values()) {
    if (entry.queueOffset === undefined) continue;
    const one = shelf.queue(entry.topic, entry.queueId ?? 0)[entry.queueOffset];
    const where = `${entry.topic}/${entry.queueId}/${entry.queueOffset}`;
    if (one?.text !== entry.body) problems.push(`${where} is ${one?.text}, not ${entry.body}`);
    else problems.push(...differences(where, entry.msgId, entry.keys, one));
  }
  for (const [topic, queueId] of shelf.allQueues) {
    const messages = shelf.queue(topic, queueId);
    const wrong = messages.findIndex((one, i) => one.queueOffset !== i);
    if (wrong >= 0) problems.push(`${topic}/${queueId} has no message at ${wrong}`);
  }
  return problems;
}

function differences(
  where: string,
  msgId: string | undefined,
  keys: readonly string[],
  one: StoredMessage,
): string[] {
  const problems: string[] = [];
  if (msgId !== undefined && one.msgId !== msgId) problems.push(`${where} is not ${msgId}`);
  const missing = keys.filter((key) => !one.keys.includes(key));
  if (missing.length > 0) problems.push(`${where} has not the keys ${missing.join(' ')}`);
  return problems;
}

/** Records that the broker before left on the disk and that are not given out byte by byte. */
export function changedRecords(disk: Disk, shelf: Shelf): string[] {
  const changed: string[] = [];
  for (const one of disk.records) {
    if (!shelf.has(one.topic)) continue;
    const given = shelf.queue(one.topic, one.queueId)[one.queueOffset];
    if (given !== undefined && isSame(given, one)) continue;
    changed.push(`${one.topic}/${one.queueId}/${one.queueOffset}`);
  }
  return changed;
}

/**
 * Looks for every message of the shelf in every way. `perFile`: 4.9.7 looks for a time in the queue file,
 * of so many entries, that was changed last at that time or after it; entries are written some time
 * after their messages, so what is near the border of two files may be looked for in the other one.
 */
export async function findAll(
  asker: Asker,
  shelf: Shelf,
  perFile?: number,
): Promise<[Found, string[]]> {
  const found = nothingFound();
  const missed: string[] = [];
  await eachOf(shelf.all, async (one) => {
    const where = `${one.topic}/${one.queueId}/${one.queueOffset}`;
    const tell = (way: keyof Found, isFound: boolean) => {
      if (isFound) found[way] += 1;
      else missed.push(`${where} by ${way}`);
    };
    found.offset += 1;
    const viewed = await asker.view(one.logPosition);
    tell('position', viewed !== undefined && isSame(viewed, one));
    const uniqueKey = one.property(PropertyName.UNIQUE_KEY);
    if (uniqueKey !== undefined) {
      tell('uniqueKey', holds(await asker.find(one.topic, uniqueKey, true), one));
    }
    const key = one.keys.at(-1);
    if (key !== undefined) tell('key', holds(await asker.find(one.topic, key, false), one));
    const at = await asker.searchOffset(one.topic, one.queueId, one.storeTimestamp);
    const first = shelf.queue(one.topic, one.queueId)[at];
    // Several messages may have the same time; any of them is an answer.
    if (first?.storeTimestamp === one.storeTimestamp || perFile === undefined) {
      return tell('time', first?.storeTimestamp === one.storeTimestamp);
    }
    const files = Math.floor(one.queueOffset / perFile) - Math.floor(at / perFile);
    tell('timeNearby', Math.abs(files) === 1);
  });
  return [found, missed];
}

function holds(answers: readonly StoredMessage[], one: StoredMessage): boolean {
  return answers.some((answer) => answer.logPosition === one.logPosition && isSame(answer, one));
}

function isSame(a: StoredMessage, b: StoredMessage): boolean {
  return Buffer.compare(a.record, b.record) === 0;
}

/** Entries that are not on the shelf as often as they are due. */
export function missing(journal: Journal, shelf: Shelf): string[] {
  const places: string[] = [];
  for (const [place, times] of journal.wanted) {
    const count = shelf.countOf(place);
    if (count < times && !isPending(journal, place)) places.push(`${place} (${count})`);
  }
  return places;
}

function isPending(journal: Journal, place: string): boolean {
  const entry = journal.entries.get(place);
  return entry !== undefined && journal.pending.has(entry.body);
}
