import type { SqlFilter } from '@nestjs-rocketmq/filter';
import { PropertyName, readProperty } from '@nestjs-rocketmq/message';
import type { ExtensionUnit } from '@nestjs-rocketmq/store';
import { mayHaveBits } from './bloom-filter.js';
import type { ConsumerFilter } from './consumer-filter.js';

/** What of a queue a pull wants: by the tags codes of its entries, and by what properties say. */
export interface PullFilter {
  readonly codeFilter: ((tagsCode: number) => boolean) | undefined;
  /** Looks at what the queue's extension has of a message. */
  readonly suits?: ((unit: ExtensionUnit) => boolean) | undefined;
  /** Looks at a property text, which stands in the bytes from `from` up to `to`. */
  readonly accepts?: ((bytes: Uint8Array, from: number, to: number) => boolean) | undefined;
}

const encoder = new TextEncoder();
const originalTopic = encoder.encode(PropertyName.RETRY_TOPIC);

/** Lets pass what an SQL92 filter is certain of; reads only the properties that it names. */
export class SqlPullFilter implements PullFilter {
  readonly codeFilter = undefined;
  private readonly names: readonly Uint8Array[];
  private readonly values: (string | undefined)[];

  constructor(private readonly filter: SqlFilter) {
    this.names = filter.properties.map((name) => encoder.encode(name));
    this.values = this.names.map(() => undefined);
  }

  readonly accepts = (bytes: Uint8Array, from: number, to: number): boolean => {
    const { names, values } = this;
    for (let i = 0; i < names.length; i += 1) {
      values[i] = readProperty(bytes, from, to, names[i] as Uint8Array);
    }
    return this.filter.matches(values);
  };
}

/**
 * A filter that a heartbeat announced: bit maps of messages that came after it say which of them it
 * certainly does not let pass, without reading them.
 */
export class AnnouncedPullFilter extends SqlPullFilter {
  constructor(
    filter: SqlFilter,
    readonly data: ConsumerFilter,
  ) {
    super(filter);
  }

  readonly suits = ({ storeTime, bytes, bitsFrom, bitsTo }: ExtensionUnit): boolean =>
    bitsFrom === bitsTo ||
    storeTime <= this.data.bornTime ||
    mayHaveBits(this.data.bloomFilterData, bytes, bitsFrom, bitsTo);
}

/** Judges a message of a retry topic by the filter of the topic that it came from. */
export class RetryPullFilter implements PullFilter {
  readonly codeFilter = undefined;

  constructor(private readonly filterOf: (topic: string) => PullFilter | undefined) {}

  readonly accepts = (bytes: Uint8Array, from: number, to: number): boolean => {
    const topic = readProperty(bytes, from, to, originalTopic);
    const accepts = topic === undefined ? undefined : this.filterOf(topic)?.accepts;
    return accepts === undefined || accepts(bytes, from, to);
  };
}
