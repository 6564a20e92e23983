import { PropertyName } from '@nestjs-rocketmq/message';
import { askByHand, createTopic, type JavaPeer, type SentEvent } from '../../support/java.js';
import type { SeededRandom } from '@nestjs-rocketmq/foundation/testing';
import type { Asker } from './asker.js';
import { placeOf } from './disk.js';
import type { Journal } from './journal.js';

export interface WritingParts {
  readonly peer: JavaPeer;
  readonly asker: Asker;
  readonly journal: Journal;
  readonly random: SeededRandom;
  readonly nameServers: string;
  readonly port: number;
  readonly topic: string;
  readonly queues: number;
  readonly turn: number;
  /** Whether this machine has IPv6. */
  readonly hasIpv6: boolean;
}

type Words = Record<string, string | number | boolean>;

export const transactionGroupOf = (topic: string): string => `tx-${topic}`;

/** One turn's piece of history, every message of it in the journal once it is acknowledged. */
export class Writing {
  private readonly producer: string;
  private readonly transactions: string;
  private names = 0;

  constructor(private readonly parts: WritingParts) {
    const { topic, turn } = parts;
    this.producer = `producer-${topic}-${turn}`;
    this.transactions = `transactions-${topic}-${turn}`;
  }

  async start(): Promise<void> {
    const { peer, topic, nameServers: ns } = this.parts;
    await peer.run('producer', { id: this.producer, ns, group: `producers-${topic}` });
    const group = transactionGroupOf(topic);
    await peer.run('transaction-producer', { id: this.transactions, ns, group });
    // A producer is known to a broker once it has sent something.
    await this.decided('hello', 'commit');
  }

  /** What is behind everything that waits already: a delay of each level, and a transaction. */
  async sendMarkers(): Promise<void> {
    for (const level of [1, 2, 3, 4]) await this.delayed('marker', level);
    await this.open('marker');
  }

  /** The piece of this turn, its kinds in an order of the seed's. */
  async write(): Promise<void> {
    const { random } = this.parts;
    const kinds: (() => Promise<unknown>)[] = [
      () => this.send('plain', { count: 10, tags: 'a,b', property: 'blue ü 蓝', flag: 7 }),
      () => this.send('large', { count: 2, size: 9000 }),
      // Three rolls of the log.
      () => this.send('rolling', { count: 100, size: 2000 }),
      () => this.send('async', { count: 5, mode: 'async' }),
      () => this.send('ordered', { count: 6, hash: 'h' }),
      () => this.batch(),
      () => this.overOther(),
      () => this.decided('committed', 'commit'),
      () => this.decided('committed-too', 'commit'),
      () => this.decided('withdrawn', 'rollback'),
      () => this.asked('commit', {}),
      () => this.asked('commit', { immunity: 3 }),
      () => this.asked('rollback', {}),
      () => this.delayed('delayed', 1 + random.below(2)),
      () => this.send('retry', { count: 2 }),
      () => this.send('dead', { count: 1 }),
    ];
    while (kinds.length > 0) await kinds.splice(random.below(kinds.length), 1)[0]?.();
  }

  /**
   * Pending when the turn ends: delays, transactions that nobody has decided unless all of them are
   * settled, a message sent back.
   */
  async leavePending(isSettled: boolean): Promise<string[]> {
    await this.stop(this.transactions);
    await this.delayed('pending', 4);
    await this.delayed('pending', 3);
    if (!isSettled) for (let i = 0; i < 2; i += 1) await this.open('pending');
    const sent = [...(await this.send('retry', { count: 1 })), ...(await this.send('dead', {}))];
    await this.stop(this.producer);
    return sent.map((one) => one.body);
  }

  /** A topic that lives shortly. Answers the offset of its first message. */
  async liveShortly(name: string): Promise<number> {
    const { peer, nameServers: ns, port } = this.parts;
    const broker = `127.0.0.1:${port}`;
    await createTopic(broker, name, 1);
    const id = `${this.producer}-short`;
    await peer.run('producer', { id, ns, group: 'short' });
    const sent = await peer.send('send', { id, topic: name, body: 'short', count: 3 });
    const first = sent[0]?.queueOffset ?? -1;
    expect(sent.map((one) => one.queueOffset)).toEqual([first, first + 1, first + 2]);
    await this.stop(id);
    expect(await askByHand(broker, 215, { topic: name })).toContain('"code":0');
    expect(await askByHand(ns, 216, { topic: name })).toContain('"code":0');
    return first;
  }

  private async send(kind: string, words: Words): Promise<SentEvent[]> {
    const { peer, topic, journal } = this.parts;
    const body = this.name(kind);
    const keys = `all-${kind}-${this.parts.turn} ${body}-`;
    const sent = await peer.send('send', { id: this.producer, topic, body, keys, ...words });
    for (const one of sent) {
      expect(one.status).toBe('SEND_OK');
      const isPlaced = words['delay'] === undefined;
      journal.note({
        topic,
        body: one.body,
        keys: [keysOf(one.body)],
        msgId: one.msgId,
        ...(isPlaced ? { queueId: one.queueId, queueOffset: one.queueOffset } : {}),
      });
    }
    return sent;
  }

  private delayed(kind: string, delay: number): Promise<SentEvent[]> {
    return this.send(kind, { delay });
  }

  private async batch(): Promise<void> {
    const { peer, topic, journal } = this.parts;
    const body = this.name('batch');
    const words = { id: this.producer, topic, body, keys: `${body}-`, tags: 'c', count: 5 };
    const [first] = await peer.send('batch', words);
    for (let i = 0; i < 5; i += 1) {
      const one = `${body}-${i}`;
      const queueOffset = (first?.queueOffset ?? 0) + i;
      journal.note({ topic, body: one, keys: [one], queueId: first?.queueId ?? 0, queueOffset });
    }
  }

  /** From a sender over the other internet protocol than the one before. */
  private async overOther(): Promise<void> {
    const { asker, topic, queues, journal, random, hasIpv6 } = this.parts;
    for (const isOverIpv6 of hasIpv6 ? [true, false, true] : [false]) {
      const body = this.name(isOverIpv6 ? 'six' : 'four');
      const properties = this.propertiesOf(body);
      const placed = await asker.send({
        producerGroup: `producers-${topic}`,
        topic,
        queueId: random.below(queues),
        body,
        properties,
        isOverIpv6,
      });
      const { queueId, queueOffset } = placed;
      const msgId = properties[PropertyName.UNIQUE_KEY];
      journal.note({ topic, body, keys: [body], msgId, queueId, queueOffset });
    }
  }

  private async decided(kind: string, local: 'commit' | 'rollback'): Promise<void> {
    await this.transaction(kind, { local, check: local });
  }

  /** Not decided by its sender, who is asked about it and then says so. */
  private async asked(check: 'commit' | 'rollback', words: Words): Promise<void> {
    await this.transaction(check === 'commit' ? 'asked' : 'refused', { check, ...words });
  }

  private async transaction(kind: string, words: Words): Promise<void> {
    const { peer, topic, journal } = this.parts;
    const body = this.name(kind);
    const given = { id: this.transactions, topic, body, keys: `${body}-`, ...words };
    const [sent] = await peer.send('transaction', given);
    const one = `${body}-0`;
    if (words['check'] === 'rollback') journal.withdrawn.add(placeOf(topic, one));
    else journal.note({ topic, body: one, keys: [one], msgId: sent?.msgId });
  }

  /** A half whose group says yes when it is asked, in this turn or the next. */
  private async open(kind: string): Promise<void> {
    const { asker, topic, queues, journal, random } = this.parts;
    const producerGroup = transactionGroupOf(topic);
    const body = this.name(kind);
    const properties: Record<string, string> = {
      ...this.propertiesOf(body),
      [PropertyName.TRANSACTION_PREPARED]: 'true',
      [PropertyName.PRODUCER_GROUP]: producerGroup,
      check: 'commit',
    };
    const isHalf = true;
    const queueId = random.below(queues);
    await asker.send({ producerGroup, topic, queueId, body, properties, isHalf });
    const msgId = properties[PropertyName.UNIQUE_KEY];
    journal.note({ topic, body, keys: [body], msgId });
    if (kind === 'pending') journal.pending.add(body);
  }

  private propertiesOf(body: string): Record<string, string> {
    const { random } = this.parts;
    const uniqueKey = Buffer.from(random.bytes(16)).toString('hex').toUpperCase();
    return {
      [PropertyName.UNIQUE_KEY]: uniqueKey,
      [PropertyName.KEYS]: body,
      [PropertyName.TAGS]: 'raw',
      [PropertyName.WAIT_STORE_MSG_OK]: 'true',
    };
  }

  private name(kind: string): string {
    this.names += 1;
    return `${kind}-${this.parts.turn}-${this.names}-${this.parts.random.below(1e6)}`;
  }

  private async stop(id: string): Promise<void> {
    await this.parts.peer.run('stop', { id });
  }
}

/** The body without what pads it is the key of its own. */
function keysOf(body: string): string {
  return body.replace(/\.+$/, '');
}
