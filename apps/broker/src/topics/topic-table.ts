import type { Clock, Logger } from '@nestjs-rocketmq/foundation';
import { SystemTopic } from '@nestjs-rocketmq/message';
import { Permission, topicConfig, type TopicConfig } from '@nestjs-rocketmq/protocol';
import { isObject, objectMember } from '../table-file.js';
import type { TableStorage } from '../table-file.js';
import { TableVersion } from '../table-version.js';
import { isInherited, readAndWrite } from './permissions.js';
import { newTopic, Topic } from './topic.js';

export interface TopicTableParts {
  readonly file: TableStorage;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly options: { readonly autoCreateTopicEnable: boolean };
}

/**
 * The topics of this broker, kept in `config/topics.json`. Whatever changes is in the file before
 * the call returns; listeners (the registration with name servers) hear of it afterwards.
 */
export class TopicTable {
  readonly version: TableVersion;
  private readonly topics = new Map<string, Topic>();
  private readonly listeners: ((topic: string) => Promise<void> | void)[] = [];
  private telling: Promise<unknown> = Promise.resolve();

  constructor(private readonly parts: TopicTableParts) {
    this.version = new TableVersion(parts.clock.now());
  }

  /** Reads the file and adds what a broker always has. */
  load(always: readonly TopicConfig[]): void {
    const stored = this.parts.file.read();
    this.version.restore(stored?.['dataVersion']);
    for (const [name, config] of Object.entries(objectMember(stored, 'topicConfigTable'))) {
      if (!isObject(config)) continue;
      this.put(topicConfig.read({ ...config, topicName: name }, `topics.json: topic ${name}`));
    }
    let added = false;
    for (const config of always) {
      const known = this.topics.get(config.topicName);
      if (known !== undefined && isTooNarrow(known.config, config)) {
        known.apply({ ...config, order: known.config.order });
        added = true;
      }
      if (known !== undefined) continue;
      this.put(config);
      added = true;
    }
    for (const { topicName } of always) {
      const own = this.topics.get(topicName);
      if (own !== undefined) own.isSystem = true;
    }
    if (added) this.save();
  }

  get(name: string): Topic | undefined {
    return this.topics.get(name);
  }

  get size(): number {
    return this.topics.size;
  }

  all(): IterableIterator<Topic> {
    return this.topics.values();
  }

  /** Resolves when every listener has dealt with the changes so far. */
  async told(): Promise<void> {
    await this.telling;
  }

  /** Is called after every change of the table, with the topic that changed. */
  onChange(listener: (topic: string) => Promise<void> | void): void {
    this.listeners.push(listener);
  }

  /**
   * A topic that a producer sends to and that does not exist yet: made after the template topic
   * that the producer names, when that one may be inherited from; undefined otherwise.
   */
  createForSending(
    name: string,
    templateName: string,
    wantedQueues: number,
    topicSysFlag: number,
  ): Topic | undefined {
    const template = this.topics.get(templateName);
    if (template === undefined || !isInherited(template.perm)) return undefined;
    if (templateName === SystemTopic.AUTO_CREATE && !this.parts.options.autoCreateTopicEnable) {
      return undefined;
    }
    const queues = Math.max(0, Math.min(wantedQueues, template.writeQueues));
    return this.create(
      newTopic(name, queues, template.perm & ~Permission.inherit, {
        topicFilterType: template.config.topicFilterType,
        topicSysFlag,
      }),
    );
  }

  /** A retry, dead-letter or other topic of the broker's own: made when it is missing. */
  ensure(name: string, queues: number, more: Partial<TopicConfig> = {}): Topic {
    return this.topics.get(name) ?? this.create(newTopic(name, queues, readAndWrite, more));
  }

  /** Creates or changes a topic; false when it was so already, and nothing is written then. */
  update(config: TopicConfig): boolean {
    const known = this.topics.get(config.topicName);
    if (known !== undefined && isSame(known.config, config)) return false;
    const before = known?.config;
    if (known === undefined) this.put(config);
    else known.apply(config);
    this.changed(config.topicName, () => {
      if (before === undefined) this.topics.delete(config.topicName);
      else known?.apply(before);
    });
    return true;
  }

  delete(name: string): boolean {
    const topic = this.topics.get(name);
    if (topic === undefined) return false;
    this.topics.delete(name);
    this.changed(name, () => this.topics.set(name, topic));
    return true;
  }

  /** The table as Java writes it into bodies: topic name -> configuration. */
  configs(): Record<string, TopicConfig> {
    const configs: Record<string, TopicConfig> = {};
    for (const topic of this.topics.values()) configs[topic.name] = topic.config;
    return configs;
  }

  /** Name servers shall look again at everything, though no topic has changed. */
  renew(): void {
    this.version.next(this.parts.clock.now());
    this.save();
  }

  /** Each topic keeps its own text, so that a table of thousands is written as fast as it is copied. */
  save(): void {
    const topics = Array.from(this.topics.values(), (topic) => topic.tableText).join(',\n');
    const version = JSON.stringify(this.version.toJSON());
    this.parts.file.writeText(
      `{\n\t"dataVersion": ${version},\n\t"topicConfigTable": {\n${topics}\n\t}\n}`,
    );
  }

  private create(config: TopicConfig): Topic {
    const topic = this.put(config);
    this.parts.logger.info('created a topic', {
      topic: config.topicName,
      queues: config.writeQueueNums,
      perm: config.perm,
    });
    this.changed(config.topicName, () => this.topics.delete(config.topicName));
    return topic;
  }

  private put(config: TopicConfig): Topic {
    const topic = new Topic(config);
    this.topics.set(config.topicName, topic);
    return topic;
  }

  /** What cannot be kept did not happen: messages of a topic that a restart forgets are lost. */
  private changed(topic: string, undo: () => void): void {
    this.version.next(this.parts.clock.now());
    try {
      this.save();
    } catch (error) {
      undo();
      throw error;
    }
    this.telling = Promise.allSettled(this.listeners.map((listener) => listener(topic)));
  }
}

/** A broker's own topic that lost queues it needs, as when more delay levels were configured. */
function isTooNarrow(known: TopicConfig, needed: TopicConfig): boolean {
  const growing = needed.topicName === SystemTopic.SCHEDULE;
  return growing && known.writeQueueNums < needed.writeQueueNums;
}

function isSame(one: TopicConfig, other: TopicConfig): boolean {
  return (
    one.perm === other.perm &&
    one.readQueueNums === other.readQueueNums &&
    one.writeQueueNums === other.writeQueueNums &&
    one.topicFilterType === other.topicFilterType &&
    one.topicSysFlag === other.topicSysFlag &&
    one.order === other.order &&
    JSON.stringify(one.attributes) === JSON.stringify(other.attributes)
  );
}
