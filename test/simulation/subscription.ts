import { tagHash } from '@nestjs-rocketmq/message';

/** What of a message filters look at. */
export interface Filtered {
  readonly id: string;
  readonly tag: string;
}

/** What a group wants, in the broker's words and in ours. */
export interface Subscription {
  readonly expression: string;
  readonly type: 'TAG' | 'SQL92';
  wants(message: Filtered): boolean;
  /** What the broker may give as well: it knows only the hash of a tag. */
  mayGet(message: Filtered): boolean;
}

/** The property `price`, which not every message has. */
export function priceOf(id: string): number | undefined {
  const number = Number(id.split('-')[1]);
  return number % 3 === 0 ? undefined : number % 10;
}

const everything = (): boolean => true;

export const all: Subscription = {
  expression: '*',
  type: 'TAG',
  wants: everything,
  mayGet: everything,
};

export const byTags: Subscription = {
  expression: 'Aa || C',
  type: 'TAG',
  wants: ({ tag }) => tag === 'Aa' || tag === 'C',
  mayGet: ({ tag }) => [tagHash('Aa'), tagHash('C')].includes(tagHash(tag)),
};

const wantsBySql = ({ id, tag }: Filtered): boolean => {
  const price = priceOf(id);
  return price === undefined ? tag !== 'D' : price >= 3 && price <= 6;
};

export const bySql: Subscription = {
  expression: "price BETWEEN 3 AND 6 OR (price IS NULL AND TAGS <> 'D')",
  type: 'SQL92',
  wants: wantsBySql,
  mayGet: wantsBySql,
};
