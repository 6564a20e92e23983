import { spanOf } from '@nestjs-rocketmq/foundation';
import { RecordMarks, tagHash } from '@nestjs-rocketmq/message';
import { parseDelayLevels } from './delay-levels.js';
import { tagsCodeOf, type DispatchedRecord } from './dispatch-rule.js';

const delays = parseDelayLevels('1s 5s 2m');
const now = 1_700_000_000_000;

function codeOf(topic: string, properties: string): number {
  const bytes = new TextEncoder().encode(topic + properties);
  const topicTo = new TextEncoder().encode(topic).length;
  const record: DispatchedRecord = {
    bytes,
    topicFrom: 0,
    topicTo,
    marks: new RecordMarks().locate(spanOf(bytes), topicTo, bytes.length),
  };
  return tagsCodeOf(record, now, delays);
}

describe('the tags code of a record', () => {
  it('is the hash of its tag, or 0', () => {
    expect(codeOf('orders', 'KEYS\u0001a\u0002TAGS\u0001paid\u0002')).toBe(tagHash('paid'));
    expect(codeOf('orders', 'TAGS\u0001paid')).toBe(tagHash('paid'));
    expect(codeOf('orders', 'XTAGS\u0001paid\u0002')).toBe(0);
    expect(codeOf('orders', '')).toBe(0);
  });

  it('is the due time in the schedule topic, at most the highest level', () => {
    const schedule = 'SCHEDULE_TOPIC_XXXX';
    expect(codeOf(schedule, 'TAGS\u0001paid\u0002DELAY\u00012\u0002')).toBe(now + 5000);
    expect(codeOf(schedule, 'DELAY\u000199\u0002')).toBe(now + 120_000);
    expect(codeOf(schedule, 'TAGS\u0001paid\u0002DELAY\u00010\u0002')).toBe(tagHash('paid'));
    expect(codeOf(schedule, 'TAGS\u0001paid\u0002DELAY\u0001x\u0002')).toBe(tagHash('paid'));
    expect(codeOf('orders', 'TAGS\u0001paid\u0002DELAY\u00012\u0002')).toBe(tagHash('paid'));
  });
});

describe('delay levels', () => {
  it('are read as Java reads them', () => {
    expect(parseDelayLevels('1s 5m  2h 1d')).toEqual([1000, 300_000, 7_200_000, 86_400_000]);
  });

  it('name the level that is wrong', () => {
    expect(() => parseDelayLevels('1s oops 3s')).toThrow("level 2 is 'oops'");
    expect(() => parseDelayLevels('')).toThrow("level 1 is ''");
  });
});
