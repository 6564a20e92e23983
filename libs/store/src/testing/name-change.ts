import type { FaultyFile } from './faulty-file.js';

/** A change of names in a folder; several names change together. */
export type NameChange = ReadonlyMap<string, FaultyFile | undefined>;

export interface FolderChange {
  readonly folder: string;
  readonly change: NameChange;
}

export function apply(names: Map<string, FaultyFile>, change: NameChange): void {
  for (const [path, file] of change) {
    if (file === undefined) names.delete(path);
    else names.set(path, file);
  }
}
