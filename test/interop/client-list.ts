import type { ProgramEvent, ReceivedEvent, SentEvent } from '../support/java.js';

/** A client that a spec steers by the verbs of programs/src/interop/Peer.java: an official one or ours. */
export interface SteeredClient {
  run(verb: string, words?: Record<string, string | number | boolean>): Promise<ProgramEvent[]>;
  send(
    verb: 'send' | 'batch' | 'transaction',
    words: Record<string, string | number | boolean>,
  ): Promise<SentEvent[]>;
  received(id: string): ReceivedEvent[];
  untilReceived(id: string, count: number, deadlineMs?: number): Promise<ReceivedEvent[]>;
  untilEvents(kind: string, count: number, deadlineMs?: number): Promise<ProgramEvent[]>;
  queues(id: string): Promise<string[]>;
  close(): Promise<void>;
}

/** What the servers of a list must be set to. */
export const listBrokerProperties = {
  messageDelayLevel: '1s 2s 3s 4s 5s',
  transactionTimeOut: 1000,
  transactionCheckInterval: 1000,
  autoCreateTopicEnable: true,
  autoCreateSubscriptionGroup: true,
} as const;

/** 5.x servers write op messages 3 s late by default, and until then ask about what is decided. */
export const promptOpMessages = { transactionOpBatchInterval: 50 } as const;

/** Where a list is played, and by whom. */
export class ListPlace {
  constructor(
    private readonly servers: () => { readonly nameServers: string },
    private readonly player: () => SteeredClient,
    /** Makes topic and group names of one run different from those of others on the same servers. */
    readonly suffix: string,
  ) {}

  get client(): SteeredClient {
    return this.player();
  }

  /** Words of every command that starts something. */
  get base(): { readonly ns: string } {
    return { ns: this.servers().nameServers };
  }

  readonly name = (word: string): string => `${word}-${this.suffix}`;
  readonly group = (word: string): string => `g-${word}-${this.suffix}`;
}

/** What every client does at every server: a row of docs/interop.md, and a spec of the Java clients. */
export interface Behaviour {
  readonly feature: string;
  readonly title: string;
  play(place: ListPlace): Promise<void>;
}

/** Behaviours that are played one after the other. */
export interface BehaviourList {
  prepare?(place: ListPlace): Promise<void>;
  readonly list: readonly Behaviour[];
}

const bodies = (events: readonly { body: string }[]) => events.map((event) => event.body).sort();
const numbered = (body: string, count: number) =>
  Array.from({ length: count }, (_, i) => `${body}-${i}`).sort();

/** Sending and consuming: what every client version must be able to do. */
export const sendAndConsume: BehaviourList = {
  list: [
    {
      feature: 'Send: waited for, many at once, one way',
      title: 'sends synchronously, asynchronously and one way, and each message is consumed once',
      play: async ({ name, group, base, client }) => {
        const topic = name('Plain');
        await client.run('topic', { id: 'p', topic, queues: 4 });
        await client.run('push', { ...base, id: 'plain', group: group('plain'), topic });
        const words = {
          id: 'p',
          topic,
          tags: 'TagA,TagB',
          keys: 'order-',
          flag: 7,
          property: 'blue ü 蓝',
        };
        const sent = await client.send('send', { ...words, body: 'sync', count: 8 });
        const async = await client.send('send', {
          ...words,
          body: 'async',
          mode: 'async',
          count: 8,
        });
        await client.send('send', { ...words, body: 'oneway', mode: 'oneway', count: 4 });
        const received = await client.untilReceived('plain', 20);

        expect([...sent, ...async].map((one) => one.status)).toEqual(Array(16).fill('SEND_OK'));
        expect(bodies(received)).toEqual(
          [...numbered('sync', 8), ...numbered('async', 8), ...numbered('oneway', 4)].sort(),
        );
        for (const one of sent) {
          const other = received.find((message) => message.body === one.body);
          expect(other).toMatchObject({
            msgId: one.msgId,
            queueId: one.queueId,
            queueOffset: one.queueOffset,
            flag: 7,
            reconsumeTimes: 0,
            properties: { colour: 'blue ü 蓝' },
          });
          expect(other?.keys).toBe(`order-${one.body.split('-')[1]}`);
          expect(other?.tags).toBe(Number(one.body.split('-')[1]) % 2 === 0 ? 'TagA' : 'TagB');
        }
      },
    },

    {
      feature: 'Compression of bodies, zlib',
      title: 'sends a body that is compressed on the way',
      play: async ({ name, group, base, client }) => {
        const topic = name('Large');
        await client.run('topic', { id: 'p', topic });
        await client.run('push', { ...base, id: 'large', group: group('large'), topic });
        await client.send('send', { id: 'p', topic, body: 'large', size: 20_000 });
        const [received] = await client.untilReceived('large', 1);
        expect(received?.body).toBe('large-0'.padEnd(20_000, '.'));
      },
    },

    {
      feature: 'Batch in one request',
      title: 'sends a batch in one request',
      play: async ({ name, group, base, client }) => {
        const topic = name('Batch');
        await client.run('topic', { id: 'p', topic });
        await client.run('push', { ...base, id: 'batch', group: group('batch'), topic });
        const [sent] = await client.send('batch', {
          id: 'p',
          topic,
          body: 'batch',
          tags: 'TagA',
          count: 5,
        });
        const received = await client.untilReceived('batch', 5);
        expect(sent?.status).toBe('SEND_OK');
        expect(bodies(received)).toEqual(numbered('batch', 5));
        expect(new Set(received.map((one) => one.queueId)).size).toBe(1);
        expect(received.map((one) => one.queueOffset).sort()).toEqual([0, 1, 2, 3, 4]);
        // One id per message for the sender; what consumers see is the batch's own (servers of 5.x).
        expect(sent?.msgId.split(',')).toHaveLength(5);
      },
    },

    {
      feature: 'Filter by tags',
      title: 'delivers only the tags that a consumer subscribes to',
      play: async ({ name, group, base, client }) => {
        const topic = name('Tags');
        await client.run('topic', { id: 'p', topic });
        await client.run('push', {
          ...base,
          id: 'tags',
          group: group('tags'),
          topic,
          expression: 'TagA || TagC',
        });
        await client.send('send', {
          id: 'p',
          topic,
          body: 'tagged',
          tags: 'TagA,TagB,TagC',
          count: 9,
        });
        await client.send('send', { id: 'p', topic, body: 'last', tags: 'TagA', count: 1 });
        const received = await client.untilReceived('tags', 7);
        expect(bodies(received)).toEqual([
          'last-0',
          'tagged-0',
          'tagged-2',
          'tagged-3',
          'tagged-5',
          'tagged-6',
          'tagged-8',
        ]);
      },
    },

    {
      feature: 'Ordered messages: hash key and orderly consumption',
      title: 'keeps the order of a key',
      play: async ({ name, group, base, client }) => {
        const topic = name('Ordered');
        await client.run('topic', { id: 'p', topic, queues: 4 });
        await client.run('push', {
          ...base,
          id: 'ordered',
          group: group('ordered'),
          topic,
          mode: 'orderly',
        });
        const sent = await client.send('send', {
          id: 'p',
          topic,
          body: 'step',
          hash: 'order',
          keysCount: 3,
          count: 12,
        });
        const received = await client.untilReceived('ordered', 12);
        for (let key = 0; key < 3; key++) {
          const own = (one: { body: string }) => Number(one.body.split('-')[1]) % 3 === key;
          expect(received.filter(own).map((one) => one.body)).toEqual(
            sent.filter(own).map((one) => one.body),
          );
          expect(new Set(sent.filter(own).map((one) => one.queueId)).size).toBe(1);
        }
      },
    },

    {
      feature: 'Delay level',
      title: 'delivers a delayed message when its level is over',
      play: async ({ name, group, base, client }) => {
        const topic = name('Delayed');
        await client.run('topic', { id: 'p', topic });
        await client.run('push', { ...base, id: 'delayed', group: group('delayed'), topic });
        await client.send('send', { id: 'p', topic, body: 'later', delay: 3 });
        const [received] = await client.untilReceived('delayed', 1);
        const waited = Number(received?.at) - Number(received?.bornTimestamp);
        expect(waited).toBeGreaterThanOrEqual(2900);
        expect(waited).toBeLessThan(20_000);
      },
    },
  ],
};
