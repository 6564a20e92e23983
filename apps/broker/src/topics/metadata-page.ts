import {
  type DataVersion,
  dataVersion,
  parseFastjson,
  sameDataVersion,
} from '@nestjs-rocketmq/protocol';

/** How a caller of 5.5 asks for a part of a table. */
export interface PageWish {
  /** Where the page begins among the sorted names. */
  readonly from?: number | undefined;
  readonly most?: number | undefined;
  /** JSON of the version that the caller saw with its last page; empty for the first. */
  readonly version?: string | undefined;
}

export interface PageOptions {
  /** Whether there are pages; without, everybody gets everything. */
  readonly enableSplitMetadata: boolean;
  /** The most entries of a page. */
  readonly splitMetadataSize: number;
}

/**
 * The part of a table that is asked for: sorted by name, begun anew when the table has changed since
 * the page before. Who asks for no page gets everything.
 */
export function pageOf<T>(
  table: Readonly<Record<string, T>>,
  version: DataVersion,
  wish: PageWish,
  { enableSplitMetadata, splitMetadataSize }: PageOptions,
): Record<string, T> {
  const { from, most } = wish;
  if (!enableSplitMetadata) return { ...table };
  if (from === undefined && most === undefined && wish.version === undefined) return { ...table };
  const begin = isSame(wish.version, version) ? Math.max(0, from ?? 0) : 0;
  const count = Math.max(0, Math.min(most ?? splitMetadataSize, splitMetadataSize));
  const names = Object.keys(table)
    .toSorted()
    .slice(begin, begin + count);
  return Object.fromEntries(names.map((name) => [name, table[name] as T]));
}

function isSame(text: string | undefined, version: DataVersion): boolean {
  if (text === undefined || text.trim() === '') return false;
  try {
    return sameDataVersion(dataVersion.read(parseFastjson(text), 'dataVersion'), version);
  } catch {
    // What cannot be read is no version that we gave.
    return false;
  }
}
