import {
  decodeProperties,
  encodeProperties,
  isDeadLetterTopic,
  isRetryTopic,
  isSystemGroup,
  isSystemTopic,
  PropertyName,
  renamedRecords,
} from '@nestjs-rocketmq/message';
import type {
  CommandDefinition,
  ConsumerRunningInfo,
  ConsumerStatus,
  HeartbeatData,
} from '@nestjs-rocketmq/protocol';

const separator = '%';

/** Properties whose values are names. */
const namingProperties = [
  PropertyName.RETRY_TOPIC,
  PropertyName.REAL_TOPIC,
  PropertyName.PRODUCER_GROUP,
];

/** The namespace in the address of an instance, such as `http://MQ_INST_1_2.host:80`, as Java reads it. */
export function namespaceOfEndpoint(
  nameServers: string | readonly string[] | undefined,
): string | undefined {
  const given = typeof nameServers === 'string' ? nameServers : (nameServers ?? []).join(';');
  return /^(?:\w+:\/\/)?(MQ_INST_\w+_\w+)\./.exec(given)?.[1];
}

/** The prefix of a retry or dead-letter topic, and the rest. */
function apart(name: string): [prefix: string, rest: string] {
  if (!isRetryTopic(name) && !isDeadLetterTopic(name)) return ['', name];
  const end = name.indexOf(separator, 1) + 1;
  return [name.slice(0, end), name.slice(end)];
}

/**
 * Namespaces of the first kind: topics and groups bear the namespace on the wire (`shop%orders`,
 * `%RETRY%shop%payments`) and nowhere else. What leaves is wrapped and what comes is unwrapped at one
 * place, in `BrokerCalls` and `brokerRequests`; system topics and groups stay as they are.
 */
export class Namespace {
  private readonly mark: string;

  constructor(readonly name: string) {
    this.mark = `${name}${separator}`;
  }

  /** The name of a topic or group on the wire. */
  wrap(name: string): string {
    if (name === '' || isSystemTopic(name) || isSystemGroup(name)) return name;
    const [prefix, rest] = apart(name);
    return rest.startsWith(this.mark) ? name : `${prefix}${this.mark}${rest}`;
  }

  /** The name for users; one of another namespace stays as it is. */
  unwrap(name: string): string {
    const [prefix, rest] = apart(name);
    return rest.startsWith(this.mark) ? `${prefix}${rest.slice(this.mark.length)}` : name;
  }

  /** The fields of a request with wrapped names. */
  asked<T>(definition: CommandDefinition, asked: T): T {
    const wrapped = { ...asked } as Record<string, unknown>;
    for (const [name, field] of Object.entries(definition.asks)) {
      const value = wrapped[name];
      if (typeof value !== 'string') continue;
      if (field.resource !== undefined || name === 'producerGroup')
        wrapped[name] = this.wrap(value);
      else if (field.kind === 'properties') wrapped[name] = this.wrapProperties(value);
    }
    return wrapped as T;
  }

  /** The same of what a broker asks, the other way round. */
  told<T>(definition: CommandDefinition, asked: T): T {
    const plain = { ...asked } as Record<string, unknown>;
    for (const name of Object.keys(definition.asks)) {
      const value = plain[name];
      const isName = /^(topic|group|consumerGroup|producerGroup)$/.test(name);
      if (isName && typeof value === 'string') plain[name] = this.unwrap(value);
    }
    return plain as T;
  }

  /** Messages as they came, with names for users. */
  records(bytes: Uint8Array): Uint8Array {
    if (bytes.length === 0) return bytes;
    return renamedRecords(bytes, {
      topic: (topic) => this.unwrap(topic),
      properties: (text) =>
        text.includes(this.mark) ? this.changed(text, (name) => this.unwrap(name)) : text,
    });
  }

  /** A queue, or something with a topic, with its name on the wire. */
  wrapTopic<T extends { readonly topic: string }>(one: T): T {
    return { ...one, topic: this.wrap(one.topic) };
  }

  unwrapTopic<T extends { readonly topic: string }>(one: T): T {
    return { ...one, topic: this.unwrap(one.topic) };
  }

  heartbeat(data: HeartbeatData): HeartbeatData {
    return {
      ...data,
      producerDataSet: data.producerDataSet.map((one) => ({
        ...one,
        groupName: this.wrap(one.groupName),
      })),
      consumerDataSet: data.consumerDataSet.map((one) => ({
        ...one,
        groupName: this.wrap(one.groupName),
        subscriptionDataSet: one.subscriptionDataSet.map((topic) => this.wrapTopic(topic)),
      })),
    };
  }

  status(status: ConsumerStatus): ConsumerStatus {
    const { consumerTable, messageQueueTable } = status;
    return { consumerTable, messageQueueTable: this.queueTable(messageQueueTable) };
  }

  runningInfo(info: ConsumerRunningInfo): ConsumerRunningInfo {
    return {
      ...info,
      mqTable: this.queueTable(info.mqTable),
      statusTable: Object.fromEntries(
        Object.entries(info.statusTable).map(([topic, value]) => [this.wrap(topic), value]),
      ),
      subscriptionSet: info.subscriptionSet.map((one) => this.wrapTopic(one)),
    };
  }

  private queueTable<Q extends { readonly topic: string }, V>(table: readonly [Q, V][]): [Q, V][] {
    return table.map(([queue, value]) => [this.wrapTopic(queue), value]);
  }

  /** Brokers and consoles find the namespace of a message in its property `INSTANCE_ID`. */
  private wrapProperties(text: string): string {
    const wrapped = this.changed(text, (name) => this.wrap(name));
    return `${wrapped}${encodeProperties({ [PropertyName.INSTANCE_ID]: this.name })}`;
  }

  private changed(text: string, change: (name: string) => string): string {
    const properties = decodeProperties(text);
    for (const name of namingProperties) {
      const value = properties[name];
      if (value !== undefined) properties[name] = change(value);
    }
    return encodeProperties(properties);
  }
}
