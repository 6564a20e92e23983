import type { ReceivedEvent } from '../support/java.js';
import type { BehaviourList } from './client-list.js';

function waits(received: readonly ReceivedEvent[]): number[] {
  return received.slice(1).map((event, i) => event.at - (received[i]?.at ?? 0));
}

/** Failing handlers, dead letters, orderly suspension, broadcasting, and a stop that loses nothing. */
export const retryAndStop: BehaviourList = {
  list: [
    {
      feature: 'Retry with rising delays',
      title: 'delivers again with rising delay levels when a handler asks for later',
      play: async ({ name, group, base, client }) => {
        const topic = name('Retry');
        await client.run('topic', { id: 'p', topic });
        await client.run('push', { ...base, id: 'retry', group: group('retry'), topic, fail: 2 });
        const [sent] = await client.send('send', { id: 'p', topic, body: 'again', keys: 'k' });
        const received = await client.untilReceived('retry', 3, 40_000);
        expect(received.map((one) => one.reconsumeTimes)).toEqual([0, 1, 2]);
        expect(received.map((one) => one.body)).toEqual(['again-0', 'again-0', 'again-0']);
        // The official client puts the topic back to that of the message.
        expect(received.map((one) => one.topic)).toEqual([topic, topic, topic]);
        expect(received.map((one) => one.keys)).toEqual(['k0', 'k0', 'k0']);
        expect(received[2]?.properties['ORIGIN_MESSAGE_ID']).toBe(sent?.offsetMsgId);
        // The first retry starts at level 3 (3 s here), the second is at level 4 (4 s).
        expect(received.map((one) => one.properties['DELAY'])).toEqual([undefined, '3', '4']);
        const [first = 0, second = 0] = waits(received);
        expect(first).toBeGreaterThanOrEqual(2900);
        expect(second).toBeGreaterThanOrEqual(3900);
      },
    },

    {
      feature: 'Retry after a chosen delay level',
      title: 'delivers again after the level that a handler names',
      play: async ({ name, group, base, client }) => {
        const topic = name('Level');
        await client.run('topic', { id: 'p', topic });
        await client.run('push', {
          ...base,
          id: 'level',
          group: group('level'),
          topic,
          fail: 1,
          level: 1,
        });
        await client.send('send', { id: 'p', topic, body: 'soon' });
        const received = await client.untilReceived('level', 2, 40_000);
        const [first = 0] = waits(received);
        expect(received.map((one) => one.properties['DELAY'])).toEqual([undefined, '1']);
        expect(first).toBeGreaterThanOrEqual(900);
      },
    },

    {
      feature: 'Dead letters',
      title: 'puts a message to the dead letters after the configured number of deliveries',
      play: async ({ name, group, base, client }) => {
        const topic = name('Dead');
        await client.run('topic', { id: 'p', topic });
        await client.run('push', {
          ...base,
          id: 'dying',
          group: group('dying'),
          topic,
          fail: 99,
          level: 1,
          maxReconsume: 2,
        });
        const [sent] = await client.send('send', { id: 'p', topic, body: 'poison' });
        await client.run('push', {
          ...base,
          id: 'dead',
          group: group('dead'),
          topic: `%DLQ%${group('dying')}`,
        });
        const dead = await client.untilReceived('dead', 1, 40_000);
        const tried = client.received('dying');
        expect(tried.map((one) => one.reconsumeTimes)).toEqual([0, 1, 2]);
        expect(dead[0]).toMatchObject({
          body: 'poison-0',
          properties: { ORIGIN_MESSAGE_ID: sent?.offsetMsgId },
        });
      },
    },

    {
      feature: 'Orderly: suspended queue',
      title: 'repeats an orderly message in its place when a handler suspends the queue',
      play: async ({ name, group, base, client }) => {
        const topic = name('Suspend');
        await client.run('topic', { id: 'p', topic, queues: 1 });
        await client.run('push', {
          ...base,
          id: 'suspend',
          group: group('suspend'),
          topic,
          mode: 'orderly',
          fail: 1,
          suspend: 200,
        });
        await client.send('send', {
          id: 'p',
          topic,
          body: 'step',
          hash: 'one',
          keysCount: 1,
          count: 3,
        });
        const received = await client.untilReceived('suspend', 6);
        expect(received.map((one) => `${one.body}/${one.reconsumeTimes}`)).toEqual([
          'step-0/0',
          'step-0/1',
          'step-1/0',
          'step-1/1',
          'step-2/0',
          'step-2/1',
        ]);
      },
    },

    {
      feature: 'Broadcasting',
      title: 'gives every member of a broadcasting group every message',
      play: async ({ name, group, base, client }) => {
        const topic = name('Broadcast');
        await client.run('topic', { id: 'p', topic });
        for (const id of ['news-1', 'news-2']) {
          await client.run('push', {
            ...base,
            id,
            group: group('news'),
            topic,
            broadcast: true,
          });
        }
        await client.send('send', { id: 'p', topic, body: 'news', count: 6 });
        const one = await client.untilReceived('news-1', 6);
        const other = await client.untilReceived('news-2', 6);
        expect(one.map((event) => event.body).sort()).toEqual(
          other.map((event) => event.body).sort(),
        );
      },
    },

    {
      feature: 'Offsets stored at close',
      title: 'leaves its offsets at the broker when it stops, and its successor goes on from there',
      play: async ({ name, group, base, client }) => {
        const topic = name('Stop');
        await client.run('topic', { id: 'p', topic });
        await client.run('push', { ...base, id: 'stop-1', group: group('stop'), topic });
        await client.send('send', { id: 'p', topic, body: 'before', count: 6 });
        await client.untilReceived('stop-1', 6);
        await client.run('stop', { id: 'stop-1' });
        await client.send('send', { id: 'p', topic, body: 'after', count: 4 });
        await client.run('push', { ...base, id: 'stop-2', group: group('stop'), topic });
        const received = await client.untilReceived('stop-2', 4);
        expect(received.map((one) => one.body).sort()).toEqual([
          'after-0',
          'after-1',
          'after-2',
          'after-3',
        ]);
        expect(client.received('stop-1')).toHaveLength(6);
      },
    },
  ],
};
