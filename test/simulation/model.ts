import type { StoredMessage } from '@nestjs-rocketmq/message';
import type { Consumer } from './consumer.js';
import type { History, LifeEnd, Place, SeenRecord, SentMessage } from './history.js';
import { reservedMillis, type StorySettings } from './story.js';
import { halfTopic, opTopic } from './topics.js';
import type { World } from './world.js';

/** How long after their write ASYNC_FLUSH may leave messages undurable, with some room. */
const asyncWindow = 1500;
/** At most so long after a message was stored its sender heard of it. */
const answerMillis = 15_000;
/** How long a committed offset may stay unsaved, with some room. */
export const offsetWindow = 3000;

interface Known {
  readonly id: string;
  readonly position: number;
  /** When it was stored, as far as known, by the wall clock. */
  readonly storedAt: number;
}

interface PullWindow {
  readonly group: string;
  readonly topic: string;
  readonly queueId: number;
  readonly from: number;
  readonly next: number;
  readonly offsets: ReadonlySet<number>;
}

export type Contents = ReadonlyMap<string, SeenRecord>;

export const keyOf = (place: Omit<Place, 'position'>): string =>
  `${place.topic}/${place.queueId}/${place.offset}`;

/**
 * What must hold, in lists: which record stands in which place, what every group was given and
 * told. Judges while the story goes on; `Verdict` judges the end.
 */
export class Model {
  /** What is known to stand where, from answers to senders and from what was read. */
  readonly known = new Map<string, Known>();
  windows: PullWindow[] = [];
  /** Below these offsets a group may have been moved over messages by a loss. */
  readonly excused = new Map<string, number>();
  readonly given = new Map<string, Set<string>>();
  private readonly reached = new Map<string, number>();
  /** A sync of the log has failed: from then on a power failure may take more. */
  isDoubtful = false;
  /** The wall clock was set back. */
  wasSetBack = false;
  /** Something was lost that may be lost. */
  hadLoss = false;
  /** The disk was full, so files may go before their time. */
  wasFull = false;
  /** What stood below in the log may be gone because it was old. */
  removedBefore = 0;
  /** When that was last seen. */
  removedAt = 0;
  /** Records of which the disk has lost something, by their place; with their positions and ids. */
  readonly damaged = new Map<string, Known>();
  isCheckpointDamaged = false;
  isIndexDamaged = false;
  /** Committed offsets are those of an older file. */
  hadOldOffsets = false;
  /** So often the progress of the delays was that of an older file. */
  oldProgress = 0;
  /** When the disk was too slow for the window above. */
  readonly slow: { readonly from: number; to: number }[] = [];

  constructor(
    private readonly world: World,
    private readonly history: History,
    private readonly settings: StorySettings,
  ) {}

  /** A record was read, or an answer said where it stands; it is not older than `storedAt`. */
  stands(place: Place, id: string, storedAt: number): void {
    const key = keyOf(place);
    this.history.check(this.damaged.get(key)?.position !== place.position, 'I12', () => {
      return `${key} is damaged and is served`;
    });
    const before = this.known.get(key);
    if (before === undefined) {
      this.known.set(key, { id, position: place.position, storedAt });
      return;
    }
    const isSame = before.id === id && before.position === place.position;
    this.history.check(isSame, 'I2', () => {
      const was = `${before.id} (log ${before.position})`;
      return `${key} held ${was} and now holds ${id} (log ${place.position})`;
    });
  }

  /** Reads what a record says, and checks it against what was sent. */
  read(queue: Omit<Place, 'offset' | 'position'>, message: StoredMessage): SeenRecord {
    const isOp = queue.topic === opTopic;
    const seen: SeenRecord = {
      topic: queue.topic,
      queueId: queue.queueId,
      offset: message.queueOffset,
      position: message.logPosition,
      id: isOp ? `op ${message.text}` : message.msgId,
      tag: message.tags ?? '',
      text: message.text,
      reconsumeTimes: message.reconsumeTimes,
      level: message.delayLevel,
      storeTimestamp: message.storeTimestamp,
    };
    this.stands(seen, seen.id, seen.storeTimestamp);
    const { history } = this;
    history.check(message.isIntact(), 'I12', () => `${keyOf(seen)} was served damaged`);
    history.check(message.topic === queue.topic && message.queueId === queue.queueId, 'I2', () => {
      return `${keyOf(seen)} holds a record of ${message.topic}/${message.queueId}`;
    });
    if (isOp) return seen;
    const sent = history.messages.get(seen.id);
    history.check(sent !== undefined, 'I2', () => `${keyOf(seen)} holds ${seen.id}, never sent`);
    if (sent === undefined) return seen;
    history.check(sent.outcome !== 'failed', 'I10', () => {
      return `${seen.id} was refused and stands in ${keyOf(seen)}`;
    });
    history.check(sent.text === seen.text && sent.tag === seen.tag, 'I12', () => {
      return `${keyOf(seen)} holds another text or tag than ${seen.id} was sent with`;
    });
    if (sent.isHalf) this.readTransaction(seen);
    return seen;
  }

  /** A pull was answered. */
  pulled(
    consumer: Consumer,
    pull: { topic: string; queueId: number; from: number; next: number },
    messages: readonly StoredMessage[],
  ): void {
    const { history } = this;
    const { topic, queueId, from, next } = pull;
    const where = `${consumer.group} at ${topic}/${queueId}/${from}`;
    let last = from - 1;
    for (const message of messages) {
      const seen = this.read({ topic, queueId }, message);
      const isInside = seen.offset > last && seen.offset < next;
      history.check(
        isInside,
        'I2',
        () => `${where} got ${seen.offset} after ${last}, next ${next}`,
      );
      history.check(consumer.mayGet(topic, seen), 'I8', () => {
        return `${where} got ${seen.id} with tag ${seen.tag}`;
      });
      last = seen.offset;
      if (consumer.wants(topic, seen)) this.give(consumer.group, seen);
    }
    history.check(next >= from, 'I4', () => `${where} is sent back to ${next}`);
    this.windows.push({
      group: consumer.group,
      topic,
      queueId,
      from,
      next,
      offsets: new Set(messages.map((message) => message.queueOffset)),
    });
    const key = `${consumer.group}/${topic}/${queueId}`;
    this.reached.set(key, Math.max(this.reached.get(key) ?? 0, next));
    if (messages.length > 0) consumer.note(`gets ${topic}/${queueId} ${from} to ${next}`);
  }

  /** A group was told to go on elsewhere. */
  moved(
    group: string,
    queue: { topic: string; queueId: number },
    from: number,
    header: { nextBeginOffset: number; minOffset: number; maxOffset: number },
  ): void {
    this.world.count('pull moved on');
    const isAhead = from > header.maxOffset && this.hadLoss;
    const isBehind = from < header.minOffset && header.nextBeginOffset === header.minOffset;
    this.history.check(isAhead || isBehind, 'I4', () => {
      const { nextBeginOffset, minOffset, maxOffset } = header;
      const range = `${minOffset} to ${maxOffset} (next ${nextBeginOffset})`;
      return `${group} was moved from ${queue.topic}/${queue.queueId}/${from}, which has ${range}`;
    });
  }

  /** A group was told where it is. */
  toldOffset(group: string, topic: string, queueId: number, offset: number): void {
    const key = `${group}/${topic}/${queueId}`;
    const commits = this.history.commitsOf(key);
    const isOne = offset === 0 || commits.some(({ value }) => value === offset);
    this.history.check(isOne, 'I4', () => `${key} is told ${offset}, which it never committed`);
    let least = 0;
    for (const commit of commits) {
      if (commit.outcome === 'ok' && this.mustBeKept(commit)) least = Math.max(least, commit.value);
    }
    this.history.check(offset >= least || this.hadLoss || this.hadOldOffsets, 'I4', () => {
      return `${key} is told ${offset}, although ${least} was committed and saved`;
    });
  }

  /** Nothing happens any more: whoever waits for a message that is there was forgotten. */
  atRest(consumers: readonly Consumer[]): void {
    for (const consumer of consumers) {
      for (const { topic, queueId, from } of consumer.pulls.values()) {
        for (const sent of this.history.messages.values()) {
          const { place } = sent;
          if (sent.outcome !== 'ok' || place?.topic !== topic || place.queueId !== queueId)
            continue;
          if (place.offset < from || !consumer.wants(topic, sent)) continue;
          if (sent.life !== this.world.lives || this.damaged.has(keyOf(place))) continue;
          this.history.broken(
            'I11',
            `${consumer.group} waits at ${topic}/${queueId}/${from}, and ${sent.id} is there`,
          );
        }
      }
    }
  }

  /** After a start: nothing is gone but what may be gone. */
  compare(contents: Contents, end: LifeEnd): void {
    // Where a power failure left nothing, it took everything.
    if (end.how !== 'crash' || contents.size > 0) this.expire(contents);
    const lost: { key: string; id: string; position: number }[] = [];
    let highest = -1;
    for (const [key, { id, position }] of this.known) {
      if (contents.has(key)) highest = Math.max(highest, position);
      else lost.push({ key, id, position });
    }
    const mayLose =
      end.how === 'crash' && (this.settings.flushDiskType === 'ASYNC_FLUSH' || this.isDoubtful);
    // What was asked for last may be gone though every record that somebody saw is there.
    if (mayLose) this.doubtRequests(this.lossBegan(end));
    const [first] = lost;
    if (first === undefined) return;
    if (!mayLose) {
      const more = lost.length > 1 ? ` and ${lost.length - 1} more` : '';
      return this.history.broken(
        'I1',
        `${first.key} (${first.id})${more} is gone after a ${end.how}`,
      );
    }
    for (const { key, id, position } of lost) {
      this.history.check(position > highest, 'I1', () => {
        return `${key} (${id}) at log ${position} is gone, but log ${highest} is still there`;
      });
      this.lose(key, id, end);
    }
    this.forget(lost.map(({ key }) => key));
  }

  /** Old files may be gone: everything below some position of the log, and old all of it. */
  expire(contents: Contents): void {
    const isOld = ({ storedAt }: Known): boolean =>
      this.wasFull || this.wasSetBack || this.mayBeRemoved(storedAt);
    let lowest = Number.POSITIVE_INFINITY;
    for (const { position } of contents.values()) lowest = Math.min(lowest, position);
    for (const [key, known] of this.known) {
      const { id, position } = known;
      if (position >= lowest || contents.has(key)) {
        // Queues begin behind what is to be removed before it is. Where that fails or the process ends,
        // who reads a queue in order (delays, checks of transactions) has passed what is there again.
        if (isOld(known)) this.gone(position);
        continue;
      }
      this.history.check(
        isOld(known),
        'I1',
        () => `${key} (${id}) is gone and was not old enough to go`,
      );
      this.known.delete(key);
      this.gone(position);
      this.world.count('old record gone');
    }
  }

  /**
   * The power failed while queues were made again: the offset of a message that was damaged before,
   * and that the queues alone knew, may be forgotten. Two failures at once; `docs/data-files.md`.
   */
  diedRecovering(): void {
    if (this.damaged.size > 0) this.hadLoss = true;
  }

  private gone(position: number): void {
    this.removedBefore = Math.max(this.removedBefore, position + 1);
    this.removedAt = this.world.clock.time;
  }

  /** Is what was stored then old enough to go, whether it went or not? */
  mayBeRemoved(storedAt: number): boolean {
    return storedAt <= this.world.clock.latest - reservedMillis + answerMillis;
  }

  /** Chooses a record that is to be damaged; from now on it must not be seen. */
  damageOne(seed: number): Known | undefined {
    const keys = Array.from(this.known.keys()).filter((key) => !key.startsWith(opTopic));
    const key = keys[seed % keys.length];
    const known = key === undefined ? undefined : this.known.get(key);
    if (key === undefined || known === undefined) return undefined;
    this.known.delete(key);
    this.damaged.set(key, known);
    return known;
  }

  /** Whether all from an offset up to another were damaged. */
  areDamaged(queue: Pick<Place, 'topic' | 'queueId'>, from: number, to: number): boolean {
    for (let offset = from; offset < to; offset += 1) {
      if (!this.damaged.has(keyOf({ ...queue, offset }))) return false;
    }
    return true;
  }

  /** Whether something of a message may be missing: it was old, or damaged. */
  isRemoved({ id, place }: Pick<SentMessage, 'id' | 'place'>): boolean {
    if (place !== undefined && place.position < this.removedBefore) return true;
    for (const known of this.damaged.values()) if (known.id === id) return true;
    return false;
  }

  private lose(key: string, id: string, end: LifeEnd): void {
    this.known.delete(key);
    const sent = this.history.messages.get(id);
    if (sent?.place === undefined || keyOf(sent.place) !== key) return;
    const isOld = sent.outcome === 'ok' && sent.endedAt < this.lossBegan(end);
    this.history.check(!isOld, 'I1', () => {
      return `${id} was answered at ${sent.endedAt} and is gone with the power at ${end.at}`;
    });
    sent.outcome = 'lost';
  }

  /** What happened from here on may have gone with the power. */
  lossBegan(end: LifeEnd): number {
    if (this.isDoubtful) return 0;
    let began = end.at - asyncWindow;
    for (const { from, to } of this.slow.toReversed()) {
      if (to >= began) began = Math.min(began, from - asyncWindow);
    }
    return began;
  }

  private doubtRequests(began: number): void {
    for (const made of [...this.history.decisions, ...this.history.sentBack]) {
      if (made.endedAt >= began && made.outcome === 'ok') made.outcome = 'unknown';
    }
  }

  private forget(keys: readonly string[]): void {
    this.hadLoss = true;
    for (const [key, offset] of this.reached) this.excused.set(key, offset);
    const gone = new Set(keys);
    this.windows = this.windows.filter(({ topic, queueId, from, next }) => {
      for (let offset = from; offset < next; offset += 1) {
        if (gone.has(keyOf({ topic, queueId, offset }))) return false;
      }
      return true;
    });
  }

  /** A half message is visible only after somebody asked to commit it. */
  private readTransaction(seen: SeenRecord): void {
    if (seen.topic === halfTopic || seen.topic.startsWith('TRANS_CHECK')) return;
    const { decisions } = this.history;
    const own = decisions.filter(({ id }) => id === seen.id);
    this.history.check(
      own.some(({ decision }) => decision === 'commit'),
      'I6',
      () => {
        return `${seen.id} is visible in ${keyOf(seen)}, and nobody committed it`;
      },
    );
    const back = own.find(({ decision, outcome }) => decision === 'rollback' && outcome === 'ok');
    this.history.check(back === undefined, 'I6', () => {
      return `${seen.id} was rolled back and is visible in ${keyOf(seen)}`;
    });
  }

  private give(group: string, seen: SeenRecord): void {
    let given = this.given.get(group);
    if (given === undefined) this.given.set(group, (given = new Set()));
    given.add(keyOf(seen));
  }

  private mustBeKept(commit: { readonly endedAt: number; readonly life: number }): boolean {
    for (const end of this.history.ends) {
      if (end.life < commit.life) continue;
      if (end.how === 'stop' && end.hadGoodDisk) continue;
      if (!end.hadGoodDisk || end.at - commit.endedAt < offsetWindow) return false;
    }
    return true;
  }
}
