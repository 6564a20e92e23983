/** Header classes that serve further commands than the one they are marked with. */
export const sharedHeaders: Readonly<Record<string, readonly string[]>> = {
  SendMessageRequestHeader: ['SEND_REPLY_MESSAGE'],
  SendMessageRequestHeaderV2: ['SEND_BATCH_MESSAGE', 'SEND_REPLY_MESSAGE_V2'],
  PullMessageRequestHeader: ['LITE_PULL_MESSAGE'],
};

/** Header classes without a mark or with an unusual name, by the class of the answer or request. */
export const headerCommands: Readonly<Record<string, string>> = {
  GetAllTopicConfigResponseHeader: 'GET_ALL_TOPIC_CONFIG',
  QueryCorrectionOffsetHeader: 'QUERY_CORRECTION_OFFSET',
  SendMessageRequestHeaderV2: 'SEND_MESSAGE_V2',
};

/** Fields that every 5.x header inherits: static topics, namespaces V2, Java's inner calls. */
export const inheritedFields: Readonly<Record<string, string>> = {
  lo: 'asks for the logical queue of a static topic; we have none',
  ns: 'namespace V2 of the proxy; names arrive resolved without it',
  nsd: 'namespace V2 of the proxy; names arrive resolved without it',
  bname: 'names the broker of a static topic; declared where clients read it back',
  oway: 'marker of Java inside its own call layer; the flag bit of the frame decides',
};

const neverAnswered = 'the broker asks one way; no client of any version answers';
const liteMode = 'lite topics of 5.5.0, which we do not serve';

/** Fields we leave out of a declaration, as `COMMAND asks|answers field`, and why. */
export const omittedFields: Readonly<Record<string, string>> = {
  'CHECK_TRANSACTION_STATE answers producerGroup': neverAnswered,
  'CHECK_TRANSACTION_STATE answers tranStateTableOffset': neverAnswered,
  'CHECK_TRANSACTION_STATE answers commitLogOffset': neverAnswered,
  'CHECK_TRANSACTION_STATE answers commitOrRollback': neverAnswered,
  'PULL_MESSAGE asks liteTopic': liteMode,
  'LITE_PULL_MESSAGE asks liteTopic': liteMode,
  'SEARCH_OFFSET_BY_TIMESTAMP asks liteTopic': liteMode,
};

const addedByBroker = 'the broker adds it to the ext fields beside the header class';

/** Fields we declare although no header class has them, and why. */
export const addedFields: Readonly<Record<string, string>> = {
  _UNIQUE_KEY_QUERY: 'the client adds it to the ext fields when it looks for a unique key',
  __ZONE_NAME: 'hooks of clients and brokers add it where zones are configured',
  __ZONE_MODE: 'the same hooks of clients add it',
  MSG_REGION: addedByBroker,
  TRACE_ON: addedByBroker,
};
