import { type IdleGroup, IdleOptions } from '@nestjs-rocketmq/foundation';

/**
 * The settings of Apache's broker that do nothing here. Source of the names: `BrokerConfig`,
 * `MessageStoreConfig`, `NettyServerConfig`, `NettyClientConfig` and `AuthConfig` of 4.9.7, 5.3.3
 * and 5.5.0. A test reads them off the official jars: every one of them works or stands here.
 */
const oneThread: IdleGroup = {
  reason: 'one thread answers everything, so there are no pools and no queues in front of them',
  names: `
    sendMessageThreadPoolNums putMessageFutureThreadPoolNums pullMessageThreadPoolNums
    litePullMessageThreadPoolNums ackMessageThreadPoolNums processReplyMessageThreadPoolNums
    queryMessageThreadPoolNums adminBrokerThreadPoolNums clientManageThreadPoolNums
    consumerManageThreadPoolNums loadBalanceProcessorThreadPoolNums heartbeatThreadPoolNums
    recoverThreadPoolNums endTransactionThreadPoolNums batchDispatchRequestThreadPoolNums
    sendThreadPoolQueueCapacity putThreadPoolQueueCapacity pullThreadPoolQueueCapacity
    litePullThreadPoolQueueCapacity ackThreadPoolQueueCapacity replyThreadPoolQueueCapacity
    queryThreadPoolQueueCapacity clientManagerThreadPoolQueueCapacity
    consumerManagerThreadPoolQueueCapacity heartbeatThreadPoolQueueCapacity
    endTransactionPoolQueueCapacity adminBrokerThreadPoolQueueCapacity
    loadBalanceThreadPoolQueueCapacity enableFastChannelEventProcess
    useReentrantLockWhenPutMessage useABSLock spinLockCollisionRetreatOptimalDegree
    topicQueueLockNum debugLockEnable putMessageTimeout maxAsyncPutMessageRequests
    asyncSendEnable dispatchFromSenderThread enableAsyncReput dispatchCqThreads dispatchCqCacheNum
    recoverConcurrently enableBuildConsumeQueueConcurrently enableAcceleratedRecovery
    transactionCheckRocksdbCoreThreads transactionCheckRocksdbMaxThreads
    waitTimeMillsInHeartbeatQueue waitTimeMillsInAckQueue waitTimeMillsInAdminBrokerQueue
    transactionCheckRocksdbQueueCapacity enableScheduleAsyncDeliver
    scheduleAsyncDeliverMaxPendingLimit scheduleAsyncDeliverMaxResendNum2Blocked`,
};

const notMapped: IdleGroup = {
  reason: 'files are read and written, not mapped into memory',
  names: `
    warmMapedFileEnable flushLeastPagesWhenWarmMapedFile mappedFileSwapEnable
    commitLogForceSwapMapInterval commitLogSwapMapInterval commitLogSwapMapReserveFileNum
    logicQueueForceSwapMapInterval logicQueueSwapMapInterval logicQueueSwapMapReserveFileNum
    cleanSwapedMapInterval writeWithoutMmap putConsumeQueueDataByFileChannel transferMsgByHeap
    destroyMapedFileIntervalForcibly redeleteHangedFileInterval sharedByteBufferNum
    transientStorePoolEnable transientStorePoolSize fastFailIfNoBufferInStorePool
    commitIntervalCommitLog commitCommitLogLeastPages commitCommitLogThoroughInterval
    wakeCommitWhenPutMessage dataReadAheadEnable coldDataScanEnable coldDataFlowControlEnable
    coldCtrStrategyEnable usePIDColdCtrStrategy cgColdReadThreshold globalColdReadThreshold
    enableNetWorkFlowControl`,
};

const flushedByBytes: IdleGroup = {
  reason:
    'what is due to be flushed is told in bytes (flushCommitLogBytes) and time, not in pages; a ' +
    'flush is always timed, and every write of a turn is one',
  names: `
    flushCommitLogTimed flushCommitLogLeastPages flushCommitLogThoroughInterval
    flushConsumeQueueLeastPages wakeFlushWhenPutMessage`,
};

const recoveredWhole: IdleGroup = {
  reason: 'recovery follows the log itself, and queues, index and readers see what it found',
  names: `
    duplicationEnable readUnCommitted recheckReputOffsetFromCq checkCommitLogOffsetOnRecover
    enableLogConsumeQueueRepeatedlyBuildWhenRecover enableRunningFlagsInFlush
    maxRecoveryCommitlogFiles commitLogRecoverMaxNum travelCqFileNumWhenGetMessage
    maxConsumeQueueScan sampleSteps sampleCountThreshold correctLogicMinOffsetSleepInterval
    correctLogicMinOffsetForceInterval putMsgIndexHightWater diskFallRecorded
    disappearTimeAfterStart maxChecksumRange messageIndexSafe`,
};

const nettyOnly: IdleGroup = {
  reason: "sockets are Node's, which has no such pools, buffers or selectors",
  names: `
    serverWorkerThreads serverSelectorThreads serverCallbackExecutorThreads
    serverOnewaySemaphoreValue serverAsyncSemaphoreValue serverSocketSndBufSize
    serverSocketRcvBufSize serverSocketBacklog clientChannelMaxIdleTimeSeconds
    useEpollNativeSelector serverNettyWorkerGroupEnable
    writeBufferHighWaterMark writeBufferLowWaterMark serverPooledByteBufAllocatorEnable
    clientWorkerThreads clientCallbackExecutorThreads clientOnewaySemaphoreValue
    clientAsyncSemaphoreValue clientSocketSndBufSize clientSocketRcvBufSize
    clientPooledByteBufAllocatorEnable disableCallbackExecutor disableNettyWorkerGroup
    clientCloseSocketIfTimeout channelNotActiveInterval enableReconnectForGoAway
    maxReconnectIntervalTimeSeconds socksProxyConfig isScanAvailableNameSrv scanAvailableNameSrv
    enableShutdownGracefully shutdownWaitTimeSeconds printChannelGroups printChannelGroupsMinNum
    maxClientEventCount`,
};

const noPop: IdleGroup = {
  reason: 'POP consumption is not there yet',
  names: `
    accessMessageInMemoryHotRatio
    popPollingSize popPollingMapSize popPollingMapExpireTimeSeconds maxPopPollingSize
    reviveQueueNum reviveInterval reviveMaxSlow reviveScanTime reviveAckWaitMs
    enableSkipLongAwaitingAck enablePopLog enablePopBufferMerge popCkStayBufferTime
    popCkStayBufferTimeOut popCkMaxBufferSize popCkOffsetMaxQueueSize enablePopBatchAck
    popFromRetryProbability popFromRetryProbabilityForPriority enableRetryTopicV2
    retrieveMessageFromPopRetryTopicV1 initPopOffsetByCheckMsgInMem popInflightMessageThreshold
    enablePopMessageThreshold popConsumerKVServiceEnable popConsumerKVServiceInit
    popConsumerKVServiceLog popConsumerFSServiceInit popReviveMaxReturnSizePerRead
    popReviveMaxAttemptTimes popReviveConcurrency popReviveSkipIfGroupAbsent
    popLongPollingForceNotifyInterval popResponseReturnActualRetryTopic
    skipWhenCKRePutReachMaxTimes appendAckAsync appendCkAsync
    enableNotifyBeforePopCalculateLag enableNotifyAfterPopOrderLockRelease
    useMessageFilterForNotification maxMessageFilterNumForNotification
    serverLoadBalancerEnable defaultMessageRequestMode defaultPopShareQueueNum
    loadBalancePollNameServerInterval enablePopMetrics priorityOrderAsc useSeparateRetryQueue
    enableLitePopLog enableLiteEventMode liteEventCheckInterval liteEventFullDispatchDelayTime
    liteEventFullDispatchDelayTimeForWildcardGroup liteLagCountMetricsEnable
    liteLagLatencyCollectEnable liteLagLatencyMetricsEnable liteLagLatencyTopK
    liteSubscriptionCheckInterval liteSubscriptionCheckTimeoutMills liteTtlCheckInterval
    maxLiteSubscriptionCount minLiteTTl`,
};

const noTimers: IdleGroup = {
  reason: 'timer messages are not there yet, and a send that asks for one is refused',
  names: `
    timerWheelEnable timerPrecisionMs timerRollWindowSlot timerMaxDelaySec timerFlushIntervalMs
    timerGetMessageThreadNum timerPutMessageThreadNum timerCongestNumEachSlot timerStopEnqueue
    timerStopDequeue timerEnableRetryUntilSuccess timerSkipUnknownError timerCheckMetricsWhen
    timerInterceptDelayLevel timerEnableCheckMetrics timerEnableDisruptor timerWarmEnable
    timerMetricSmallThreshold timerProgressLogIntervalMs timerColdDataCheckIntervalMs
    timerRecallToTimeWheelEnable timerRecallToTimelineEnable timerReputServiceCorePoolSize
    timerReputServiceMaxPoolSize timerReputServiceQueueCapacity timerRocksDBEnable
    timerRocksDBPrecisionMs timerRocksDBRollIntervalHours timerRocksDBRollMaxTps
    timerRocksDBRollRangeHours timerRocksDBStopScan timerRocksDBTimeExpiredMaxTps
    timerWheelSnapshotFlush timerWheelSnapshotIntervalMs appendTopicForTimerDeleteKey
    mappedFileSizeTimerLog maxDelayTime recallMessageEnable allowRecallWhenBrokerNotWriteable`,
};

const noReplicas: IdleGroup = {
  reason: 'there is no replication yet, neither to slaves nor under a controller',
  names: `
    haMasterAddress haSendHeartbeatInterval haHousekeepingInterval haTransferBatchSize
    haMaxGapNotInSync haSlaveFallbehindMax slaveTimeout totalReplicas
    minInSyncReplicas allAckInSyncStateSet enableAutoInSyncReplicas haFlowControlEnable
    maxHaTransferByteInSecond haMaxTimeSlaveNotCatchup syncMasterFlushOffsetWhenStartup
    syncFromLastFile lockInStrictMode asyncLearner maxSlaveResendLength offsetCheckInSlave
    enableRemoteEscape skipPreOnline syncBrokerMemberGroupPeriod
    enableControllerMode controllerAddr fetchControllerAddrByDnsLookup syncBrokerMetadataPeriod
    checkSyncStateSetPeriod syncControllerMetadataPeriod controllerHeartBeatTimeoutMills
    brokerElectionPriority forwardTimeout cleanOfflineBrokerInterval
    storePathEpochFile storePathBrokerIdentity enableBatchPush isEnableBatchPush`,
};

const noAccessControl: IdleGroup = {
  reason: 'access control and TLS are not there yet',
  names: `
    aclEnable useTLS authenticationEnabled authenticationProvider authenticationMetadataProvider
    authenticationStrategy authenticationWhitelist authorizationEnabled authorizationProvider
    authorizationMetadataProvider authorizationStrategy authorizationWhitelist
    initAuthenticationUser innerClientAuthenticationCredentials migrateAuthFromV1Enabled
    authConfigPath configName clusterName aclCacheExpiredSecond aclCacheMaxNum
    aclCacheRefreshSecond userCacheExpiredSecond userCacheMaxNum userCacheRefreshSecond
    statefulAuthenticationCacheExpiredSecond statefulAuthenticationCacheMaxNum
    statefulAuthorizationCacheExpiredSecond statefulAuthorizationCacheMaxNum`,
};

const otherStores: IdleGroup = {
  reason:
    'there is one kind of store here: no RocksDB, no tiers, no compaction, no batch or light ' +
    'queues, no DLedger, no containers, no plug-ins',
  names: `
    storeType messageStorePlugIn enableCompaction compactionMappedFileSize
    compactionCqMappedFileSize compactionScheduleInternal compactionThreadNum maxOffsetMapSize
    mapperFileSizeBatchConsumeQueue searchBcqByCacheEnable readOnlyCommitLogStorePaths
    enableLmq enableLmqQuota enableLmqStats enableMultiDispatch maxLmqConsumeQueueNum
    enableDLegerCommitLog dLegerGroup dLegerPeers dLegerSelfId preferredLeaderId
    storePathDLedgerCommitLog isBrokerContainer isInBrokerContainer inBrokerContainer configManagerVersion
    useSingleRocksDBForAllConfigs realTimePersistRocksDBConfig rocksdbCQDoubleWriteEnable
    rocksdbCompressionType rocksdbFlushWalFrequency rocksdbWalFileRollingThreshold
    bottomMostCompressionTypeForConsumeQueueStore cleanRocksDBDirtyCQIntervalMin
    statRocksDBCQIntervalSec memTableFlushIntervalMs enableRocksDBLog indexRocksDBEnable
    maxRocksDBIndexQueryDays iteratorWhenUseRocksdbConsumeQueue
    useSeparateStorePathForRocksdbCQ combineAssignOffsetCQType combineCQEnableCheckSelf
    combineCQLoadingCQTypes combineCQMaxExtraSearchCommitLogFiles combineCQPreferCQType
    combineCQUseRocksdbForLmq transRocksDBEnable transWriteOriginTransHalfEnable
    persistConsumerOffsetIncrementally replicasPerDiskPartition
    logicalDiskSpaceCleanForciblyThreshold`,
};

const otherFigures: IdleGroup = {
  reason: 'figures are fetched (=PROM) or logged, as totals, and not pushed',
  names: `
    metricsGrpcExporterTarget metricsGrpcExporterHeader metricGrpcExporterTimeOutInMills
    metricGrpcExporterIntervalInMills metricsInDelta
    metricsExportBatchMaxDataPoints`,
};

const noCommerce: IdleGroup = {
  reason: 'these belong to the accounts of a cloud provider, which are not kept here',
  names: `
    commercialEnable commercialBaseCount commercialBigCount commercialSizePerMsg
    commercialTimerCount commercialTransCount accountStatsEnable accountStatsPrintZeroValues`,
};

const unread: IdleGroup = {
  reason: "Apache's broker reads it no longer, or only its scripts do",
  names: `
    highSpeedMode filterServerNums maxBatchDeleteFilesNum rocketmqHome isolateLogEnable
    pullBatchMaxMessageCount
    flushConsumerOffsetHistoryInterval maxTopicLength`,
};

const noProxy: IdleGroup = {
  reason: 'only consumers that come and go through a proxy need it, and there is none yet',
  names: `enableBroadcastOffsetStore broadcastOffsetExpireSecond broadcastOffsetExpireMaxSecond`,
};

const ownTransactions: IdleGroup = {
  reason: 'a decision on a transaction is written at once, in the same append as its mark',
  names: `transactionOpMsgMaxSize transactionOpBatchInterval`,
};

const namedServers: IdleGroup = {
  reason:
    'name servers are those of namesrvAddr, whose host names are resolved at every connect; a ' +
    'change of the setting counts at once',
  names: `
    updateNameServerAddrPeriod fetchNamesrvAddrInterval fetchNamesrvAddrByAddressServer
    fetchNameSrvAddrByDnsLookup`,
};

const notMeasured: IdleGroup = {
  reason: 'lags count every message, and open transactions are counted as they come and go',
  names: `
    estimateAccumulation transactionMetricFlushInterval`,
};

const setByOthers: IdleGroup = {
  reason:
    "bit maps are as long as maxErrorRateOfBloomFilter and expectConsumerNumUseFilter say; Apache's " +
    'broker, too, overwrites it with that at its start',
  names: `bitMapLengthConsumeQueueExt`,
};

const alwaysSo: IdleGroup = {
  reason:
    'it is always so here: records of topics longer than 127 bytes are of version 2, a sync flush ' +
    'is answered when the disk has answered, figures follow the subscriptions that are there, and ' +
    'offsets go with their topic or group',
  names: `
    autoMessageVersionOnTopicLen syncFlushTimeout useStaticSubscription enableCleanExpiredOffset`,
};

/** Apache's option names that this broker accepts and does not use. */
export const idleBrokerOptions = new IdleOptions('Broker options', [
  oneThread,
  notMapped,
  flushedByBytes,
  recoveredWhole,
  nettyOnly,
  noPop,
  noTimers,
  noReplicas,
  noAccessControl,
  otherStores,
  otherFigures,
  noCommerce,
  unread,
  noProxy,
  ownTransactions,
  namedServers,
  notMeasured,
  setByOthers,
  alwaysSo,
]);
