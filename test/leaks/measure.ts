/** What this process holds after a forced collection. */
export interface Held {
  /** heapUsed + external, bytes. */
  readonly bytes: number;
  /** What keeps the event loop alive, by kind. */
  readonly handles: Readonly<Record<string, number>>;
  /** Listeners of the process itself. */
  readonly listeners: number;
}

function collect(): void {
  if (globalThis.gc === undefined) throw new Error('run it with --expose-gc');
  globalThis.gc();
}

const tick = (): Promise<void> => new Promise((done) => void setImmediate(done));

/** Collects until nothing more goes: finalizers and sockets need some turns of the loop. */
export async function held(): Promise<Held> {
  let bytes = Number.POSITIVE_INFINITY;
  for (let round = 0; round < 12; round += 1) {
    for (let n = 0; n < 5; n += 1) await tick();
    collect();
    const { heapUsed, external } = process.memoryUsage();
    const isSettled = heapUsed + external > bytes - 4096;
    bytes = Math.min(bytes, heapUsed + external);
    if (isSettled && round > 2) break;
  }
  const handles: Record<string, number> = {};
  for (const kind of process.getActiveResourcesInfo()) handles[kind] = (handles[kind] ?? 0) + 1;
  const listeners = process
    .eventNames()
    .reduce((sum, name) => sum + process.listenerCount(name), 0);
  return { bytes, handles, listeners };
}

/** Bytes by which a series grows from one step to the next: Theil and Sen's median of all slopes. */
export function growth(series: readonly number[]): number {
  const slopes: number[] = [];
  for (let from = 0; from < series.length; from += 1) {
    for (let to = from + 1; to < series.length; to += 1) {
      slopes.push(((series[to] as number) - (series[from] as number)) / (to - from));
    }
  }
  const sorted = slopes.toSorted((one, other) => one - other);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}

/** Work of the moment, above all of the servers' disk; it ends by itself. */
const passing = /^(FSReq|Immediate|TickObject|Promise|FileHandle)/;

/** More handles, or of another kind, than at the beginning. */
export function moreHandles(before: Held, after: Held): string[] {
  const kinds = Object.entries(after.handles).filter(([kind]) => !passing.test(kind));
  return kinds
    .filter(([kind, count]) => count > (before.handles[kind] ?? 0))
    .map(([kind, count]) => `${kind}: ${before.handles[kind] ?? 0} became ${count}`);
}
