const pop = 'part of POP consumption, which comes with its own issue';
const replication = 'asked by slaves; recorded with the replication issue';
const timers = 'takes back timer messages, which come with their own issue';
const nobodyAsks = 'no official client or mqadmin command of the recorded versions asks it';

/** Why a declared command has no golden frame. */
export const commandsWithoutFrames: Readonly<Record<string, string>> = {
  GET_SUBSCRIPTIONGROUP_CONFIG: nobodyAsks,
  GET_ALL_CONSUMER_OFFSET: replication,
  QUERY_ASSIGNMENT: pop,
  RECALL_MESSAGE: timers,
  RESUME_CHECK_HALF_MESSAGE: 'asked of the address in a message, past the relay that records',
  SEND_REPLY_MESSAGE: 'Java clients reply with SEND_REPLY_MESSAGE_V2, which has frames',
};

/** Header fields that travel although no declaration has them, by name or `COMMAND direction name`. */
export const undeclaredFields: Readonly<Record<string, string>> = {
  ReqT: 'marks requests of streaming consumers; Java servers do not look at it in these commands',
};
