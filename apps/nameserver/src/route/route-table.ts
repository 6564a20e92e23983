import type {
  BrokerData,
  ClusterInfo,
  DataVersion,
  QueueData,
  TopicConfig,
  TopicRouteData,
} from '@nestjs-rocketmq/protocol';
import { Permission, sameDataVersion } from '@nestjs-rocketmq/protocol';

/** A broker as it names itself. */
export interface BrokerIdentity {
  readonly cluster: string;
  readonly name: string;
  /** 0 is the master. */
  readonly id: number;
  /** `host:port` for clients. */
  readonly address: string;
}

export interface Registration {
  readonly broker: BrokerIdentity;
  readonly haServerAddr: string;
  /** Undefined comes from 4.x brokers. */
  readonly enableActingMaster: boolean | undefined;
  readonly zoneName: string | undefined;
  readonly dataVersion: DataVersion;
  readonly topics: Readonly<Record<string, TopicConfig>>;
}

/**
 * What became of a registration. `stale`: another address holds this id with a newer state.
 * `refused`: the first word of a broker names a single topic, which is an update and no table.
 */
export type Registered =
  | { readonly kind: 'registered'; readonly isNew: boolean; readonly master?: Master | undefined }
  | { readonly kind: 'stale' }
  | { readonly kind: 'refused' };

interface Master {
  readonly address: string;
  readonly haServerAddr: string;
}

interface BrokerEntry {
  readonly cluster: string;
  readonly addresses: Map<number, string>;
  enableActingMaster: boolean;
  zoneName: string | undefined;
}

interface KnownState {
  readonly dataVersion: DataVersion;
  readonly haServerAddr: string;
}

const masterId = 0;
const stateKey = (cluster: string, address: string): string => `${cluster}\u0000${address}`;

/**
 * Which brokers there are and which queues they have: the whole knowledge of a nameserver, in
 * memory only, without time and without connections. Rules: `RouteInfoManager` of 5.3.3.
 */
export class RouteTable {
  /** Topic -> broker name -> queues. */
  private readonly topics = new Map<string, Map<string, QueueData>>();
  private readonly brokers = new Map<string, BrokerEntry>();
  private readonly clusters = new Map<string, Set<string>>();
  private readonly states = new Map<string, KnownState>();
  private changes = 0;

  /** Another number whenever a route may be another one than before. */
  get revision(): number {
    return this.changes;
  }

  /** A broker comes, or says again what it has. */
  register(
    registration: Registration,
    options: { readonly dropMissingTopics?: boolean } = {},
  ): Registered {
    const { broker, dataVersion } = registration;
    this.changes += 1;
    const entry = this.brokers.get(broker.name);
    if (entry !== undefined && this.isStale(entry, broker, dataVersion)) return { kind: 'stale' };
    const isNew = entry?.addresses.get(broker.id) === undefined;
    if (isNew && Object.keys(registration.topics).length === 1) return { kind: 'refused' };
    const joined = this.join(registration);
    if (this.speaksForTopics(joined, registration)) {
      this.takeTopics(registration, isNew, options.dropMissingTopics === true);
    }
    const { haServerAddr } = registration;
    this.states.set(stateKey(broker.cluster, broker.address), { dataVersion, haServerAddr });
    return { kind: 'registered', isNew, master: this.masterFor(broker, joined) };
  }

  /** A broker goes. True when it was known. */
  unregister(broker: BrokerIdentity): boolean {
    this.changes += 1;
    this.states.delete(stateKey(broker.cluster, broker.address));
    const entry = this.brokers.get(broker.name);
    if (entry === undefined) return false;
    const before = entry.addresses.size;
    for (const [id, address] of entry.addresses) {
      if (address === broker.address) entry.addresses.delete(id);
    }
    if (entry.addresses.size === 0) this.forgetName(broker.name, entry);
    else if (entry.enableActingMaster && !entry.addresses.has(masterId)) {
      this.setWritable(broker.name, false);
    }
    return entry.addresses.size < before;
  }

  /** The state that a broker last told; undefined when it is not registered. */
  dataVersionOf(cluster: string, address: string): DataVersion | undefined {
    return this.states.get(stateKey(cluster, address))?.dataVersion;
  }

  /** Where a topic lives; undefined when no living broker has it. */
  routeOf(topic: string): Omit<TopicRouteData, 'orderTopicConf'> | undefined {
    const queues = this.topics.get(topic);
    if (queues === undefined) return undefined;
    const brokerDatas = [...queues.keys()].flatMap((name) => {
      const entry = this.brokers.get(name);
      return entry === undefined ? [] : [brokerData(name, entry)];
    });
    if (brokerDatas.length === 0) return undefined;
    return { brokerDatas, filterServerTable: {}, queueDatas: [...queues.values()] };
  }

  clusterInfo(): ClusterInfo {
    const brokerAddrTable = Object.fromEntries(
      [...this.brokers].map(([name, entry]) => [name, brokerData(name, entry)]),
    );
    const clusterAddrTable = Object.fromEntries(
      [...this.clusters].map(([cluster, names]) => [cluster, [...names]]),
    );
    return { brokerAddrTable, clusterAddrTable };
  }

  /** Addresses by id of one broker name; undefined when there is none. */
  members(name: string): Record<string, string> | undefined {
    const entry = this.brokers.get(name);
    return entry && Object.fromEntries(entry.addresses);
  }

  allTopics(): string[] {
    return [...this.topics.keys()];
  }

  topicsOf(cluster: string): string[] {
    const names = this.clusters.get(cluster) ?? new Set<string>();
    const isThere = ([, queues]: [string, Map<string, QueueData>]): boolean =>
      [...queues.keys()].some((name) => names.has(name));
    return [...this.topics].filter(isThere).map(([topic]) => topic);
  }

  /** Topics of which some broker has flags that fit. */
  topicsWhere(fits: (topicSysFlag: number) => boolean): string[] {
    return [...this.topics]
      .filter(([, queues]) => [...queues.values()].some((data) => fits(data.topicSysFlag)))
      .map(([topic]) => topic);
  }

  /** Names of clusters and brokers, which are topics too, and the address of some broker. */
  systemTopics(): { names: string[]; brokerAddr: string | undefined } {
    const names = [...this.clusters].flatMap(([cluster, brokers]) => [cluster, ...brokers]);
    const [first] = [...this.brokers.values()].flatMap((entry) => [...entry.addresses.values()]);
    return { names: [...new Set(names)], brokerAddr: first };
  }

  /** Gives or takes the write permission of a broker's queues; tells how many topics it has. */
  setWritable(brokerName: string, isWritable: boolean): number {
    let count = 0;
    this.changes += 1;
    for (const queues of this.topics.values()) {
      const data = queues.get(brokerName);
      if (data === undefined) continue;
      count += 1;
      const perm = isWritable ? Permission.read | Permission.write : data.perm & ~Permission.write;
      queues.set(brokerName, { ...data, perm });
    }
    return count;
  }

  /** Takes a topic off the brokers of a cluster, or off all. */
  deleteTopic(topic: string, cluster?: string): void {
    const queues = this.topics.get(topic);
    if (queues === undefined) return;
    this.changes += 1;
    const names = cluster === undefined ? queues.keys() : (this.clusters.get(cluster) ?? []);
    for (const name of names) queues.delete(name);
    if (queues.size === 0) this.topics.delete(topic);
  }

  /** Adds queues of one topic; those of brokers that are not here are left out. */
  addTopic(topic: string, queueDatas: readonly QueueData[]): void {
    this.changes += 1;
    for (const data of queueDatas) {
      if (this.brokers.has(data.brokerName)) this.putQueues(topic, data);
    }
  }

  /** Another address holds the id of this broker and has told a newer state. */
  private isStale(entry: BrokerEntry, broker: BrokerIdentity, version: DataVersion): boolean {
    const holder = entry.addresses.get(broker.id);
    if (holder === undefined || holder === broker.address) return false;
    const known = this.dataVersionOf(broker.cluster, holder);
    return known !== undefined && known.stateVersion > version.stateVersion;
  }

  private join({ broker, enableActingMaster, zoneName }: Registration): BrokerEntry {
    let entry = this.brokers.get(broker.name);
    if (entry === undefined) {
      const { cluster } = broker;
      entry = { cluster, addresses: new Map(), enableActingMaster: false, zoneName };
      this.brokers.set(broker.name, entry);
    }
    entry.enableActingMaster = enableActingMaster ?? false;
    entry.zoneName = zoneName;
    const names = this.clusters.get(broker.cluster) ?? new Set();
    this.clusters.set(broker.cluster, names.add(broker.name));
    // A broker that changed its id (a slave that became master) gives the old one up.
    for (const [id, address] of entry.addresses) {
      if (address === broker.address && id !== broker.id) entry.addresses.delete(id);
    }
    entry.addresses.set(broker.id, broker.address);
    return entry;
  }

  /** The master does; without one, of 5.x brokers the one with the lowest id. */
  private speaksForTopics(
    entry: BrokerEntry,
    { broker, enableActingMaster }: Registration,
  ): boolean {
    if (broker.id === masterId) return true;
    return enableActingMaster !== undefined && broker.id === Math.min(...entry.addresses.keys());
  }

  private takeTopics(registration: Registration, isNew: boolean, dropMissing: boolean): void {
    const { broker, topics, enableActingMaster } = registration;
    const known = this.dataVersionOf(broker.cluster, broker.address);
    const changed = known === undefined || !sameDataVersion(known, registration.dataVersion);
    // Who acts for a master lets nobody write.
    const acts = broker.id !== masterId && enableActingMaster === true;
    for (const topic of Object.values(topics)) {
      const isMissing = this.topics.get(topic.topicName)?.has(broker.name) !== true;
      if (!isNew && !changed && !isMissing) continue;
      this.putQueues(topic.topicName, {
        brokerName: broker.name,
        perm: acts ? topic.perm & ~Permission.write : topic.perm,
        readQueueNums: topic.readQueueNums,
        topicSysFlag: topic.topicSysFlag,
        writeQueueNums: topic.writeQueueNums,
      });
    }
    // A single topic is what changed, and no table; that it drops all others is a fault of Java's.
    const isUpdate = Object.keys(topics).length === 1;
    if (dropMissing && !isUpdate)
      this.dropTopics(broker.name, (topic) => !Object.hasOwn(topics, topic));
  }

  private putQueues(topic: string, data: QueueData): void {
    const queues = this.topics.get(topic);
    if (queues === undefined) this.topics.set(topic, new Map([[data.brokerName, data]]));
    else queues.set(data.brokerName, data);
  }

  private dropTopics(brokerName: string, isGone: (topic: string) => boolean): void {
    for (const [topic, queues] of this.topics) {
      if (!isGone(topic)) continue;
      queues.delete(brokerName);
      if (queues.size === 0) this.topics.delete(topic);
    }
  }

  private masterFor(broker: BrokerIdentity, entry: BrokerEntry): Master | undefined {
    const address = entry.addresses.get(masterId);
    if (broker.id === masterId || address === undefined) return undefined;
    const state = this.states.get(stateKey(broker.cluster, address));
    return state && { address, haServerAddr: state.haServerAddr };
  }

  private forgetName(name: string, entry: BrokerEntry): void {
    this.brokers.delete(name);
    for (const [cluster, names] of this.clusters) {
      names.delete(name);
      if (names.size === 0) this.clusters.delete(cluster);
    }
    entry.addresses.clear();
    this.dropTopics(name, () => true);
  }
}

function brokerData(name: string, entry: BrokerEntry): BrokerData {
  return {
    brokerAddrs: Object.fromEntries(entry.addresses),
    brokerName: name,
    cluster: entry.cluster,
    enableActingMaster: entry.enableActingMaster,
    ...(entry.zoneName === undefined ? {} : { zoneName: entry.zoneName }),
  };
}
