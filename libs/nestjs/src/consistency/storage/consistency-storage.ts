import type { OutboxLag } from '../../operations/outbox-probe.js';

export type { OutboxLag };

/** One message that was consumed, or one call: the row of the idempotency table. */
export interface IdempotencyEntry {
  /** Who does the effect once: a consumer group, or a name of your own. At most 255 characters. */
  readonly scope: string;
  /** What the effect is about: an event id, an order id. At most 255 characters. */
  readonly key: string;
}

/** What is known about an entry: it is new, or it was done before with this outcome (JSON). */
export type Claim =
  { readonly isFirst: true } | { readonly isFirst: false; readonly outcome: string | null };

/** What the fence has decided about a local transaction; `undefined`: nothing yet. */
export type Decision = 'DONE' | 'ABORTED';

/** A message as it waits in the outbox. */
export interface OutboxRecord {
  /** Unique; travels with the message, so that consumers know a repetition. */
  readonly id: string;
  /** Messages of one key leave in the order in which they were added. */
  readonly orderKey: string;
  /** `topic` or `topic:tag`. */
  readonly destination: string;
  readonly body: Uint8Array;
  /** What goes with the message, as JSON. */
  readonly options: string;
}

/** A message that a relay has for itself until its lease ends. */
export interface LeasedRecord extends OutboxRecord {
  /** How often sending it has failed. */
  readonly attempts: number;
}

/** What a relay asks for. */
export interface LeaseRequest {
  /** The relay; what it does not own it cannot give back. */
  readonly owner: string;
  /** How long the rows are its own, in milliseconds. */
  readonly leaseMs: number;
  /** At most so many keys. */
  readonly keys: number;
  /** At most so many messages of one key. */
  readonly perKey: number;
  /** Whether a poisoned message holds back the later ones of its key. */
  readonly isHeld: boolean;
  /** Also messages whose next try is still to come. */
  readonly isForced: boolean;
  /** Only this key. */
  readonly orderKey?: string;
}

/** Sending failed. */
export interface SendFailure {
  readonly id: string;
  readonly owner: string;
  readonly error: string;
  /** When to try again, in milliseconds from now; `undefined`: never, the message is poisoned. */
  readonly retryInMs: number | undefined;
}

/** A message that is not tried any more, for an operator. */
export interface PoisonedMessage {
  readonly id: string;
  readonly orderKey: string;
  readonly destination: string;
  readonly attempts: number;
  readonly error: string;
  readonly ageMs: number;
}

/** How old the rows of a table may become. */
export interface Retention {
  /** Done idempotency entries, in milliseconds. */
  readonly idempotencyMs: number;
  /** Decisions of the fence, in milliseconds. */
  readonly fenceMs: number;
  /** At most so many rows of each table in one call. */
  readonly limit: number;
}

/**
 * Where the toolkit keeps its three tables: beside the application's own, in the same database,
 * so that one transaction covers both. `Tx` is what the application's code uses inside a
 * transaction (an `EntityManager`, a client of `pg`).
 *
 * Times are measured by the database's clock, so that processes whose clocks differ agree.
 * `typeOrmStorage` and `pgStorage` implement it; an implementation of your own passes the same
 * contract suite when it keeps what is said here.
 */
export interface ConsistencyStorage<Tx = unknown> {
  /** Brings the tables to the current version; harmless when they are, also by several at once. */
  migrate(): Promise<void>;
  /** The version of the tables; 0 when there are none. */
  version(): Promise<number>;
  /** Runs work in one transaction (READ COMMITTED or stricter): commits, or rolls back and throws. */
  transaction<T>(work: (tx: Tx) => Promise<T>): Promise<T>;

  /**
   * Inserts the entry inside the transaction. While another transaction holds the same entry it
   * waits: that one commits (then this is not the first) or rolls back (then this is).
   */
  claim(tx: Tx, entry: IdempotencyEntry): Promise<Claim>;
  /** Keeps the outcome of a claimed entry. */
  keepOutcome(tx: Tx, entry: IdempotencyEntry, outcome: string): Promise<void>;

  /** Writes DONE inside the transaction; false when something is decided already. */
  markDone(tx: Tx, txKey: string): Promise<boolean>;
  /** Writes ABORTED in a transaction of its own unless something is decided; what holds then. */
  markAborted(txKey: string): Promise<Decision>;
  /** What is decided, and how long ago `bornAt` (milliseconds since 1970) was. */
  decision(
    txKey: string,
    bornAt: number,
  ): Promise<{ readonly state: Decision | undefined; readonly ageMs: number }>;

  /**
   * Adds a message inside the transaction. Transactions that add to one key go one after the
   * other until they end, so that the order of a key is the order of commits.
   */
  append(tx: Tx, message: OutboxRecord): Promise<void>;
  /**
   * The messages that may be sent now, oldest first, each to one relay only until the lease ends:
   * of every key the oldest ones, and none of a key of which another relay has some.
   */
  lease(request: LeaseRequest): Promise<readonly LeasedRecord[]>;
  /** They are with the broker: removes them, whoever has the lease now. */
  removeSent(ids: readonly string[]): Promise<void>;
  /** Ends the lease on a message that could not be sent; nothing when it is another's by now. */
  noteFailure(failure: SendFailure): Promise<void>;
  /** Ends the lease on messages that were not tried. */
  release(owner: string, ids: readonly string[]): Promise<void>;
  lag(): Promise<OutboxLag>;
  poisoned(limit: number): Promise<readonly PoisonedMessage[]>;
  /** Tries a poisoned message again; false when there is none with this id. */
  revive(id: string): Promise<boolean>;
  /** Drops a poisoned message; false when there is none with this id. */
  discard(id: string): Promise<boolean>;

  /** Removes old rows; how many. Fewer than the limit: nothing old is left. */
  removeOld(retention: Retention): Promise<number>;
}
