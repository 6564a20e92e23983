import type { Stand } from './stand.js';

/** The columns: official servers by version, and ours. */
export const matrixServers = ['4.9.7', '5.3.3', '5.5.0', 'ours'] as const;
export type MatrixServer = (typeof matrixServers)[number];

/** One row: a feature of our client. */
export interface InteropCase {
  /** Name of the row; unique. */
  readonly feature: string;
  /** What a passed cell says. */
  readonly proves: string;
  /** Servers that cannot play it, each with the limit of that server. */
  readonly limits?: Partial<Readonly<Record<MatrixServer, string>>>;
  /** Cases with the same word run one after the other; all others at once. */
  readonly sequence?: string;
  readonly how: Played | ElsewherePlayed;
}

export interface Played {
  play(stand: Stand): Promise<void>;
}

/** Needs a server that is set up differently; a spec of its own plays it, and names the server in its titles. */
export interface ElsewherePlayed {
  /** Of `test/interop`. */
  readonly spec: string;
  /** A title in it. */
  readonly title: string;
}

export interface CaseGroup {
  readonly title: string;
  readonly cases: readonly InteropCase[];
}

export function isPlayedHere(how: InteropCase['how']): how is Played {
  return 'play' in how;
}
