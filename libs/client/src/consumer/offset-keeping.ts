import { homedir } from 'node:os';
import { join } from 'node:path';
import { messageOf, nodeFileSystem, option, type FileSystem } from '@nestjs-rocketmq/foundation';
import type { ClientInstance } from '../client-instance.js';
import { anObject, type Duration } from '../client-options.js';
import { BrokerOffsetStore } from './broker-offsets.js';
import type { ConsumerGroup } from './group-state.js';
import { FileOffsetStore, type OffsetStore } from './offset-store.js';

/** Options of every consumer about its offsets. */
export interface OffsetKeepingOptions {
  /** How often offsets are given to the store [5s]. */
  readonly persistConsumerOffsetInterval?: Duration;
  /** Where offsets are kept; by default at the brokers (clustering) or in a file (broadcasting). */
  readonly offsetStore?: OffsetStore;
  /** Folder of the offset file of broadcasting [`~/.nestjs-rocketmq/offsets`]. */
  readonly offsetDirectory?: string;
  /** Names the offset file of broadcasting; stable over restarts [instanceName, else `default`]. */
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

/** The store that the options name, else that of the model. */
export function offsetStoreOf(
  instance: ClientInstance,
  group: string,
  isClustering: boolean,
  options: OffsetKeepingOptions & { readonly instanceName?: string },
): OffsetStore {
  if (options.offsetStore !== undefined) return options.offsetStore;
  if (isClustering) return new BrokerOffsetStore(instance, group);
  const directory = options.offsetDirectory ?? join(homedir(), '.nestjs-rocketmq', 'offsets');
  const name = encodeURIComponent(options.offsetKey ?? options.instanceName ?? 'default');
  const path = join(directory, encodeURIComponent(group), `${name}.json`);
  return new FileOffsetStore(options.fileSystem ?? nodeFileSystem, path);
}

/** Gives the store what it has not seen. Never rejects: what fails comes with the next round. */
export async function persistOffsets(group: ConsumerGroup): Promise<void> {
  try {
    await group.offsets.persist();
  } catch (error) {
    group.logger.warn('Offsets could not be stored; they will be with the next round.', {
      error: messageOf(error),
    });
  }
}
