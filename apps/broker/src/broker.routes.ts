import * as protocol from '@nestjs-rocketmq/protocol';
import { requestCodes, type RequestName } from '@nestjs-rocketmq/protocol';
import { Router } from '@nestjs-rocketmq/remoting';
import type { CleaningProcessor } from './admin/cleaning.processor.js';
import type { ConfigurationProcessor } from './admin/configuration.processor.js';
import type { ForwardingProcessor } from './admin/forwarding.processor.js';
import type { InspectionProcessor } from './admin/inspection.processor.js';
import type { ProgressProcessor } from './admin/progress.processor.js';
import type { StatisticsProcessor } from './admin/statistics.processor.js';
import type { MembershipProcessor } from './membership/membership.processor.js';
import type { OffsetsProcessor } from './offsets/offsets.processor.js';
import type { ResetsProcessor } from './offsets/resets.processor.js';
import type { PullMessageProcessor } from './pull/pull-message.processor.js';
import type { QueryProcessor } from './query/query.processor.js';
import type { ReplyProcessor } from './send/reply.processor.js';
import type { SendBackProcessor } from './send/send-back.processor.js';
import type { SendMessageProcessor } from './send/send-message.processor.js';
import type { GroupsProcessor } from './topics/groups.processor.js';
import type { TopicsProcessor } from './topics/topics.processor.js';
import type { TransactionProcessor } from './transaction/transaction.processor.js';

export interface Processors {
  readonly send: SendMessageProcessor;
  readonly sendBack: SendBackProcessor;
  readonly reply: ReplyProcessor;
  readonly pull: PullMessageProcessor;
  readonly transaction: TransactionProcessor;
  readonly offsets: OffsetsProcessor;
  readonly resets: ResetsProcessor;
  readonly membership: MembershipProcessor;
  readonly topics: TopicsProcessor;
  readonly groups: GroupsProcessor;
  readonly query: QueryProcessor;
  readonly inspection: InspectionProcessor;
  readonly progress: ProgressProcessor;
  readonly forwarding: ForwardingProcessor;
  readonly statistics: StatisticsProcessor;
  readonly configuration: ConfigurationProcessor;
  readonly cleaning: CleaningProcessor;
}

/** Every request code that this broker answers, one line each. */
export function brokerRoutes(of: Processors): Router {
  const router = new Router();
  routeMessages(router, of);
  routeClients(router, of);
  routeOperators(router, of);
  for (const [reason, names] of refused) {
    for (const name of names) router.refuse(requestCodes[name], name, reason);
  }
  return router;
}

/** The message path: nothing is awaited, no object is made per message. */
function routeMessages(router: Router, of: Processors): void {
  router.hotRoute(protocol.SendMessage, (asked, reply) => of.send.send(asked, reply));
  router.hotRoute(protocol.SendMessageV2, (asked, reply) => of.send.send(asked, reply));
  router.hotRoute(protocol.SendBatchMessage, (asked, reply) => of.send.send(asked, reply));
  router.hotRoute(protocol.ConsumerSendMsgBack, (asked, reply) =>
    of.sendBack.sendBack(asked, reply),
  );
  router.hotRoute(protocol.PullMessage, (asked, reply) => of.pull.pull(asked, reply));
  router.hotRoute(protocol.LitePullMessage, (asked, reply) => of.pull.pullLite(asked, reply));
  router.hotRoute(protocol.EndTransaction, (asked, reply) => of.transaction.end(asked, reply));
  router.hotRoute(protocol.QueryConsumerOffset, (asked, reply) => of.offsets.query(asked, reply));
  router.hotRoute(protocol.UpdateConsumerOffset, (asked, reply) => of.offsets.update(asked, reply));
}

/** What else clients ask. */
function routeClients(router: Router, of: Processors): void {
  router.route(protocol.SendReplyMessage, (asked, call) => of.reply.reply(asked, call));
  router.route(protocol.SendReplyMessageV2, (asked, call) => of.reply.reply(asked, call));
  router.route(protocol.ResumeCheckHalfMessage, (asked) => of.transaction.resume(asked));
  router.route(protocol.SearchOffsetByTimestamp, (asked) => of.offsets.searchByTime(asked));
  router.route(protocol.GetMaxOffset, (asked) => of.offsets.max(asked));
  router.route(protocol.GetMinOffset, (asked) => of.offsets.min(asked));
  router.route(protocol.GetEarliestMsgStoretime, (asked) => of.offsets.earliestTime(asked));
  router.route(protocol.GetAllConsumerOffset, () => of.offsets.all());
  router.route(protocol.InvokeBrokerToResetOffset, (asked) => of.resets.reset(asked));
  router.route(protocol.QueryCorrectionOffset, (asked) => of.resets.corrections(asked));
  router.route(protocol.CloneGroupOffset, (asked) => of.resets.clone(asked));

  router.route(protocol.HeartBeat, (asked, call) => of.membership.heartbeat(asked, call));
  router.route(protocol.UnregisterClient, (asked, call) => of.membership.unregister(asked, call));
  router.route(protocol.GetConsumerListByGroup, (asked, call) =>
    of.membership.members(asked, call),
  );
  router.route(protocol.LockBatchMq, (asked, call) => of.membership.lock(asked, call));
  router.route(protocol.UnlockBatchMq, (asked, call) => of.membership.unlock(asked, call));
  router.route(protocol.CheckClientConfig, (asked, call) => of.membership.checkConfig(asked, call));
}

/** What operators ask. */
function routeOperators(router: Router, of: Processors): void {
  routeTables(router, of);

  router.route(protocol.QueryMessage, (asked) => of.query.byKey(asked));
  router.route(protocol.CleanExpiredConsumequeue, () => of.cleaning.expiredQueues());
  router.route(protocol.CleanUnusedTopic, () => of.cleaning.unusedTopics());
  router.route(protocol.DeleteExpiredCommitlog, () => of.cleaning.expiredLogFiles());
  router.route(protocol.ViewMessageById, (asked) => of.query.byPosition(asked));
  router.route(protocol.QueryConsumeQueue, (asked) => of.query.entries(asked));

  router.route(protocol.GetBrokerConfig, () => of.configuration.settings());
  router.route(protocol.UpdateBrokerConfig, (_asked, call) => of.configuration.change(call));
  router.route(protocol.GetBrokerRuntimeInfo, () => of.statistics.runtimeInfo());
  router.route(protocol.ViewBrokerStatsData, (asked) => of.statistics.counter(asked));
  routeInspection(router, of);
}

/** Topics and groups, and what they may. */
function routeTables(router: Router, of: Processors): void {
  router.route(protocol.UpdateAndCreateTopic, (asked) => of.topics.update(asked));
  router.route(protocol.UpdateAndCreateTopicList, (asked, call) =>
    of.topics.updateList(asked, call),
  );
  router.route(protocol.DeleteTopicInBroker, (asked) => of.topics.delete(asked));
  router.route(protocol.GetTopicConfig, (asked) => of.topics.get(asked));
  router.route(protocol.GetAllTopicConfig, (asked) => of.topics.all(asked));
  router.route(protocol.GetSystemTopicListFromBroker, () => of.topics.systemTopics());

  router.route(protocol.UpdateAndCreateSubscriptiongroup, (asked, call) =>
    of.groups.update(asked, call),
  );
  router.route(protocol.UpdateAndCreateSubscriptiongroupList, (asked, call) =>
    of.groups.updateList(asked, call),
  );
  router.route(protocol.DeleteSubscriptiongroup, (asked) => of.groups.delete(asked));
  router.route(protocol.GetSubscriptiongroupConfig, (asked) => of.groups.get(asked));
  router.route(protocol.GetAllSubscriptiongroupConfig, (asked) => of.groups.all(asked));
  router.route(protocol.UpdateAndGetGroupForbidden, (asked) => of.groups.forbid(asked));
}

/** Who is here, and how far behind. */
function routeInspection(router: Router, of: Processors): void {
  router.route(protocol.GetTopicStatsInfo, (asked) => of.progress.topicStats(asked));
  router.route(protocol.GetConsumeStats, (asked) => of.progress.consumeStats(asked));
  router.route(protocol.GetBrokerConsumeStats, (asked) => of.progress.everyGroup(asked));
  router.route(protocol.QueryConsumeTimeSpan, (asked) => of.progress.timeSpan(asked));
  router.route(protocol.GetConsumerConnectionList, (asked) => of.inspection.consumers(asked));
  router.route(protocol.GetProducerConnectionList, (asked) => of.inspection.producers(asked));
  router.route(protocol.GetAllProducerInfo, () => of.inspection.everyProducer());
  router.route(protocol.QueryTopicConsumeByWho, (asked) => of.inspection.groupsOf(asked));
  router.route(protocol.QueryTopicsByConsumer, (asked) => of.inspection.topicsOf(asked));
  router.route(protocol.QuerySubscriptionByConsumer, (asked) => of.inspection.subscription(asked));
  router.route(protocol.GetConsumerRunningInfo, (asked) => of.forwarding.runningInfo(asked));
  router.route(protocol.ConsumeMessageDirectly, (asked) => of.forwarding.consumeDirectly(asked));
  router.route(protocol.InvokeBrokerToGetConsumerStatus, (asked) =>
    of.forwarding.consumerStatus(asked),
  );
}

/** Request codes that RocketMQ knows and this broker does not answer, with the reason. */
export const refused: readonly (readonly [reason: string, names: readonly RequestName[]])[] = [
  [
    'it is asked of a name server, not of a broker',
    [
      'PUT_KV_CONFIG',
      'GET_KV_CONFIG',
      'DELETE_KV_CONFIG',
      'GET_KVLIST_BY_NAMESPACE',
      'REGISTER_BROKER',
      'UNREGISTER_BROKER',
      'GET_ROUTEINFO_BY_TOPIC',
      'GET_BROKER_CLUSTER_INFO',
      'WIPE_WRITE_PERM_OF_BROKER',
      'ADD_WRITE_PERM_OF_BROKER',
      'GET_ALL_TOPIC_LIST_FROM_NAMESERVER',
      'DELETE_TOPIC_IN_NAMESRV',
      'REGISTER_TOPIC_IN_NAMESRV',
      'GET_TOPICS_BY_CLUSTER',
      'GET_SYSTEM_TOPIC_LIST_FROM_NS',
      'GET_UNIT_TOPIC_LIST',
      'GET_HAS_UNIT_SUB_TOPIC_LIST',
      'GET_HAS_UNIT_SUB_UNUNIT_TOPIC_LIST',
      'UPDATE_NAMESRV_CONFIG',
      'GET_NAMESRV_CONFIG',
      'QUERY_DATA_VERSION',
      'BROKER_HEARTBEAT',
    ],
  ],
  [
    'it is asked of a client, not of a broker',
    [
      'CHECK_TRANSACTION_STATE',
      'NOTIFY_CONSUMER_IDS_CHANGED',
      'RESET_CONSUMER_CLIENT_OFFSET',
      'GET_CONSUMER_STATUS_FROM_CLIENT',
      'PUSH_REPLY_MESSAGE_TO_CLIENT',
    ],
  ],
  ['timer messages are not built yet', ['RECALL_MESSAGE', 'SWITCH_TIMER_ENGINE']],
  [
    'replication is not built yet',
    [
      'GET_ALL_DELAY_OFFSET',
      'GET_BROKER_MEMBER_GROUP',
      'NOTIFY_MIN_BROKER_ID_CHANGE',
      'EXCHANGE_BROKER_HA_INFO',
      'GET_BROKER_HA_STATUS',
      'RESET_MASTER_FLUSH_OFFSET',
    ],
  ],
  [
    'consumption by POP is not built yet',
    [
      'QUERY_ASSIGNMENT',
      'SET_MESSAGE_REQUEST_MODE',
      'GET_ALL_MESSAGE_REQUEST_MODE',
      'POP_MESSAGE',
      'ACK_MESSAGE',
      'PEEK_MESSAGE',
      'CHANGE_MESSAGE_INVISIBLETIME',
      'NOTIFICATION',
      'POLLING_INFO',
      'POP_ROLLBACK',
      'BATCH_ACK_MESSAGE',
    ],
  ],
  [
    'access control is not built yet',
    [
      'UPDATE_AND_CREATE_ACL_CONFIG',
      'DELETE_ACL_CONFIG',
      'GET_BROKER_CLUSTER_ACL_INFO',
      'UPDATE_GLOBAL_WHITE_ADDRS_CONFIG',
      'GET_BROKER_CLUSTER_ACL_CONFIG',
      'AUTH_CREATE_USER',
      'AUTH_UPDATE_USER',
      'AUTH_DELETE_USER',
      'AUTH_GET_USER',
      'AUTH_LIST_USER',
      'AUTH_CREATE_ACL',
      'AUTH_UPDATE_ACL',
      'AUTH_DELETE_ACL',
      'AUTH_GET_ACL',
      'AUTH_LIST_ACL',
    ],
  ],
  [
    'lite topics are not built yet',
    [
      'POP_LITE_MESSAGE',
      'LITE_SUBSCRIPTION_CTL',
      'ACK_LITE_MESSAGE',
      'NOTIFY_UNSUBSCRIBE_LITE',
      'GET_BROKER_LITE_INFO',
      'GET_PARENT_TOPIC_INFO',
      'GET_LITE_TOPIC_INFO',
      'GET_LITE_CLIENT_INFO',
      'GET_LITE_GROUP_INFO',
      'TRIGGER_LITE_DISPATCH',
    ],
  ],
  ['timer messages are not built yet', ['GET_TIMER_CHECK_POINT', 'GET_TIMER_METRICS']],
  [
    'it is asked of a controller, and this broker has none',
    [
      'CONTROLLER_ALTER_SYNC_STATE_SET',
      'CONTROLLER_ELECT_MASTER',
      'CONTROLLER_REGISTER_BROKER',
      'CONTROLLER_GET_REPLICA_INFO',
      'CONTROLLER_GET_METADATA_INFO',
      'CONTROLLER_GET_SYNC_STATE_DATA',
      'GET_BROKER_EPOCH_CACHE',
      'NOTIFY_BROKER_ROLE_CHANGED',
      'UPDATE_CONTROLLER_CONFIG',
      'GET_CONTROLLER_CONFIG',
      'CLEAN_BROKER_DATA',
      'CONTROLLER_GET_NEXT_BROKER_ID',
      'CONTROLLER_APPLY_BROKER_ID',
      'BROKER_CLOSE_CHANNEL_REQUEST',
      'CHECK_NOT_ACTIVE_BROKER_REQUEST',
      'GET_BROKER_LIVE_INFO_REQUEST',
      'GET_SYNC_STATE_DATA_REQUEST',
      'RAFT_BROKER_HEART_BEAT_EVENT_REQUEST',
    ],
  ],
  [
    'it belongs to a part of RocketMQ that this broker does not have',
    [
      'QUERY_BROKER_OFFSET',
      'GET_TOPIC_CONFIG_LIST',
      'GET_TOPIC_NAME_LIST',
      'TRIGGER_DELETE_FILES',
      'GET_CLIENT_CONFIG',
      'SUSPEND_CONSUMER',
      'RESUME_CONSUMER',
      'RESET_CONSUMER_OFFSET_IN_CONSUMER',
      'RESET_CONSUMER_OFFSET_IN_BROKER',
      'ADJUST_CONSUMER_THREAD_POOL',
      'WHO_CONSUME_THE_MESSAGE',
      'REGISTER_FILTER_SERVER',
      'REGISTER_MESSAGE_FILTER_CLASS',
      'CHECK_ROCKSDB_CQ_WRITE_PROGRESS',
      'EXPORT_ROCKSDB_CONFIG_TO_JSON',
      'UPDATE_AND_CREATE_STATIC_TOPIC',
      'ADD_BROKER',
      'REMOVE_BROKER',
      'UPDATE_COLD_DATA_FLOW_CTR_CONFIG',
      'REMOVE_COLD_DATA_FLOW_CTR_CONFIG',
      'GET_COLD_DATA_FLOW_CTR_INFO',
      'SET_COMMITLOG_READ_MODE',
    ],
  ],
];
