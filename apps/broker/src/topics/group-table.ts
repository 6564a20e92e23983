import type { Clock, Logger } from '@nestjs-rocketmq/foundation';
import {
  groupNameProblem,
  isSystemGroup,
  maxBrokerGroupLength,
  systemGroupNames,
} from '@nestjs-rocketmq/message';
import {
  subscriptionGroupConfig,
  type SubscriptionGroupConfig,
  type SubscriptionGroupTable,
  subscriptionGroupTable,
} from '@nestjs-rocketmq/protocol';
import { isObject, objectMember } from '../table-file.js';
import type { TableStorage } from '../table-file.js';
import { TableVersion } from '../table-version.js';

/** Java's bit for reading in a table of what is forbidden. */
const readBit = 1 << 2;

const forbiddenTable = subscriptionGroupTable.members.forbiddenTable;

export interface GroupTableParts {
  readonly file: TableStorage;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly options: {
    readonly autoCreateSubscriptionGroup: boolean;
    /** Default true. */
    readonly enableCreateSysGroup?: boolean;
  };
}

/** What a group is when nothing else was said. */
function newGroup(groupName: string): SubscriptionGroupConfig {
  return subscriptionGroupConfig.read(
    { groupName, groupRetryPolicy: { type: 'CUSTOMIZED' } },
    `group ${groupName}`,
  );
}

/**
 * The consumer groups and what they may, kept in `config/subscriptionGroup.json`. A group that is
 * asked for and unknown comes into being where that is allowed.
 */
export class GroupTable {
  readonly version: TableVersion;
  private readonly groups = new Map<string, SubscriptionGroupConfig>();
  /** What groups may not do, by group and topic. */
  private forbidden: SubscriptionGroupTable['forbiddenTable'] = {};

  constructor(private readonly parts: GroupTableParts) {
    this.version = new TableVersion(parts.clock.now());
  }

  load(): void {
    const stored = this.parts.file.read();
    this.version.restore(stored?.['dataVersion']);
    this.forbidden = forbiddenTable.read(stored?.['forbiddenTable'], 'subscriptionGroup.json');
    for (const [name, given] of Object.entries(objectMember(stored, 'subscriptionGroupTable'))) {
      if (!isObject(given)) continue;
      const at = `subscriptionGroup.json: group ${name}`;
      this.groups.set(name, subscriptionGroupConfig.read({ ...given, groupName: name }, at));
    }
    let added = false;
    for (const name of this.parts.options.enableCreateSysGroup === false
      ? []
      : systemGroupNames()) {
      if (this.groups.has(name)) continue;
      this.groups.set(name, newGroup(name));
      added = true;
    }
    if (added) this.save();
  }

  /** The configuration of a known group. */
  get(name: string): SubscriptionGroupConfig | undefined {
    return this.groups.get(name);
  }

  /**
   * The configuration of a group, created with the defaults when it is unknown and groups may
   * create themselves; undefined when they may not or the name is not allowed.
   */
  find(name: string): SubscriptionGroupConfig | undefined {
    const known = this.groups.get(name);
    if (known !== undefined) return known;
    if (!this.parts.options.autoCreateSubscriptionGroup && !isSystemGroup(name)) return undefined;
    if (name.length > maxBrokerGroupLength || groupNameProblem(name) !== undefined)
      return undefined;
    const created = newGroup(name);
    this.groups.set(name, created);
    this.parts.logger.info('created a consumer group', { group: name });
    this.changed(() => this.groups.delete(name));
    return created;
  }

  names(): string[] {
    return [...this.groups.keys()];
  }

  update(config: SubscriptionGroupConfig): void {
    const { groupName } = config;
    const before = this.groups.get(groupName);
    this.groups.set(groupName, config);
    this.changed(() => {
      if (before === undefined) this.groups.delete(groupName);
      else this.groups.set(groupName, before);
    });
  }

  /** Whether nobody took the right to read a topic from a group. */
  mayRead(group: string, topic: string): boolean {
    const topics = this.forbidden[group];
    return topics === undefined || ((topics[topic] ?? 0) & readBit) === 0;
  }

  /** No consumer of the group gets anything until an operator switches it on again. */
  disable(name: string): void {
    const config = this.groups.get(name);
    if (config?.consumeEnable === true) this.update({ ...config, consumeEnable: false });
  }

  setReadable(group: string, topic: string, readable: boolean): void {
    const known = this.forbidden[group]?.[topic] ?? 0;
    const bits = readable ? known & ~readBit : known | readBit;
    if (bits === known) return;
    const { [topic]: _, ...others } = this.forbidden[group] ?? {};
    const topics = bits === 0 ? others : { ...others, [topic]: bits };
    const before = this.forbidden;
    const { [group]: __, ...groups } = before;
    this.forbidden = Object.keys(topics).length === 0 ? groups : { ...groups, [group]: topics };
    this.changed(() => (this.forbidden = before));
    this.parts.logger.info('changed whether a group may read a topic', { group, topic, readable });
  }

  delete(name: string): boolean {
    const group = this.groups.get(name);
    if (group === undefined) return false;
    const before = this.forbidden;
    const { [name]: _, ...forbidden } = before;
    this.forbidden = forbidden;
    this.groups.delete(name);
    this.changed(() => {
      this.groups.set(name, group);
      this.forbidden = before;
    });
    return true;
  }

  /** The table as Java writes it into bodies and files. */
  toJSON(): SubscriptionGroupTable {
    return {
      dataVersion: this.version.toJSON(),
      forbiddenTable: this.forbidden,
      subscriptionGroupTable: Object.fromEntries(this.groups),
    };
  }

  /** What cannot be kept did not happen. */
  private changed(undo: () => void): void {
    this.version.next(this.parts.clock.now());
    try {
      this.save();
    } catch (error) {
      undo();
      throw error;
    }
  }

  private save(): void {
    this.parts.file.write(this.toJSON());
  }
}
