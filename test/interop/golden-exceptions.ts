const pop = 'part of POP consumption, which comes with its own issue';
const replication = 'asked by slaves; recorded with the replication issue';
const timers = 'takes back timer messages, which come with their own issue';
const notByDefault = 'brokers ask it only with settings that are not the default';
const nobodyAsks = 'no official client or mqadmin command of the recorded versions asks it';

/** Why a declared command has no golden frame. */
export const commandsWithoutFrames: Readonly<Record<string, string>> = {
  BROKER_HEARTBEAT: notByDefault,
  GET_BROKER_MEMBER_GROUP: notByDefault,
  QUERY_SUBSCRIPTION_BY_CONSUMER: nobodyAsks,
  QUERY_TOPICS_BY_CONSUMER: nobodyAsks,
  GET_SUBSCRIPTIONGROUP_CONFIG: nobodyAsks,
  REGISTER_TOPIC_IN_NAMESRV: nobodyAsks,
  GET_ALL_CONSUMER_OFFSET: replication,
  QUERY_ASSIGNMENT: pop,
  RECALL_MESSAGE: timers,
  RESUME_CHECK_HALF_MESSAGE: nobodyAsks,
  UPDATE_AND_GET_GROUP_FORBIDDEN: nobodyAsks,
  SEND_REPLY_MESSAGE: 'Java clients reply with SEND_REPLY_MESSAGE_V2, which has frames',
};

/** Header fields that travel although no declaration has them, by name or `COMMAND direction name`. */
export const undeclaredFields: Readonly<Record<string, string>> = {
  ReqT: 'marks requests of streaming consumers; Java servers do not look at it in these commands',
};
