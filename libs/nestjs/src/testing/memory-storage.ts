import type {
  Claim,
  ConsistencyStorage,
  Decision,
  IdempotencyEntry,
  LeaseRequest,
  LeasedRecord,
  OutboxRecord,
  SendFailure,
} from '../consistency/index.js';

interface Row extends OutboxRecord {
  attempts: number;
  isPoisoned: boolean;
  isWaiting: boolean;
  owner?: string | undefined;
  error?: string;
}

interface State {
  readonly done: Map<string, string | null>;
  readonly fence: Map<string, Decision>;
  readonly outbox: Row[];
  /** Stands for the application's own tables. */
  readonly effects: string[];
}

/** A transaction: the application's effects go into it. */
export interface MemoryTx {
  readonly effects: string[];
}

const keyOf = ({ scope, key }: IdempotencyEntry): string => `${scope}|${key}`;

/** A storage without a database, for specs: one transaction at a time, undone when it throws. */
export class MemoryStorage implements ConsistencyStorage<MemoryTx> {
  state: State = { done: new Map(), fence: new Map(), outbox: [], effects: [] };
  tablesVersion = 1;
  /** Asked by every method; throws to fail it. */
  onCall: (method: string) => void = () => undefined;
  readonly removedLimits: number[] = [];
  private last: Promise<unknown> = Promise.resolve();

  async migrate(): Promise<void> {
    this.onCall('migrate');
    this.tablesVersion = 1;
  }

  version(): Promise<number> {
    return Promise.resolve(this.tablesVersion);
  }

  transaction<T>(work: (tx: MemoryTx) => Promise<T>): Promise<T> {
    const run = this.last.then(async () => {
      const before = structuredClone(this.state);
      try {
        const result = await work({ effects: this.state.effects });
        this.onCall('commit');
        return result;
      } catch (error) {
        this.state = before;
        throw error;
      }
    });
    this.last = run.catch(() => undefined);
    return run;
  }

  async claim(_: MemoryTx, entry: IdempotencyEntry): Promise<Claim> {
    this.onCall('claim');
    const outcome = this.state.done.get(keyOf(entry));
    if (outcome !== undefined) return { isFirst: false, outcome };
    this.state.done.set(keyOf(entry), null);
    return { isFirst: true };
  }

  async keepOutcome(_: MemoryTx, entry: IdempotencyEntry, outcome: string): Promise<void> {
    this.state.done.set(keyOf(entry), outcome);
  }

  async markDone(_: MemoryTx, txKey: string): Promise<boolean> {
    if (this.state.fence.has(txKey)) return false;
    this.state.fence.set(txKey, 'DONE');
    return true;
  }

  async markAborted(txKey: string): Promise<Decision> {
    this.onCall('markAborted');
    const state = this.state.fence.get(txKey) ?? 'ABORTED';
    this.state.fence.set(txKey, state);
    return state;
  }

  async decision(txKey: string, bornAt: number) {
    return { state: this.state.fence.get(txKey), ageMs: -bornAt };
  }

  async append(_: MemoryTx, message: OutboxRecord): Promise<void> {
    this.state.outbox.push({ ...message, attempts: 0, isPoisoned: false, isWaiting: true });
  }

  async lease(request: LeaseRequest): Promise<readonly LeasedRecord[]> {
    this.onCall('lease');
    const blocked = new Set<string>();
    const taken: Row[] = [];
    for (const row of this.state.outbox) {
      if (request.orderKey !== undefined && row.orderKey !== request.orderKey) continue;
      const mayGo = row.isWaiting || request.isForced;
      const isFree = row.owner === undefined && !row.isPoisoned && mayGo;
      if (isFree && !blocked.has(row.orderKey)) taken.push(row);
      else if (!row.isPoisoned || request.isHeld) blocked.add(row.orderKey);
    }
    for (const row of taken) row.owner = request.owner;
    return structuredClone(taken);
  }

  async removeSent(ids: readonly string[]): Promise<void> {
    this.onCall('removeSent');
    const { outbox } = this.state;
    for (const id of ids) outbox.splice(outbox.findIndex((row) => row.id === id) >>> 0, 1);
  }

  async noteFailure({ id, error, retryInMs }: SendFailure): Promise<void> {
    const row = this.state.outbox.find((one) => one.id === id);
    if (row === undefined) return;
    const isPoisoned = retryInMs === undefined;
    Object.assign(row, { error, isPoisoned, isWaiting: retryInMs === 0, owner: undefined });
    row.attempts += 1;
    this.pauses.push(retryInMs);
  }

  readonly pauses: (number | undefined)[] = [];

  async release(_: string, ids: readonly string[]): Promise<void> {
    for (const row of this.state.outbox) if (ids.includes(row.id)) row.owner = undefined;
  }

  async lag() {
    const waiting = this.state.outbox.filter((row) => !row.isPoisoned).length;
    const poisoned = this.state.outbox.length - waiting;
    return { waiting, poisoned, oldestAgeMs: waiting === 0 ? undefined : 1 };
  }

  async poisoned() {
    const rows = this.state.outbox.filter((row) => row.isPoisoned);
    return rows.map(({ id, orderKey, destination, attempts, error = '' }) => ({
      id,
      orderKey,
      destination,
      attempts,
      error,
      ageMs: 1,
    }));
  }

  async revive(id: string): Promise<boolean> {
    const row = this.state.outbox.find((one) => one.id === id && one.isPoisoned);
    if (row !== undefined) Object.assign(row, { isPoisoned: false, isWaiting: true, attempts: 0 });
    return row !== undefined;
  }

  async discard(id: string): Promise<boolean> {
    const at = this.state.outbox.findIndex((one) => one.id === id && one.isPoisoned);
    if (at >= 0) this.state.outbox.splice(at, 1);
    return at >= 0;
  }

  async removeOld({ limit }: { readonly limit: number }): Promise<number> {
    this.onCall('removeOld');
    this.removedLimits.push(limit);
    const count = Math.min(limit, this.state.done.size);
    for (const key of [...this.state.done.keys()].slice(0, count)) this.state.done.delete(key);
    return count;
  }
}
