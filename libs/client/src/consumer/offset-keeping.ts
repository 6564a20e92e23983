import { homedir } from 'node:os';
import { join } from 'node:path';
import { messageOf, nodeFileSystem } from '@nestjs-rocketmq/foundation';
import type { ClientInstance } from '../client-instance.js';
import { BrokerOffsetStore } from './broker-offsets.js';
import type { ConsumerGroup } from './group-state.js';
import { HostOffsetStore } from './host-offset-store.js';
import type { OffsetKeepingOptions } from './offset-options.js';
import type { OffsetStore } from './offset-store.js';

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
  const key = options.offsetKey ?? options.instanceName ?? 'default';
  const { fileSystem = nodeFileSystem } = options;
  // Groups of one name in two namespaces are two groups.
  const ofGroup = instance.namespace?.wrap(group) ?? group;
  return new HostOffsetStore(instance, { directory, group: ofGroup, key, fileSystem });
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
