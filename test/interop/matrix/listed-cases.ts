import { sendAndConsume, type BehaviourList, type ListPlace } from '../client-list.js';
import { retryAndStop } from '../client-list-retry.js';
import { transactions } from '../client-list-transactions.js';
import type { InteropCase } from './case.js';
import type { Stand } from './stand.js';

/** The rows of behaviours that Java's clients play as well; each with a client of its own. */
export function listed({ list }: BehaviourList): InteropCase[] {
  return list.map((one) => ({
    feature: one.feature,
    proves: one.title,
    how: { play: async (stand) => one.play(await stand.listPlace('json')) },
  }));
}

/** The same in one sequence, by one client that was prepared for them. */
export function listedInTurn({ list, prepare }: BehaviourList, sequence: string): InteropCase[] {
  const places = new WeakMap<Stand, ListPlace>();
  return list.map((one, at) => ({
    feature: one.feature,
    proves: one.title,
    sequence,
    how: {
      async play(stand) {
        if (at === 0) {
          const fresh = await stand.listPlace('json');
          await prepare?.(fresh);
          places.set(stand, fresh);
        }
        await one.play(places.get(stand) as ListPlace);
      },
    },
  }));
}

export const binaryHeaders: InteropCase = {
  feature: 'Binary headers',
  proves: 'sending, consuming, ordering, delays, filters and transactions once more, in that form',
  how: {
    async play(stand) {
      const place = await stand.listPlace('binary');
      await transactions.prepare?.(place);
      for (const one of [...sendAndConsume.list, ...transactions.list]) await one.play(place);
    },
  },
};

export const listedSends = listed(sendAndConsume);
/** The other ones are about consuming. */
export const isOfProducer = ({ feature }: InteropCase): boolean => !feature.startsWith('Filter');
export const listedRetries = listed(retryAndStop);
export const listedTransactions = listedInTurn(transactions, 'transactions');
