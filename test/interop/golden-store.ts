import { mkdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import type { Judgement } from './extension-story.js';
import { goldenFolder } from './golden-frames.js';

/** A message as the official client got it from the store, without what the client itself adds. */
export interface GoldenMessage {
  readonly topic: string;
  readonly body: string;
  readonly tags: string | null;
  readonly keys: string | null;
  readonly queueId: number;
  readonly queueOffset: number;
  readonly commitLogOffset: number;
  readonly storeSize: number;
  readonly sysFlag: number;
  readonly flag: number;
  readonly bodyCrc: number;
  readonly bornTimestamp: number;
  readonly storeTimestamp: number;
  readonly reconsumeTimes: number;
  readonly preparedOffset: number;
  readonly properties: Readonly<Record<string, string>>;
}

/** A small store that an official broker wrote. */
export interface GoldenStore {
  readonly version: string;
  /** How the broker ended. */
  readonly state: 'closed' | 'killed';
  /** Sizes in bytes; `written` is the part before the zeros at the end, gzip in base64. */
  readonly files: readonly {
    readonly path: string;
    readonly size: number;
    readonly written: string;
  }[];
  /** Settings that the sizes of files depend on. */
  readonly properties: Readonly<Record<string, string | number | boolean>>;
  readonly messages: readonly GoldenMessage[];
}

/** A small store with extension files, and what its broker said of its queue. */
export interface GoldenExtension extends Pick<GoldenStore, 'version' | 'files' | 'properties'> {
  readonly count: number;
  readonly judgement: Judgement;
}

export const extensionVersions = ['4.9.7', '5.3.3'] as const;

export function goldenExtensionPath(version: string): string {
  return join(goldenFolder, `extension-${version}.json`);
}

export const goldenStores = [
  ['4.9.7', 'closed'],
  ['4.9.7', 'killed'],
  ['5.3.3', 'closed'],
  ['5.3.3', 'killed'],
] as const;

export function goldenStore(version: string, state: 'closed' | 'killed'): GoldenStore {
  const path = join(goldenFolder, `store-${version}-${state}.json`);
  return JSON.parse(readFileSync(path, 'utf8')) as GoldenStore;
}

/** Lays the files of a golden store out below a folder. */
export function unpackGoldenStore(store: Pick<GoldenStore, 'files'>, folder: string): void {
  for (const file of store.files) {
    const path = join(folder, file.path);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, gunzipSync(Buffer.from(file.written, 'base64')));
    truncateSync(path, file.size);
  }
}
