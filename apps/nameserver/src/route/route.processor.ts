import type { Clock } from '@nestjs-rocketmq/foundation';
import { ResponseCode, ResponseError, WireVersion } from '@nestjs-rocketmq/protocol';
import type {
  Asked,
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
  TopicRouteAnswer,
  TopicRouteData,
} from '@nestjs-rocketmq/protocol';
import type { Call, Outcome } from '@nestjs-rocketmq/remoting';
import { orderTopicNamespace } from '../admin/kv-config.table.js';
import type { KvConfigTable } from '../admin/kv-config.table.js';
import type { RunningSettings } from '../admin/running-settings.js';
import type { RouteTable } from './route-table.js';
import { askedZone, nearby } from './zones.js';

/** Bits of `topicSysFlag`. */
const SysFlag = { unit: 1, unitSubscribed: 2 } as const;

function answerOf(
  found: Omit<TopicRouteData, 'orderTopicConf'> | undefined,
  order: string | undefined,
  bareIds: boolean,
  zone?: ReturnType<typeof askedZone>,
): TopicRouteAnswer | undefined {
  if (found === undefined) return undefined;
  const route = zone === undefined ? found : nearby(found, zone);
  return { ...route, ...(order === undefined ? {} : { orderTopicConf: order }), bareIds };
}

/** Answers where a topic lives, and who is there at all. */
export class RouteProcessor {
  private readonly startedAt: number;
  /** Answers since the table last changed, by topic and form. */
  private readonly answers = new Map<string, Readonly<TopicRouteAnswer>>();
  private answersOf = -1;

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
    const age = this.clock.monotonic() - this.startedAt;
    return !needWaitForService || age >= waitSecondsForService * 1000;
  }

  readonly routeOfTopic = (
    { topic, acceptStandardJsonOnly }: Asked<typeof GetRouteinfoByTopic>,
    { version, extFields }: Pick<Call, 'version' | 'extFields'>,
  ): Outcome<typeof GetRouteinfoByTopic> => {
    const { orderMessageEnable } = this.settings.values;
    if (!this.isOpen) {
      throw new ResponseError(ResponseCode.SYSTEM_ERROR, 'name server not ready');
    }
    const zone = askedZone(extFields);
    const order = orderMessageEnable ? this.kvConfig.get(orderTopicNamespace, topic) : undefined;
    const bareIds = version < WireVersion.V4_9_4 && acceptStandardJsonOnly !== true;
    const body =
      zone === undefined
        ? this.usualAnswer(topic, order, bareIds)
        : answerOf(this.table.routeOf(topic), order, bareIds, zone);
    if (body !== undefined) return { body };
    const remark = `No topic route info in name server for the topic: ${topic}`;
    return { code: 'TOPIC_NOT_EXIST', remark };
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

  /** The same frozen answer to everybody, so that it is made and written once. */
  private usualAnswer(
    topic: string,
    order: string | undefined,
    bareIds: boolean,
  ): Readonly<TopicRouteAnswer> | undefined {
    const { revision } = this.table;
    if (this.answersOf !== revision) this.answers.clear();
    this.answersOf = revision;
    const key = bareIds ? `${topic}\u0000` : topic;
    const known = this.answers.get(key);
    if (known !== undefined && known.orderTopicConf === order) return known;
    const answer = answerOf(this.table.routeOf(topic), order, bareIds);
    if (answer !== undefined) this.answers.set(key, Object.freeze(answer));
    return answer;
  }

  private flagged(wanted: (topicSysFlag: number) => boolean): { body: TopicList } {
    this.mayList(this.settings.values.enableTopicList);
    return { body: { topicList: this.table.topicsWhere(wanted) } };
  }

  private mayList(isAllowed: boolean): void {
    if (!isAllowed) throw new ResponseError(ResponseCode.SYSTEM_ERROR, 'disable');
  }
}
