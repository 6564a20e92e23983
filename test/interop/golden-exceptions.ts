const pop = 'part of POP consumption, which comes with its own issue';
const replication = 'asked by slaves; recorded with the replication issue';
const timers = 'takes back timer messages, which come with their own issue';
const operators = 'asked by commands of mqadmin beyond the main path; recorded with their issue';
const notByDefault = 'brokers ask it only with settings that are not the default';
const nobodyAsks = 'no official client or mqadmin command of the recorded versions asks it';

/** Why a declared command has no golden frame. */
export const commandsWithoutFrames: Readonly<Record<string, string>> = {
  BROKER_HEARTBEAT: notByDefault,
  GET_BROKER_MEMBER_GROUP: notByDefault,
  QUERY_DATA_VERSION: notByDefault,
  CLEAN_EXPIRED_CONSUMEQUEUE: operators,
  CLEAN_UNUSED_TOPIC: operators,
  CONSUME_MESSAGE_DIRECTLY: operators,
  DELETE_EXPIRED_COMMITLOG: operators,
  GET_ALL_PRODUCER_INFO: operators,
  INVOKE_BROKER_TO_GET_CONSUMER_STATUS: nobodyAsks,
  QUERY_CONSUME_TIME_SPAN: nobodyAsks,
  QUERY_SUBSCRIPTION_BY_CONSUMER: nobodyAsks,
  QUERY_TOPICS_BY_CONSUMER: nobodyAsks,
  GET_CONSUMER_STATUS_FROM_CLIENT: nobodyAsks,
  GET_KVLIST_BY_NAMESPACE: nobodyAsks,
  GET_SUBSCRIPTIONGROUP_CONFIG: nobodyAsks,
  GET_SYSTEM_TOPIC_LIST_FROM_NS: nobodyAsks,
  GET_TOPICS_BY_CLUSTER: nobodyAsks,
  GET_UNIT_TOPIC_LIST: nobodyAsks,
  GET_HAS_UNIT_SUB_TOPIC_LIST: nobodyAsks,
  GET_HAS_UNIT_SUB_UNUNIT_TOPIC_LIST: nobodyAsks,
  REGISTER_TOPIC_IN_NAMESRV: nobodyAsks,
  GET_ALL_CONSUMER_OFFSET: replication,
  QUERY_ASSIGNMENT: pop,
  QUERY_CORRECTION_OFFSET: nobodyAsks,
  CLONE_GROUP_OFFSET: nobodyAsks,
  RECALL_MESSAGE: timers,
  RESUME_CHECK_HALF_MESSAGE: nobodyAsks,
  UPDATE_AND_GET_GROUP_FORBIDDEN: nobodyAsks,
  SEND_REPLY_MESSAGE: 'Java clients reply with SEND_REPLY_MESSAGE_V2, which has frames',
};

/** Header fields that travel although no declaration has them, by name or `COMMAND direction name`. */
export const undeclaredFields: Readonly<Record<string, string>> = {
  ReqT: 'marks requests of streaming consumers; Java servers do not look at it in these commands',
};
