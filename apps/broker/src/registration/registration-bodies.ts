import type { Clock } from '@nestjs-rocketmq/foundation';
import {
  type DataVersion,
  encodeRegisterBrokerBody,
  Permission,
  type TopicConfig,
  type TopicRouteData,
} from '@nestjs-rocketmq/protocol';
import type { TopicTable } from '../topics/topic-table.js';

export interface BodySettings {
  readonly brokerPermission: number;
  readonly compressedRegister: boolean;
  readonly enableSplitRegistration: boolean;
  readonly splitRegistrationSize: number;
}

const readAndWrite = Permission.read | Permission.write;

/** What name servers are told of the topics. */
export class RegistrationBodies {
  private kept: { readonly key: string; readonly bodies: readonly Uint8Array[] } | undefined;

  constructor(
    private readonly topics: TopicTable,
    private readonly settings: BodySettings,
    private readonly brokerName: string,
    private readonly clock: Clock,
  ) {}

  /** All topics: one body, or several when they are told in parts. The same for all name servers. */
  all(): readonly Uint8Array[] {
    const { compressedRegister, enableSplitRegistration } = this.settings;
    if (enableSplitRegistration) return this.parts();
    const version = this.topics.version.toJSON();
    const key = JSON.stringify([version, compressedRegister, this.settings.brokerPermission]);
    if (this.kept?.key === key) return this.kept.bodies;
    const bodies = [this.encode(version, this.topics.configs())];
    this.kept = { key, bodies };
    return bodies;
  }

  /** One topic as REGISTER_TOPIC_IN_NAMESRV tells it; undefined when it is gone. */
  single(name: string): TopicRouteData | undefined {
    const topic = this.topics.get(name);
    if (topic === undefined) return undefined;
    const { readQueueNums, writeQueueNums, topicSysFlag, perm } = this.masked(topic.config);
    const { brokerName } = this;
    const queues = { brokerName, perm, readQueueNums, topicSysFlag, writeQueueNums };
    return { brokerDatas: [], filterServerTable: {}, queueDatas: [queues] };
  }

  /** Each part has a version of its own: with one that it knows a name server takes no changes. */
  private parts(): readonly Uint8Array[] {
    const entries = Object.entries(this.topics.configs());
    const bodies: Uint8Array[] = [];
    for (let from = 0; from < entries.length; from += this.settings.splitRegistrationSize) {
      const part = entries.slice(from, from + this.settings.splitRegistrationSize);
      this.topics.version.next(this.clock.now());
      bodies.push(this.encode(this.topics.version.toJSON(), Object.fromEntries(part)));
    }
    return bodies;
  }

  private encode(dataVersion: DataVersion, configs: Record<string, TopicConfig>): Uint8Array {
    const topicConfigTable = this.isOpen()
      ? configs
      : Object.fromEntries(
          Object.entries(configs).map(([name, config]) => [name, this.masked(config)]),
        );
    return encodeRegisterBrokerBody(
      { filterServerList: [], topicConfigSerializeWrapper: { dataVersion, topicConfigTable } },
      { compressed: this.settings.compressedRegister },
    );
  }

  /** Nobody is sent here for what this broker does not allow. */
  private masked(config: TopicConfig): TopicConfig {
    if (this.isOpen()) return config;
    return { ...config, perm: config.perm & this.settings.brokerPermission };
  }

  private isOpen(): boolean {
    return (this.settings.brokerPermission & readAndWrite) === readAndWrite;
  }
}
