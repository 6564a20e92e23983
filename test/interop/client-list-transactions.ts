import type { BehaviourList, ListPlace } from './client-list.js';

const txTopic = (place: ListPlace) => place.name('Tx');
const txGroup = (place: ListPlace) => place.group('tx');

const arrived = (place: ListPlace, body: string) =>
  place.client.received('tx').filter((one) => one.body === body);

async function untilArrived(place: ListPlace, body: string): Promise<void> {
  const deadline = Date.now() + 60_000;
  while (arrived(place, body).length === 0) {
    const count = place.client.received('tx').length;
    await place.client.untilReceived('tx', count + 1, Math.max(1, deadline - Date.now()));
  }
}

/** Transactional messages: every verdict, check-backs, and a check answered by somebody else. */
export const transactions: BehaviourList = {
  async prepare(place) {
    const topic = txTopic(place);
    const { ns } = place.base;
    await place.client.run('topic', { id: 'p', topic });
    await place.client.run('push', { ns, id: 'tx', group: place.group('tx-consumer'), topic });
    await place.client.run('transaction-producer', { ns, id: 't', group: txGroup(place) });
  },
  list: [
    {
      feature: 'Transaction: commit',
      title: 'a committed message is delivered with its transaction id',
      play: async (place) => {
        const [sent] = await place.client.send('transaction', {
          id: 't',
          topic: txTopic(place),
          body: 'yes',
          local: 'commit',
        });
        await untilArrived(place, 'yes-0');
        expect(sent?.status).toBe('SEND_OK');
        expect(arrived(place, 'yes-0')[0]).toMatchObject({
          topic: txTopic(place),
          msgId: sent?.msgId,
          properties: {
            UNIQ_KEY: sent?.transactionId ?? sent?.msgId,
            PGROUP: txGroup(place),
            TRAN_MSG: 'true',
          },
        });
      },
    },

    {
      feature: 'Transaction: check-back',
      title: 'an undecided message is asked about and delivered when the answer is commit',
      play: async (place) => {
        await place.client.send('transaction', {
          id: 't',
          topic: txTopic(place),
          body: 'maybe',
          local: 'unknown',
          check: 'commit',
        });
        await untilArrived(place, 'maybe-0');
        const checks = (await place.client.untilEvents('check', 1)).filter(
          (one) => one['body'] === 'maybe-0',
        );
        expect(checks).toHaveLength(1);
        expect(checks[0]).toMatchObject({
          id: 't',
          topic: txTopic(place),
          transactionId: arrived(place, 'maybe-0')[0]?.msgId,
          times: '1',
        });
      },
    },

    {
      feature: 'Transaction: check-back repeated',
      title: 'an undecided message is asked about again until it is decided',
      play: async (place) => {
        await place.client.send('transaction', {
          id: 't',
          topic: txTopic(place),
          body: 'shy',
          local: 'unknown',
          check: 'unknown',
        });
        const deadline = Date.now() + 30_000;
        const asked = async (count: number) =>
          (
            await place.client.untilEvents('check', count, Math.max(1, deadline - Date.now()))
          ).filter((one) => one['body'] === 'shy-0');
        let count = 1;
        let checks = await asked(count);
        while (checks.length < 2) checks = await asked(++count);
        expect(checks.slice(0, 2).map((one) => one['times'])).toEqual(['1', '2']);
        expect(arrived(place, 'shy-0')).toEqual([]);
      },
    },

    {
      feature: 'Transaction: rollback',
      title: 'rolled back messages are never delivered, at once or after a check',
      play: async (place) => {
        await place.client.send('transaction', {
          id: 't',
          topic: txTopic(place),
          body: 'no',
          local: 'rollback',
        });
        await place.client.send('transaction', {
          id: 't',
          topic: txTopic(place),
          body: 'maybe-not',
          local: 'unknown',
          check: 'rollback',
        });
        const checked = async () => {
          const checks = await place.client.untilEvents('check', 1);
          return checks.some((one) => one['body'] === 'maybe-not-0');
        };
        for (let count = 1; !(await checked()); count++)
          await place.client.untilEvents('check', count);
        await place.client.send('transaction', {
          id: 't',
          topic: txTopic(place),
          body: 'marker',
          local: 'commit',
        });
        await untilArrived(place, 'marker-0');
        expect(arrived(place, 'no-0')).toEqual([]);
        expect(arrived(place, 'maybe-not-0')).toEqual([]);
      },
    },

    {
      feature: 'Transaction: check answered by another producer of the group',
      title: 'another instance of the group is asked when the sender is gone',
      play: async (place) => {
        await place.client.run('transaction-producer', {
          ns: place.base.ns,
          id: 'heir',
          group: txGroup(place),
        });
        // An instance that has sent nothing knows no broker, so no broker knows it.
        await place.client.send('transaction', {
          id: 'heir',
          topic: txTopic(place),
          body: 'hello',
          local: 'commit',
        });
        await untilArrived(place, 'hello-0');
        await place.client.send('transaction', {
          id: 't',
          topic: txTopic(place),
          body: 'orphan',
          local: 'unknown',
          check: 'commit',
        });
        await place.client.run('stop', { id: 't' });
        await untilArrived(place, 'orphan-0');
        const checks = (await place.client.untilEvents('check', 1)).filter(
          (one) => one['body'] === 'orphan-0',
        );
        expect(checks.at(-1)).toMatchObject({ id: 'heir' });
        expect(arrived(place, 'orphan-0')).toHaveLength(1);
      },
    },
  ],
};
