import { leastTagsCode, tagHash } from '@nestjs-rocketmq/message';
import { FilterError } from './filter.errors.js';

/** The expression that lets every message pass. */
export const everyTag = '*';

/**
 * A parsed tag expression: `*`, or tags joined by `||`.
 *
 * A broker knows of a message only the hash of its tag (the tags code of its consume queue entry),
 * so `matchesCode` may let a foreign tag with the same hash pass; a client, which has the message,
 * asks `matches` as well (as in Apache's `FilterAPI` and `PullAPIWrapper`).
 */
export class TagFilter {
  /** `matchesCode` as a function by itself; undefined when everything passes. */
  readonly codeFilter: ((tagsCode: number) => boolean) | undefined;
  private readonly codes: ReadonlySet<number>;

  private constructor(
    /** The expression as it was given; `*` when it was empty. */
    readonly expression: string,
    /** The tags in the order given, each once; empty when everything passes. */
    readonly tags: readonly string[],
  ) {
    const codes = new Set(tags.map((tag) => tagHash(tag)));
    this.codes = codes;
    this.codeFilter =
      tags.length === 0 ? undefined : (tagsCode) => codes.has(tagsCode) || tagsCode < leastTagsCode;
  }

  /** Absent, empty and `*` mean every message. Throws `FilterError` when there is no tag in it. */
  static parse(expression: string | undefined): TagFilter {
    const text = expression ?? '';
    if (text === '' || text === everyTag) return new TagFilter(everyTag, []);
    const tags = text
      .split('||')
      .map((tag) => tag.trim())
      .filter((tag) => tag !== '');
    if (tags.length === 0) {
      throw new FilterError(
        `The tag expression ${JSON.stringify(text)} names no tag; write '*' or tags joined by '||'.`,
        { details: { expression: text } },
      );
    }
    return new TagFilter(text, [...new Set(tags)]);
  }

  /** True when no message is held back. */
  get passesAll(): boolean {
    return this.tags.length === 0;
  }

  /** The hashes of the tags, for a subscription that is sent to a broker. */
  get tagCodes(): number[] {
    return [...this.codes];
  }

  /** May a message with this tags code be wanted? What is smaller than any code says nothing. */
  matchesCode(tagsCode: number): boolean {
    return this.codeFilter === undefined || this.codeFilter(tagsCode);
  }

  /** Is a message with this tag wanted? A message without a tag passes only when all do. */
  matches(tag: string | undefined): boolean {
    return this.tags.length === 0 || (tag !== undefined && this.tags.includes(tag));
  }
}
