import { option, type FileSystem } from '@nestjs-rocketmq/foundation';
import { anObject, type Duration } from '../client-options.js';
import type { OffsetStore } from './offset-store.js';

/** Options of every consumer about its offsets. */
export interface OffsetKeepingOptions {
  /** How often offsets are given to the store [5s]. */
  readonly persistConsumerOffsetInterval?: Duration;
  /** Where offsets are kept; by default at the brokers (clustering) or in a file (broadcasting). */
  readonly offsetStore?: OffsetStore;
  /**
   * Folder of the offset files of broadcasting [`~/.nestjs-rocketmq/offsets`], which are
   * `<cluster>/<group>/<offsetKey>.json` in it. Java: rocketmq.client.localOffsetStoreDir.
   */
  readonly offsetDirectory?: string;
  /**
   * Names the offset files of broadcasting; stable over restarts, another one for each member on one
   * host [instanceName, else `default`].
   */
  readonly offsetKey?: string;
  /** The disk of the offset file. */
  readonly fileSystem?: FileSystem;
}

/** Declarations behind `OffsetKeepingOptions`. */
export const offsetKeepingTable = {
  persistConsumerOffsetInterval: option.duration({
    meaning: 'How often offsets are given to the brokers.',
    default: 5_000,
    min: 1,
  }),
  offsetStore: anObject('Where offsets are kept.'),
  offsetDirectory: option.text({ meaning: 'Folder of the offset file of broadcasting.' }),
  offsetKey: option.text({ meaning: 'Names the offset file of broadcasting.' }),
  fileSystem: anObject('The disk of the offset file.'),
};
