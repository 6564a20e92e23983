/**
 * Where a unit lies in the extension of its queue, in place of a tags code. In a file it is the
 * smallest 64-bit integer plus the position of the unit, which no number of ours can hold; so in
 * memory it is the smallest safe integer plus the position. Both are smaller than any tags code.
 * Source: org.apache.rocketmq.store.ConsumeQueueExt.decorate, 5.3.3.
 */
const base = Number.MIN_SAFE_INTEGER;
/** Units lie below this position; what an entry says beyond it is damage. */
export const mostExtension = 2 ** 52;

const high = 2 ** 32;
const signBit = 2 ** 31;

/** The address of a position. */
export function addressOf(position: number): number {
  return base + position;
}

/** The position of an address. */
export function positionOf(address: number): number {
  return address - base;
}

export function readAddress(data: DataView, at: number): number {
  const position = (data.getInt32(at) + signBit) * high + data.getUint32(at + 4);
  return addressOf(Math.min(position, mostExtension));
}

export function writeAddress(data: DataView, at: number, address: number): void {
  const position = positionOf(address);
  const low = position >>> 0;
  data.setInt32(at, (position - low) / high - signBit);
  data.setUint32(at + 4, low);
}
