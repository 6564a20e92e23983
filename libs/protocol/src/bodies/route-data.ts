import { type BodyCodec, json } from '../command/body-codec.js';
import { writeFastjson } from '../json/fastjson.js';
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

/**
 * A route as a nameserver writes it. `bareIds` is the form that readers before 4.9.4 were made for:
 * broker ids stand bare, which is no JSON; otherwise it is JSON in plain ASCII.
 */
export type TopicRouteAnswer = TopicRouteData & { readonly bareIds?: boolean | undefined };

const routeJson = json(topicRouteData);
const encoder = new TextEncoder();
const beyondAscii = /[\u007f-\uffff]/g;

export const topicRouteBody: BodyCodec<TopicRouteAnswer> = {
  kind: 'json',
  read: (body) => routeJson.read(body),
  write: writeRoute,
};

function writeRoute(route: TopicRouteAnswer): Uint8Array {
  if (route.bareIds === true) return encoder.encode(writeFastjson(withBareIds(route)));
  const text = writeFastjson(topicRouteData.write(route));
  return encoder.encode(text.replace(beyondAscii, escaped));
}

function withBareIds(route: TopicRouteData): object {
  const written = topicRouteData.write(route) as { brokerDatas: { brokerAddrs: object }[] };
  for (const data of written.brokerDatas) {
    data.brokerAddrs = new Map(
      Object.entries(data.brokerAddrs).map(([id, address]) => [Number(id), address as string]),
    );
  }
  return written;
}

function escaped(char: string): string {
  return `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

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
