import { join } from 'node:path';
import type { FileSystem, Logger } from '@nestjs-rocketmq/foundation';
import type { HandlePool } from '../files/handle-pool.js';
import { isIndexFileName } from '../formats/index-layout.js';
import { IndexFile, indexFileBytes, type IndexSizes } from './index-file.js';

export interface IndexFolder {
  readonly fileSystem: FileSystem;
  readonly handles: HandlePool;
  readonly logger: Logger;
  readonly directory: string;
  readonly sizes: IndexSizes;
}

export interface LoadedIndex {
  readonly files: IndexFile[];
  /** Records from this log position on have to be put. */
  readonly from: number;
}

/**
 * Finds the index files and how far they can be trusted.
 *
 * After a good close: up to the end that the newest one names. After a crash the slots of every
 * file that is not surely complete are made anew from its entries, and entries from its end on are
 * dropped, because they may not be whole. A file that cannot be right is removed with all that
 * follow it. What is missing then is put from the log.
 */
export function loadIndex(
  folder: IndexFolder,
  wasAborted: boolean,
  /** The checkpoint's: files that end later may not be complete. */
  completeTime: number,
): LoadedIndex {
  const files = openFiles(folder);
  let from = 0;
  for (const [i, file] of files.entries()) {
    const isNewest = i === files.length - 1;
    const { endPosition, count, endTime } = file.header;
    const isComplete = !isNewest && file.isFull && endTime > 0 && endTime <= completeTime;
    // A new first file covers nothing yet.
    from = endTime > 0 ? endPosition + 1 : endPosition;
    // Only the newest one has room left, else it is not what it was.
    const isWhole = (isNewest || file.isFull) && file.isPlausible;
    if ((isComplete || !wasAborted) && isWhole) continue;
    from = endPosition;
    const fault = file.rebuild(endPosition);
    if (fault !== undefined) {
      const fields = { path: file.path, fault };
      folder.logger.warn('An index file is damaged; what follows is made again', fields);
      from = file.header.endPosition;
    } else Object.assign(file.header, { endPosition, endTime });
    if (isNewest || (file.isFull && file.header.count === count)) continue;
    remove(
      folder,
      files.splice(i + 1).map((each) => each.path),
    );
    break;
  }
  return { files, from };
}

/** The files up to the first that cannot be right; it and those behind it are removed. */
function openFiles(folder: IndexFolder): IndexFile[] {
  const paths = pathsOf(folder);
  const files: IndexFile[] = [];
  for (const [i, path] of paths.entries()) {
    const file = openFile(folder, path);
    const end = files.at(-1)?.header.endPosition ?? 0;
    if (file === undefined || file.header.beginPosition < end) {
      remove(folder, paths.slice(i));
      break;
    }
    files.push(file);
  }
  return files;
}

function pathsOf(folder: IndexFolder): string[] {
  const { fileSystem, directory } = folder;
  return fileSystem
    .list(directory)
    .filter((name) => isIndexFileName(name))
    .map((name) => join(directory, name))
    .filter((path) => !fileSystem.isDirectory(path));
}

/** The file, unless its size is another or its header makes no sense. */
function openFile(folder: IndexFolder, path: string): IndexFile | undefined {
  const { fileSystem, handles, sizes } = folder;
  if (fileSystem.size(path) !== indexFileBytes(sizes)) return undefined;
  const file = IndexFile.open(handles, path, sizes);
  return file.isReadable ? file : undefined;
}

function remove(folder: IndexFolder, paths: readonly string[]): void {
  for (const path of paths) {
    folder.logger.warn('An index file is removed and made again from the log', { path });
    folder.handles.drop(path);
    folder.fileSystem.remove(path);
  }
  if (paths.length > 0) folder.fileSystem.syncDirectory(folder.directory);
}
