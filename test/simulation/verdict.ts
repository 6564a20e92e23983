import { deadLetterTopic, retryTopic } from '@nestjs-rocketmq/message';
import { type Consumer, maxReconsumeTimes } from './consumer.js';
import type { Decision, History, SeenRecord, SentMessage } from './history.js';
import { type Contents, keyOf, type Model } from './model.js';
import { consumerGroups, paymentTopic, queuesOfTopic, topicNames } from './story.js';
import { delaySeconds, delayTopic, givenUpTopic, halfTopic } from './topics.js';

/** Time between two rounds of checks in a simulated world. */
export const checkInterval = 2000;

/** Judges what is left at the end of a story, when everything has had its time. */
export class Verdict {
  private readonly copies = new Map<string, SeenRecord[]>();
  /** The lowest offset that is there, by queue. */
  private readonly firsts = new Map<string, number>();
  private readonly uncleanEnds: number;

  constructor(
    private readonly history: History,
    private readonly model: Model,
    private readonly contents: Contents,
    /** Nothing was broken in this story. */
    private readonly isCalm: boolean,
  ) {
    this.uncleanEnds = history.ends.filter(({ how }) => how !== 'stop').length;
    for (const seen of contents.values()) {
      const queue = `${seen.topic}/${seen.queueId}`;
      this.firsts.set(queue, Math.min(this.firsts.get(queue) ?? seen.offset, seen.offset));
      const key = `${seen.topic} ${seen.id}`;
      const list = this.copies.get(key);
      if (list === undefined) this.copies.set(key, [seen]);
      else list.push(seen);
    }
  }

  judge(consumers: readonly Consumer[]): void {
    for (const message of this.history.messages.values()) {
      if (message.isHalf) this.transaction(message);
      else if (message.level > 0) this.delayed(message);
      else this.plain(message);
    }
    if (this.isCalm) this.allAnswered();
    for (const group of consumerGroups) this.retries(group);
    for (const consumer of consumers) this.consumed(consumer);
    this.order();
  }

  private of(topic: string, id: string): readonly SeenRecord[] {
    return this.copies.get(`${topic} ${id}`) ?? [];
  }

  private allAnswered(): void {
    const { messages, decisions, sentBack } = this.history;
    for (const { id, outcome } of [...messages.values(), ...sentBack]) {
      this.history.check(outcome === 'ok', 'I11', () => `nothing broke, and ${id} is ${outcome}`);
    }
    for (const { id, outcome, isOneway } of decisions) {
      const isAnswered = isOneway || outcome === 'ok' || outcome === 'failed';
      this.history.check(isAnswered, 'I11', () => `nothing broke, and ${id} has no answer`);
    }
  }

  private plain(message: SentMessage): void {
    const { id, topic, outcome } = message;
    const { length } = this.of(topic, id);
    if (length === 0 && this.model.isRemoved(message)) return;
    this.history.check(length <= 1, 'I5', () => `${id} was sent once and stands ${length} times`);
    this.history.check(outcome !== 'ok' || length === 1, 'I1', () => `${id} is not in its queue`);
  }

  private delayed(message: SentMessage): void {
    const { history, model } = this;
    const { id, topic, level, outcome } = message;
    const isRemoved = model.isRemoved(message);
    // Retries of it wait there as well.
    const waiting = this.of(delayTopic, id).filter(
      ({ queueId, reconsumeTimes }) => queueId === level - 1 && reconsumeTimes === 0,
    );
    const arrived = this.of(topic, id);
    history.check(
      outcome !== 'ok' || arrived.length > 0 || isRemoved,
      'I7',
      () => `${id} never arrived`,
    );
    history.check(arrived.length <= this.mostDeliveries, 'I7', () => {
      return `${id} arrived ${arrived.length} times, with ${this.uncleanEnds} unclean ends`;
    });
    this.notEarly(waiting[0], arrived);
    const mayLack = model.hadLoss || model.removedBefore > 0 || isRemoved;
    history.check(arrived.length === 0 || waiting.length > 0 || mayLack, 'I7', () => {
      return `${id} of level ${level} did not wait`;
    });
  }

  /** After each unclean end what was not saved of the progress may come again. */
  private get mostDeliveries(): number {
    return 1 + this.uncleanEnds + this.model.oldProgress;
  }

  private notEarly(waited: SeenRecord | undefined, arrived: readonly SeenRecord[]): void {
    if (waited === undefined || this.model.wasSetBack) return;
    // It may have waited before, in a record that is gone.
    if (this.model.hadLoss || this.model.removedBefore > 0) return;
    const due = waited.storeTimestamp + (delaySeconds[waited.queueId] as number) * 1000;
    for (const one of arrived) {
      this.history.check(one.storeTimestamp >= due, 'I7', () => {
        return `${one.id} in ${keyOf(one)} is ${due - one.storeTimestamp} ms early`;
      });
    }
  }

  private transaction(half: SentMessage): void {
    const { history, model } = this;
    const { id, outcome, level } = half;
    const visible = this.of(paymentTopic, id);
    const givenUp = this.of(givenUpTopic, id);
    const decisions = history.decisions.filter((one) => one.id === id);
    const done = decisions.filter((one) => one.outcome === 'ok');
    const most = level > 0 ? this.mostDeliveries : 1;
    history.check(visible.length <= most, 'I6', () => `${id} is visible ${visible.length} times`);
    history.check(done.length <= 1 || model.hadLoss, 'I6', () => {
      return `${id} was decided ${done.map(({ decision }) => decision).join(' and ')}`;
    });
    const committed = done.some(({ decision }) => decision === 'commit');
    history.check(
      !committed || visible.length > 0 || model.isRemoved(half),
      'I6',
      () => `${id} was committed and is hidden`,
    );
    const isOne = visible.length === 0 || givenUp.length === 0 || model.hadLoss;
    history.check(isOne || this.isGivenUpInPart(givenUp[0], visible[0]), 'I6', () => {
      return `${id} is visible and was given up as well`;
    });
    if (level > 0) this.notEarly(this.of(delayTopic, id)[0], visible);
    this.checked(id, done);
    if (outcome !== 'ok' || visible.length > 0 || givenUp.length > 0) return;
    if (this.model.wasSetBack || this.of(halfTopic, id).length === 0) return;
    if (this.model.isRemoved(half)) return;
    const maybe = decisions.some((one) => one.outcome !== 'failed');
    history.check(maybe, 'I6', () => {
      const times = history.checks.get(id)?.length ?? 0;
      return `${id} is undecided, was asked about ${times} times and not given up`;
    });
  }

  /**
   * Two records say that a half was given up, and the power may fail between them: then it is open
   * again, and may be committed later.
   */
  private isGivenUpInPart(gave: SeenRecord | undefined, came: SeenRecord | undefined): boolean {
    if (gave === undefined || came === undefined || gave.position > came.position) return false;
    return this.history.ends.some((end) => {
      const before = end.wall - gave.storeTimestamp;
      return end.how === 'crash' && before >= 0 && before <= end.at - this.model.lossBegan(end);
    });
  }

  /** Nobody asks for long after a decision. */
  private checked(id: string, done: readonly Decision[]): void {
    const decided = done[0]?.endedAt;
    if (decided === undefined) return;
    for (const at of this.history.checks.get(id) ?? []) {
      this.history.check(at <= decided + checkInterval + 1000, 'I6', () => {
        return `${id} was decided at ${decided} and asked about at ${at}`;
      });
    }
  }

  private retries(group: string): void {
    const { history } = this;
    const back = history.sentBack.filter((one) => one.group === group);
    const attempts = new Map<string, { least: number; most: number }>();
    for (const { id, reconsumeTimes, outcome, endedAt } of back) {
      const key = `${id} ${reconsumeTimes}`;
      const counts = attempts.get(key) ?? { least: 0, most: 0 };
      const mayLack =
        endedAt < this.model.removedAt || this.model.isRemoved({ id, place: undefined });
      if (outcome === 'ok' && !mayLack) counts.least = 1;
      if (outcome !== 'failed') counts.most += 1;
      attempts.set(key, counts);
    }
    const found = new Map<string, number>();
    for (const seen of this.contents.values()) {
      const isRetry = seen.topic === retryTopic(group);
      if (!isRetry && seen.topic !== deadLetterTopic(group)) continue;
      const before = seen.reconsumeTimes - 1;
      const isDead = before >= maxReconsumeTimes;
      history.check(
        isDead !== isRetry,
        'I9',
        () => `${keyOf(seen)}: ${seen.id} failed ${before + 1} times`,
      );
      if (isRetry) this.retryLevel(seen, before);
      const key = `${seen.id} ${before}`;
      found.set(key, (found.get(key) ?? 0) + 1);
    }
    for (const [key, count] of found) {
      const most = attempts.get(key)?.most ?? 0;
      const isDead = Number(key.split(' ')[1]) >= maxReconsumeTimes;
      const allowed = isDead ? most : most * this.mostDeliveries;
      history.check(
        count <= allowed,
        'I9',
        () => `${group} has ${key} ${count} times, sent back ${most}`,
      );
    }
    for (const [key, { least }] of attempts) {
      history.check((found.get(key) ?? 0) >= least, 'I9', () => `${group} sent back ${key}, gone`);
    }
  }

  /** The nth attempt waits one level longer than the one before, from level 3 on. */
  private retryLevel(seen: SeenRecord, before: number): void {
    const level = 3 + before;
    const waiting = this.of(delayTopic, seen.id).filter((one) => one.reconsumeTimes === before + 1);
    const isRight = waiting.length === 0 || waiting.some((one) => one.queueId === level - 1);
    this.history.check(isRight, 'I9', () => {
      return `${seen.id} waited in level ${(waiting[0]?.queueId ?? 0) + 1} and not ${level}`;
    });
    const waited = waiting.find((one) => one.queueId === level - 1);
    // It may have waited twice, and one of the two was damaged.
    const isOnlyOne =
      waiting.length === 1 && !this.model.isRemoved({ id: seen.id, place: undefined });
    if (isOnlyOne) this.notEarly(waited, [seen]);
  }

  private consumed(consumer: Consumer): void {
    const { group } = consumer;
    const given = this.model.given.get(group);
    const own = new Set<string>([...topicNames, paymentTopic, retryTopic(group)]);
    for (const seen of this.contents.values()) {
      if (!own.has(seen.topic) || !consumer.wants(seen.topic, seen)) continue;
      const excused = this.model.excused.get(`${group}/${seen.topic}/${seen.queueId}`) ?? 0;
      if (seen.offset < excused || seen.queueId >= queuesOfTopic) continue;
      this.history.check(given?.has(keyOf(seen)) === true, 'I4', () => {
        return `${group} never got ${seen.id} in ${keyOf(seen)}`;
      });
    }
    for (const { topic, queueId, from, next, offsets, group: puller } of this.model.windows) {
      if (puller !== group) continue;
      const least = Math.max(from, this.firsts.get(`${topic}/${queueId}`) ?? next);
      for (let offset = least; offset < next; offset += 1) {
        if (offsets.has(offset)) continue;
        if (this.model.damaged.has(keyOf({ topic, queueId, offset }))) continue;
        const seen = this.contents.get(keyOf({ topic, queueId, offset }));
        this.history.check(seen !== undefined && !consumer.wants(topic, seen), 'I8', () => {
          return `${group} pulled ${topic}/${queueId} from ${from} to ${next} without ${offset}`;
        });
      }
    }
  }

  /** What a producer sent after the answer to an earlier message stands behind that. */
  private order(): void {
    const last = new Map<string, SentMessage>();
    for (const seen of this.contents.values()) {
      const sent = this.history.messages.get(seen.id);
      if (sent === undefined || sent.level > 0 || sent.topic !== seen.topic || sent.isHalf)
        continue;
      const key = `${seen.topic}/${seen.queueId} ${sent.by}`;
      const before = last.get(key);
      this.history.check(before === undefined || before.sentAt <= sent.endedAt, 'I3', () => {
        return `${seen.id} stands behind ${before?.id} in ${key}`;
      });
      last.set(key, sent);
    }
  }
}
