import { flag, list, object, optional, string, table, whole } from '../json/shape.js';
import type { ValueOfShape } from '../json/shape.js';

/** Permission bits of a topic. */
export const Permission = { inherit: 1, write: 2, read: 4, priority: 8 } as const;

/** The queues of a topic at one broker name. */
export const queueData = object({
  brokerName: string(),
  /** Bits of `Permission`. */
  perm: whole(),
  readQueueNums: whole(),
  topicSysFlag: whole(0),
  writeQueueNums: whole(),
});
export type QueueData = ValueOfShape<typeof queueData>;

/** The addresses of one broker name, by broker id; id 0 is the master. */
export const brokerData = object({
  brokerAddrs: table(string()),
  brokerName: string(),
  cluster: string(''),
  enableActingMaster: flag(false),
  zoneName: optional(string()),
});
export type BrokerData = ValueOfShape<typeof brokerData>;

/** Where a topic lives. */
export const topicRouteData = object({
  brokerDatas: list(brokerData),
  filterServerTable: table(list(string())),
  /** `brokerA:4;brokerB:4`: overrides queue counts of an ordered topic. */
  orderTopicConf: optional(string()),
  queueDatas: list(queueData),
});
export type TopicRouteData = ValueOfShape<typeof topicRouteData>;

/** All brokers of all clusters that a nameserver knows. */
export const clusterInfo = object({
  brokerAddrTable: table(brokerData),
  clusterAddrTable: table(list(string())),
});
export type ClusterInfo = ValueOfShape<typeof clusterInfo>;

export const topicList = object({
  /** Address of some broker, where a caller may ask for that broker's own topics. */
  brokerAddr: optional(string()),
  topicList: list(string()),
});
export type TopicList = ValueOfShape<typeof topicList>;

export const brokerMembers = object({
  brokerMemberGroup: optional(
    object({ brokerAddrs: table(string()), brokerName: string(), cluster: string() }),
  ),
});
export type BrokerMembers = ValueOfShape<typeof brokerMembers>;
