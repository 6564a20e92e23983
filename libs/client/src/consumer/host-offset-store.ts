import { join } from 'node:path';
import type { FileSystem } from '@nestjs-rocketmq/foundation';
import type { MessageQueue } from '@nestjs-rocketmq/message';
import type { ClientInstance } from '../client-instance.js';
import { OffsetReadError } from '../client.errors.js';
import { FileOffsetStore } from './file-offset-store.js';
import type { OffsetStore, QueueOffset } from './offset-store.js';

/** Where the offset files of a group are: `<directory>/<cluster>/<group>/<key>.json`. */
export interface OffsetPlace {
  readonly directory: string;
  readonly group: string;
  readonly key: string;
  readonly fileSystem: FileSystem;
}

/** Offsets of a broadcasting member in files of this host, one for each cluster of its queues. */
export class HostOffsetStore implements OffsetStore {
  private readonly files = new Map<string, FileOffsetStore>();

  constructor(
    private readonly instance: ClientInstance,
    private readonly place: OffsetPlace,
  ) {}

  async read(queue: MessageQueue): Promise<number | undefined> {
    return (await this.fileOf(queue)).read(queue);
  }

  async write(offsets: readonly QueueOffset[]): Promise<void> {
    const byFile = new Map<FileOffsetStore, QueueOffset[]>();
    for (const one of offsets) {
      const file = await this.fileOf(one.queue);
      byFile.set(file, [...(byFile.get(file) ?? []), one]);
    }
    for (const [file, own] of byFile) await file.write(own);
  }

  private async fileOf(queue: MessageQueue): Promise<FileOffsetStore> {
    const { directory, group, key, fileSystem } = this.place;
    const cluster = await this.clusterOf(queue);
    const known = this.files.get(cluster);
    if (known !== undefined) return known;
    const path = join(directory, nameOf(cluster), nameOf(group), `${nameOf(key)}.json`);
    const { logger } = this.instance;
    const file = new FileOffsetStore(fileSystem, path, (sentence) => logger.warn(sentence));
    this.files.set(cluster, file);
    return file;
  }

  private async clusterOf({ topic, brokerName }: MessageQueue): Promise<string> {
    const route = await this.instance.routes.find(topic);
    const broker = route?.brokers.find((one) => one.brokerName === brokerName);
    if (broker !== undefined) return broker.cluster;
    throw new OffsetReadError(
      `The offset file of ${topic}/${brokerName} cannot be chosen: its cluster is not known yet.`,
      { details: { topic, brokerName } },
    );
  }
}

/** A text as the name of a file or folder. */
function nameOf(text: string): string {
  const encoded = encodeURIComponent(text);
  if (encoded === '') return '_';
  return /^\.+$/.test(encoded) ? encoded.replaceAll('.', '%2E') : encoded;
}
