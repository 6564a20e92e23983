import { tagHash } from '@nestjs-rocketmq/message';
import { SqlSubscription, TagSubscription } from './subscription.js';

describe('TagSubscription', () => {
  it('tells apart tags that have the same hash', () => {
    expect(tagHash('Aa')).toBe(tagHash('BB'));
    const subscription = new TagSubscription('t', 'Aa', 1);
    expect([subscription.accepts('Aa'), subscription.accepts('BB')]).toEqual([true, false]);
  });

  it('accepts everything, also without tag, for *', () => {
    const subscription = new TagSubscription('t', '*', 1);
    expect([subscription.accepts('a'), subscription.accepts(undefined)]).toEqual([true, true]);
  });

  it('says in heartbeats what Java says', () => {
    expect(new TagSubscription('t', 'a || b', 5).data).toEqual({
      classFilterMode: false,
      topic: 't',
      subString: 'a || b',
      tagsSet: ['a', 'b'],
      codeSet: [97, 98],
      subVersion: 5,
      expressionType: 'TAG',
    });
  });

  it('refuses an expression without a tag', () => {
    expect(() => new TagSubscription('t', ' || ', 1)).toThrow(/names no tag/);
  });
});

describe('SqlSubscription', () => {
  it('leaves the judgement to the broker', () => {
    const subscription = new SqlSubscription('t', 'a > 5', 7);
    expect(subscription.acceptsAll).toBe(true);
    expect(subscription.data).toMatchObject({
      topic: 't',
      subString: 'a > 5',
      subVersion: 7,
      expressionType: 'SQL92',
    });
  });

  it('refuses an expression that brokers would not understand', () => {
    expect(() => new SqlSubscription('t', 'a >', 7)).toThrow(/column 4/);
  });
});
