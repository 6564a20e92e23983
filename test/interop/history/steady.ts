import { retryTopic, deadLetterTopic } from '@nestjs-rocketmq/message';
import type { JavaPeer, ReceivedEvent } from '../../support/java.js';
import type { Asker } from './asker.js';
import { type Disk, placeOf } from './disk.js';
import type { Journal } from './journal.js';

interface Place {
  readonly topic: string;
  readonly queueId: number;
  readonly queueOffset: number;
}

/**
 * A Java group that consumes the history from turn to turn. It sends bodies `retry-` back once and
 * bodies `dead-` until they are dead letters.
 */
export class Steady {
  /** Deliveries that were repeated, in all. */
  repeated = 0;
  delivered = 0;
  private readonly seen = new Set<string>();
  private readonly seenBefore = new Set<string>();
  private saved: Disk['consumed'] = {};
  private looked = 0;
  private id = '';
  /** Deliveries that no saved offset explains. */
  readonly wrong: string[] = [];

  constructor(
    private readonly peer: JavaPeer,
    private readonly journal: Journal,
    readonly group: string,
    readonly topic: string,
  ) {}

  async start(ns: string, turn: number): Promise<void> {
    this.id = `steady-${this.topic}-${turn}`;
    this.looked = 0;
    await this.peer.run('push', {
      id: this.id,
      ns,
      group: this.group,
      topic: this.topic,
      failing: 'retry-:1,dead-:9',
      maxReconsume: 1,
    });
  }

  /** Takes note of what was delivered since the last look. */
  look(): void {
    const events = this.peer.received(this.id);
    for (const one of events.slice(this.looked)) this.take(one);
    this.looked = events.length;
  }

  private take(one: ReceivedEvent): void {
    const { reconsumeTimes, queueId, queueOffset, body } = one;
    const topic = reconsumeTimes > 0 ? retryTopic(this.group) : this.topic;
    const place = { topic, queueId, queueOffset };
    const key = textOf(place);
    this.delivered += 1;
    if (this.seen.has(key)) this.wrong.push(`${key} (${body}) came twice in one turn`);
    else if (this.seenBefore.has(key)) {
      this.repeated += 1;
      if (queueOffset < this.savedOf(place)) this.wrong.push(`${key} (${body}) was behind us`);
    }
    this.seen.add(key);
    if (body.startsWith('dead-') && reconsumeTimes > 0) {
      this.journal.expect(placeOf(deadLetterTopic(this.group), body));
      // A client whose request to send back fails puts the message there itself.
      this.journal.allow(placeOf(retryTopic(this.group), body), 1);
    } else if (reconsumeTimes === 0 && /^(dead|retry)-/.test(body)) {
      this.journal.expect(placeOf(retryTopic(this.group), body));
    }
  }

  /** For a report: when bodies of these places were delivered in this turn. */
  deliveriesOf(places: readonly string[]): string[] {
    const events = this.peer.received(this.id);
    const some = events.filter((one) => places.some((place) => place.includes(one.body)));
    return some.map((one) => `${one.body} attempt ${one.reconsumeTimes} at ${one.at}`);
  }

  hasSeen(body: string): boolean {
    return this.peer.received(this.id).some((one) => one.body === body);
  }

  /** Which queues are not consumed to their ends, as the broker knows it. */
  async behind(asker: Asker, queues: readonly [string, number][]): Promise<string[]> {
    const behind: string[] = [];
    for (const [topic, queueId] of queues) {
      const max = await asker.maxOffset(topic, queueId);
      const at = await asker.committed(this.group, topic, queueId);
      if (Math.max(at, 0) !== max) behind.push(`${topic}/${queueId} at ${at} of ${max}`);
    }
    return behind;
  }

  /** Whether the broker knows everything that was delivered. */
  async isKnown(asker: Asker): Promise<boolean> {
    const ends = new Map<string, number>();
    for (const key of this.seenBefore) {
      const { topic, queueId, queueOffset } = placeFrom(key);
      const queue = `${topic}/${queueId}`;
      ends.set(queue, Math.max(ends.get(queue) ?? 0, queueOffset + 1));
    }
    for (const [queue, end] of ends) {
      const [topic = '', queueId] = queue.split('/');
      if ((await asker.committed(this.group, topic, Number(queueId))) < end) return false;
    }
    return true;
  }

  async stop(): Promise<void> {
    await this.peer.run('stop', { id: this.id });
    this.look();
    for (const key of this.seen) this.seenBefore.add(key);
    this.seen.clear();
  }

  /** The broker has ended: how many deliveries its saved offsets do not know. */
  ended(disk: Disk): number {
    this.saved = disk.consumed;
    let unsaved = 0;
    for (const key of this.seenBefore) {
      const place = placeFrom(key);
      if (place.queueOffset >= this.savedOf(place)) unsaved += 1;
    }
    return unsaved;
  }

  private savedOf({ topic, queueId }: Place): number {
    return this.saved[`${topic}@${this.group}`]?.[String(queueId)] ?? 0;
  }
}

function textOf({ topic, queueId, queueOffset }: Place): string {
  return `${topic}/${queueId}/${queueOffset}`;
}

function placeFrom(key: string): Place {
  const [topic = '', queueId, queueOffset] = key.split('/');
  return { topic, queueId: Number(queueId), queueOffset: Number(queueOffset) };
}
