import type { Clock } from '@nestjs-rocketmq/foundation';
import {
  ResponseCode,
  ResponseError,
  topicRouteBody,
  WireVersion,
} from '@nestjs-rocketmq/protocol';
import type {
  Asked,
  AskedView,
  GetAllTopicListFromNameserver,
  GetBrokerClusterInfo,
  GetBrokerMemberGroup,
  GetHasUnitSubTopicList,
  GetHasUnitSubUnunitTopicList,
  GetRouteinfoByTopic,
  GetSystemTopicListFromNs,
  GetTopicsByCluster,
  GetUnitTopicList,
  TopicList,
} from '@nestjs-rocketmq/protocol';
import type { Outcome, Reply } from '@nestjs-rocketmq/remoting';
import { orderTopicNamespace } from '../admin/kv-config.table.js';
import type { KvConfigTable } from '../admin/kv-config.table.js';
import type { RunningSettings } from '../admin/running-settings.js';
import type { RouteTable } from './route-table.js';
import { askedZone, nearby } from './zones.js';

/** Bits of `topicSysFlag`. */
const SysFlag = { unit: 1, unitSubscribed: 2 } as const;

type RouteQuery = typeof GetRouteinfoByTopic;

/** An answer as it was sent, and the order configuration that stands in it. */
interface Sent {
  readonly order: string | undefined;
  readonly bytes: Uint8Array;
}

/** Answers where a topic lives, and who is there at all. */
export class RouteProcessor {
  private readonly startedAt: number;
  /** Answers since the table last changed, by topic; those with bare ids apart. */
  private readonly sent = { bare: new Map<string, Sent>(), quoted: new Map<string, Sent>() };
  private sentOf = -1;

  constructor(
    private readonly table: RouteTable,
    private readonly kvConfig: KvConfigTable,
    private readonly settings: RunningSettings,
    private readonly clock: Clock,
  ) {
    this.startedAt = clock.monotonic();
  }

  /** Routes are given out: not so in the time that `needWaitForService` asks for. */
  get isOpen(): boolean {
    const { needWaitForService, waitSecondsForService } = this.settings.values;
    if (!needWaitForService) return true;
    return this.clock.monotonic() - this.startedAt >= waitSecondsForService * 1000;
  }

  /**
   * The query that every client repeats: whoever asks for the same topic in the same form is sent
   * the same bytes, until the table changes.
   */
  readonly routeOfTopic = (asked: AskedView<RouteQuery>, reply: Reply<RouteQuery>): void => {
    if (!this.isOpen) return reply.refuse(ResponseCode.SYSTEM_ERROR, 'name server not ready');
    const { topic } = asked;
    const { orderMessageEnable } = this.settings.values;
    const order = orderMessageEnable ? this.kvConfig.get(orderTopicNamespace, topic) : undefined;
    const isOld = reply.version < WireVersion.V4_9_4;
    const bareIds = isOld && asked.acceptStandardJsonOnly !== true;
    const zone = askedZone(asked.zoneMode, asked.zoneName);
    const bytes =
      zone === undefined
        ? this.usualAnswer(topic, order, bareIds)
        : this.write(topic, order, bareIds, zone);
    if (bytes === undefined) {
      const remark = `No topic route info in name server for the topic: ${topic}`;
      return reply.outcome(ResponseCode.TOPIC_NOT_EXIST, remark);
    }
    const room = reply.successWithBody(bytes.length);
    room.bytes.set(bytes, room.from);
  };

  readonly clusterInfo = (): Outcome<typeof GetBrokerClusterInfo> => ({
    body: this.table.clusterInfo(),
  });

  readonly allTopics = (): Outcome<typeof GetAllTopicListFromNameserver> => {
    this.mayList(this.settings.values.enableAllTopicList);
    return { body: { topicList: this.table.allTopics() } };
  };

  readonly topicsOfCluster = ({
    cluster,
  }: Asked<typeof GetTopicsByCluster>): Outcome<typeof GetTopicsByCluster> => {
    this.mayList(this.settings.values.enableTopicList);
    return { body: { topicList: this.table.topicsOf(cluster) } };
  };

  readonly systemTopics = (): Outcome<typeof GetSystemTopicListFromNs> => {
    this.mayList(this.settings.values.enableTopicList);
    const { names, brokerAddr } = this.table.systemTopics();
    return { body: { topicList: names, ...(brokerAddr === undefined ? {} : { brokerAddr }) } };
  };

  readonly unitTopics = (): Outcome<typeof GetUnitTopicList> =>
    this.flagged((flags) => (flags & SysFlag.unit) !== 0);

  readonly unitSubscribedTopics = (): Outcome<typeof GetHasUnitSubTopicList> =>
    this.flagged((flags) => (flags & SysFlag.unitSubscribed) !== 0);

  readonly unitSubscribedOutsideUnits = (): Outcome<typeof GetHasUnitSubUnunitTopicList> =>
    this.flagged(
      (flags) => (flags & (SysFlag.unit | SysFlag.unitSubscribed)) === SysFlag.unitSubscribed,
    );

  readonly members = ({
    clusterName,
    brokerName,
  }: Asked<typeof GetBrokerMemberGroup>): Outcome<typeof GetBrokerMemberGroup> => {
    const brokerAddrs = this.table.members(brokerName) ?? {};
    return { body: { brokerMemberGroup: { brokerAddrs, brokerName, cluster: clusterName } } };
  };

  private usualAnswer(
    topic: string,
    order: string | undefined,
    bareIds: boolean,
  ): Uint8Array | undefined {
    const { revision } = this.table;
    if (this.sentOf !== revision) {
      this.sent.bare.clear();
      this.sent.quoted.clear();
      this.sentOf = revision;
    }
    const answers = bareIds ? this.sent.bare : this.sent.quoted;
    const known = answers.get(topic);
    if (known !== undefined && known.order === order) return known.bytes;
    const bytes = this.write(topic, order, bareIds);
    if (bytes !== undefined) answers.set(topic, { order, bytes });
    return bytes;
  }

  private write(
    topic: string,
    order: string | undefined,
    bareIds: boolean,
    zone?: string,
  ): Uint8Array | undefined {
    const found = this.table.routeOf(topic);
    if (found === undefined) return undefined;
    const route = zone === undefined ? found : nearby(found, zone);
    const ordered = order === undefined ? route : { ...route, orderTopicConf: order };
    return topicRouteBody.write({ ...ordered, bareIds });
  }

  private flagged(wanted: (topicSysFlag: number) => boolean): { body: TopicList } {
    this.mayList(this.settings.values.enableTopicList);
    return { body: { topicList: this.table.topicsWhere(wanted) } };
  }

  private mayList(isAllowed: boolean): void {
    if (!isAllowed) throw new ResponseError(ResponseCode.SYSTEM_ERROR, 'disable');
  }
}
