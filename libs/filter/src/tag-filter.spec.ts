import { tagHash } from '@nestjs-rocketmq/message';
import { FilterError } from './filter.errors.js';
import { TagFilter } from './tag-filter.js';

describe('TagFilter', () => {
  it.each([undefined, '', '*'])('lets everything pass for %j', (expression) => {
    const filter = TagFilter.parse(expression);
    expect(filter.passesAll).toBe(true);
    expect(filter.expression).toBe('*');
    expect(filter.matches(undefined)).toBe(true);
    expect(filter.matches('paid')).toBe(true);
    expect(filter.matchesCode(0)).toBe(true);
  });

  it('lets the named tags pass, blanks around them ignored, each once', () => {
    const filter = TagFilter.parse(' paid ||placed|| paid ||');
    expect(filter.tags).toEqual(['paid', 'placed']);
    expect(filter.tagCodes).toEqual([tagHash('paid'), tagHash('placed')]);
    expect(filter.matches('paid')).toBe(true);
    expect(filter.matches('cancelled')).toBe(false);
    expect(filter.matches(undefined)).toBe(false);
  });

  it('compares hashes only where the broker does, so a collision passes there', () => {
    const filter = TagFilter.parse('Aa');
    expect(filter.matchesCode(tagHash('BB'))).toBe(true);
    expect(filter.matches('BB')).toBe(false);
  });

  it('knows Java hash codes that overflow 32 bits', () => {
    expect(TagFilter.parse('cancelled-late').tagCodes).toEqual([-399592030]);
  });

  it.each(['||', ' ', ' || '])('refuses %j, which names no tag', (expression) => {
    expect(() => TagFilter.parse(expression)).toThrow(FilterError);
  });
});
