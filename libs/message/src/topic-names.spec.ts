import {
  checkGroup,
  checkTopic,
  deadLetterTopic,
  groupOfTopic,
  isClosedForClients,
  isSystemGroup,
  isSystemTopic,
  retryTopic,
} from './topic-names.js';

describe('topic names', () => {
  it('may have letters, digits and the four signs', () => {
    expect(() => checkTopic('Az09_-%|')).not.toThrow();
    for (const bad of ['', '  ', 'a b', 'a.b', 'ä', 'a/b', '..', 'x'.repeat(128)]) {
      expect(() => checkTopic(bad)).toThrow(
        expect.objectContaining({ code: 'TOPIC_NAME_ILLEGAL' }) as Error,
      );
    }
  });

  it('may be longer for retry and dead-letter topics', () => {
    expect(() => checkTopic(retryTopic('g'.repeat(200)))).not.toThrow();
    expect(() => checkTopic(deadLetterTopic('g'.repeat(251)))).toThrow('at most 255');
  });

  it('of a group are told apart from others', () => {
    expect(groupOfTopic(retryTopic('g'))).toBe('g');
    expect(groupOfTopic(deadLetterTopic('g'))).toBe('g');
    expect(groupOfTopic('g')).toBeUndefined();
  });

  it('of the system are known', () => {
    expect(isSystemTopic('RMQ_SYS_TRANS_HALF_TOPIC')).toBe(true);
    expect(isSystemTopic('rmq_sys_anything')).toBe(true);
    expect(isSystemTopic('orders')).toBe(false);
    expect(isClosedForClients('SCHEDULE_TOPIC_XXXX')).toBe(true);
    expect(isClosedForClients('TBW102')).toBe(false);
  });
});

describe('group names', () => {
  it('follow the same rules', () => {
    expect(() => checkGroup('order-service_1')).not.toThrow();
    expect(() => checkGroup('a b')).toThrow('contains " "');
    expect(() => checkGroup(' ')).toThrow('blank');
  });

  it('of the system are known', () => {
    expect(isSystemGroup('CID_RMQ_SYS_TRANS')).toBe(true);
    expect(isSystemGroup('TOOLS_CONSUMER')).toBe(true);
    expect(isSystemGroup('mine')).toBe(false);
  });
});
