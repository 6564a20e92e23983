/**
 * Names of rocketmq-spring and of Java's client that people bring along, and what to write instead.
 * They are refused rather than accepted in silence, so that nobody believes in an option without
 * effect.
 */
export const springNames: Readonly<Record<string, string>> = {
  // listeners
  consumerGroup: "write 'group'",
  selectorExpression: "write 'tags' or 'sql'",
  selectorType: "leave it out: write 'tags' for tags, 'sql' for SQL92",
  consumeMode: "write mode: 'concurrent' | 'orderly'",
  messageModel: "write model: 'clustering' | 'broadcasting'",
  consumeThreadMax: "write 'concurrency'",
  consumeThreadNumber: "write 'concurrency'",
  consumeThreadMin: "write 'concurrency'",
  consumeMessageBatchMaxSize: 'write batch: { maxSize }',
  consumeFromWhere: "write from: 'first' | 'last' | { timestamp }",
  consumeTimestamp: 'write from: { timestamp }',
  delayLevelWhenNextConsume: "write 'retryDelayLevel', or throw a RetryLaterError",
  suspendCurrentQueueTimeMillis: "write 'suspend'",
  awaitTerminationMillisWhenShutdown: "write 'shutdownTimeout'",
  instanceName: 'leave it out, every connection has a name of its own',
  allocateMessageQueueStrategy: "write 'strategy'",
  // connections and producers
  nameServer: "write 'nameServers' in the module options, and 'connection' on a listener",
  nameServerAddress: "write 'nameServers'",
  namesrvAddr: "write 'nameServers'",
  producerGroup: 'write producer: { group }',
  sendMessageTimeout: 'write producer: { sendTimeout }',
  sendMsgTimeout: 'write producer: { sendTimeout }',
  retryTimesWhenSendFailed: 'write producer: { retries }',
  retryTimesWhenSendAsyncFailed: 'write producer: { retries }',
  compressMessageBodyThreshold: 'write producer: { compressOver }',
  accessKey: 'write credentials: { accessKey, secretKey } for the connection',
  secretKey: 'write credentials: { accessKey, secretKey } for the connection',
  enableMsgTrace: "write 'trace' of a producer, a listener or a pull consumer",
  customizedTraceTopic: 'write trace: { topic } of a producer, a listener or a pull consumer',
  retryNextServer: 'write producer: { retryWhenNotStored: true }',
  corePoolSize: 'write producer: { checkConcurrency }',
  maximumPoolSize: 'write producer: { checkConcurrency }',
  blockingQueueSize: 'write producer: { maxPendingChecks }',
  keepAliveTime: 'leave it out, there is no pool of threads',
  keepAliveTimeUnit: 'leave it out, there is no pool of threads',
  pushConsumer: 'write consumer: { ... } for the defaults of all listeners',
  pullConsumer: 'write pullConsumers: { name: { group, topic } }',
  tlsEnable: 'write tls: true for the connection',
  rocketMQTemplateBeanName: "write 'connection' or 'topic'",
};

/** Names that belong elsewhere, or mean something this version cannot do; refused with the reason. */
export const namesOfLater: Readonly<Record<string, string>> = {
  replyTimeout: 'it belongs to @RocketMQReplyListener',
  tls: "it belongs to a connection, beside 'nameServers'",
  traceTopic: 'write trace: { topic }',
  accessChannel: 'access channels are not served by this version',
  namespace: "it belongs to a connection, beside 'nameServers'",
  namespaceV2: "it belongs to a connection, beside 'nameServers'",
};
