import type { Clock } from '@nestjs-rocketmq/foundation';
import { ResponseCode, ResponseError } from '@nestjs-rocketmq/protocol';
import type {
  Asked,
  GetAllTopicListFromNameserver,
  GetBrokerClusterInfo,
  GetBrokerMemberGroup,
  GetRouteinfoByTopic,
  GetSystemTopicListFromNs,
  GetTopicsByCluster,
} from '@nestjs-rocketmq/protocol';
import type { Outcome } from '@nestjs-rocketmq/remoting';
import { orderTopicNamespace } from '../admin/kv-config.table.js';
import type { KvConfigTable } from '../admin/kv-config.table.js';
import type { RunningSettings } from '../admin/running-settings.js';
import type { RouteTable } from './route-table.js';

/** Answers where a topic lives, and who is there at all. */
export class RouteProcessor {
  private readonly startedAt: number;

  constructor(
    private readonly table: RouteTable,
    private readonly kvConfig: KvConfigTable,
    private readonly settings: RunningSettings,
    private readonly clock: Clock,
  ) {
    this.startedAt = clock.monotonic();
  }

  readonly routeOfTopic = ({
    topic,
  }: Asked<typeof GetRouteinfoByTopic>): Outcome<typeof GetRouteinfoByTopic> => {
    const { needWaitForService, waitSecondsForService, orderMessageEnable } = this.settings.values;
    const age = this.clock.monotonic() - this.startedAt;
    if (needWaitForService && age < waitSecondsForService * 1000) {
      throw new ResponseError(ResponseCode.SYSTEM_ERROR, 'name server not ready');
    }
    const route = this.table.routeOf(topic);
    if (route === undefined) {
      const remark = `No topic route info in name server for the topic: ${topic}`;
      return { code: 'TOPIC_NOT_EXIST', remark };
    }
    const order = orderMessageEnable ? this.kvConfig.get(orderTopicNamespace, topic) : undefined;
    return { body: order === undefined ? route : { ...route, orderTopicConf: order } };
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

  readonly members = ({
    clusterName,
    brokerName,
  }: Asked<typeof GetBrokerMemberGroup>): Outcome<typeof GetBrokerMemberGroup> => {
    const brokerAddrs = this.table.members(clusterName, brokerName) ?? {};
    return { body: { brokerMemberGroup: { brokerAddrs, brokerName, cluster: clusterName } } };
  };

  private mayList(isAllowed: boolean): void {
    if (!isAllowed) throw new ResponseError(ResponseCode.SYSTEM_ERROR, 'disable');
  }
}
