import { pageOf, type PageWish } from './metadata-page.js';

describe('a page of a table', () => {
  const table = { c: 3, a: 1, d: 4, b: 2 };
  const version = { counter: 7, stateVersion: 0, timestamp: 1000 };
  const page = (wish: PageWish, splitMetadataSize: number, enableSplitMetadata = true) =>
    pageOf(table, version, wish, { enableSplitMetadata, splitMetadataSize });
  const known = JSON.stringify(version);

  it('is everything for who asks for no page', () => {
    expect(page({}, 2)).toEqual(table);
    expect(page({ from: 1, most: 1 }, 2, false)).toEqual(table);
  });

  it('goes through the names in their order', () => {
    const first = page({ from: 0, most: 3, version: '' }, 2000);
    expect(Object.keys(first)).toEqual(['a', 'b', 'c']);
    const second = page({ from: 3, most: 3, version: known }, 2000);
    expect(Object.keys(second)).toEqual(['d']);
    expect(page({ from: 4, most: 3, version: known }, 2000)).toEqual({});
  });

  it('is no larger than the broker allows', () => {
    expect(Object.keys(page({ from: 0 }, 2))).toEqual(['a', 'b']);
  });

  it('begins anew when the table has changed, or the version makes no sense', () => {
    const other = JSON.stringify({ ...version, counter: 8 });
    for (const seen of [other, '{', '']) {
      expect(Object.keys(page({ from: 2, most: 1, version: seen }, 9))).toEqual(['a']);
    }
  });
});
