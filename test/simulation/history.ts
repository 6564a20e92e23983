import { createHash } from 'node:crypto';

/**
 * `failed`: the broker refused, so it must never be seen. `unknown`: may have happened or not.
 * `lost`: it was taken, and went with a power failure that may take it.
 */
export type Outcome = 'pending' | 'ok' | 'failed' | 'unknown' | 'lost';

/** Where a record stands. */
export interface Place {
  readonly topic: string;
  readonly queueId: number;
  readonly offset: number;
  /** In the log. */
  readonly position: number;
}

export interface SentMessage {
  readonly id: string;
  readonly by: string;
  readonly topic: string;
  readonly queueId: number;
  readonly tag: string;
  readonly text: string;
  readonly level: number;
  readonly isHalf: boolean;
  readonly sentAt: number;
  /** By the clock of the broker, which may jump: no record of it is older. */
  readonly sentDate: number;
  readonly life: number;
  outcome: Outcome;
  endedAt: number;
  /** What the answer said; of a half its place in the hidden topic. */
  place: Place | undefined;
}

/** A record as somebody read it. */
export interface SeenRecord extends Place {
  readonly id: string;
  readonly tag: string;
  readonly text: string;
  readonly reconsumeTimes: number;
  readonly level: number;
  readonly storeTimestamp: number;
}

export interface Decision {
  readonly id: string;
  readonly decision: 'commit' | 'rollback';
  readonly sentAt: number;
  readonly isCheckAnswer: boolean;
  readonly isOneway: boolean;
  outcome: Outcome;
  endedAt: number;
}

export interface SentBack {
  readonly group: string;
  readonly id: string;
  readonly reconsumeTimes: number;
  outcome: Outcome;
  endedAt: number;
}

export interface Commit {
  readonly value: number;
  readonly sentAt: number;
  readonly life: number;
  outcome: Outcome;
  endedAt: number;
}

/** How a life of the broker ended. */
export interface LifeEnd {
  readonly life: number;
  readonly how: 'kill' | 'crash' | 'stop';
  readonly at: number;
  /** What the broker's clock said then. */
  readonly wall: number;
  /** Nothing was wrong with the disk in this life. */
  readonly hadGoodDisk: boolean;
}

export interface Violation {
  /** The invariant, as `I1`. */
  readonly rule: string;
  readonly sentence: string;
}

/** Thrown where a story goes wrong; ends it. */
export class BrokenRule extends Error {
  constructor(readonly violation: Violation) {
    super(`${violation.rule}: ${violation.sentence}`);
  }
}

/** Everything that was asked and answered, in order. */
export class History {
  readonly messages = new Map<string, SentMessage>();
  readonly decisions: Decision[] = [];
  readonly sentBack: SentBack[] = [];
  /** By `group/topic/queue`. */
  readonly commits = new Map<string, Commit[]>();
  readonly ends: LifeEnd[] = [];
  /** Times at which half messages were asked about, by id. */
  readonly checks = new Map<string, number[]>();
  violation: Violation | undefined;
  private readonly hash = createHash('sha256');
  /** The last lines of what happened. */
  readonly lines: string[] = [];

  note(at: number, line: string): void {
    const text = `${at} ${line}`;
    this.hash.update(text).update('\n');
    this.lines.push(text);
  }

  digest(): string {
    return this.hash.copy().digest('hex');
  }

  /** Only the first counts: what follows may come from it. */
  broken(rule: string, sentence: string): void {
    this.violation ??= { rule, sentence };
  }

  check(condition: boolean, rule: string, sentence: () => string): void {
    if (!condition) this.broken(rule, sentence());
  }

  commitsOf(key: string): Commit[] {
    let commits = this.commits.get(key);
    if (commits === undefined) this.commits.set(key, (commits = []));
    return commits;
  }
}
