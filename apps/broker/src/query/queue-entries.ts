import { TagFilter } from '@nestjs-rocketmq/filter';
import type { ConsumeQueueEntries, SubscriptionData } from '@nestjs-rocketmq/protocol';
import { type ConsumeQueue, emptyUnit, type ExtensionUnit } from '@nestjs-rocketmq/store';
import type { AnnouncedPullFilter } from '../filters/pull-filter.js';

type Entry = ConsumeQueueEntries['queueData'][number];

/** Would a group be given the message, as far as its queue's extension says? */
export type Judge = (unit: ExtensionUnit) => boolean;

/** The judgement of a group; `filter` is the one that it announced for SQL92. */
export function judgeOf(
  { expressionType, subString }: SubscriptionData,
  filter: AnnouncedPullFilter | undefined,
): Judge {
  if (expressionType === 'SQL92') return filter?.suits ?? (() => true);
  const tags = TagFilter.parse(subString);
  return ({ tagsCode }) => tags.matchesCode(tagsCode);
}

/** One entry as it lies in its file, with what the extension has of it; undefined when there is none. */
export function describeEntry(
  queue: ConsumeQueue,
  offset: number,
  judge: Judge | undefined,
): Entry | undefined {
  const entry = { position: 0, size: 0, tagsCode: 0 };
  if (!queue.entryAt(offset, entry)) return undefined;
  const unit = emptyUnit();
  const tagsCode = queue.tagsCodeOf(entry, unit);
  const place = { physicOffset: entry.position, physicSize: entry.size };
  if (tagsCode === entry.tagsCode) return { eval: false, ...place, tagsCode };
  if (tagsCode === undefined) {
    return { eval: false, msg: 'Cq extend not exist!', ...place, tagsCode: 0 };
  }
  const bits = unit.bytes.subarray(unit.bitsFrom, unit.bitsTo);
  const hasBits = bits.length > 0;
  const extension = {
    ...(hasBits ? { filterBitMap: Buffer.from(bits).toString('base64') } : {}),
    msgStoreTime: unit.storeTime,
    size: unitHead + bits.length,
    tagsCode,
  };
  return {
    ...(hasBits ? { bitMap: bitsText(bits) } : {}),
    eval: judge?.(unit) ?? false,
    extendDataJson: JSON.stringify(extension),
    ...place,
    tagsCode,
  };
}

/** Bytes of a unit without its bit map. */
const unitHead = 20;

/** The highest bit first, in lines of 64, as Apache's `BitsArray` prints them. */
function bitsText(bits: Uint8Array): string {
  const texts = Array.from(bits, (byte, i) => {
    return byte.toString(2).padStart(8, '0') + (i % 8 === 0 ? '\n' : '');
  });
  return texts.toReversed().join('');
}
