import { IdleOptions } from '@nestjs-rocketmq/foundation';

/**
 * The settings of Apache's nameserver that do nothing here. Source of the names: `NamesrvConfig`,
 * `NettyServerConfig`, `NettyClientConfig` and `ControllerConfig` of 4.9.7, 5.3.3 and 5.5.0. A test
 * reads them off the official jars: every one of them works or stands here.
 */
export const idleNameserverOptions = new IdleOptions('nameserver', [
  {
    reason: 'one thread answers everything, so there are no pools and no queues in front of them',
    names: `
      defaultThreadPoolNums clientRequestThreadPoolNums defaultThreadPoolQueueCapacity
      clientRequestThreadPoolQueueCapacity unRegisterBrokerQueueCapacity`,
  },
  {
    reason: "sockets are Node's, which has no such pools, buffers or selectors",
    names: `
      serverWorkerThreads serverSelectorThreads serverCallbackExecutorThreads
      serverOnewaySemaphoreValue serverAsyncSemaphoreValue serverSocketSndBufSize
      serverSocketRcvBufSize serverSocketBacklog useEpollNativeSelector
      serverNettyWorkerGroupEnable enableShutdownGracefully shutdownWaitTimeSeconds
      writeBufferHighWaterMark writeBufferLowWaterMark serverPooledByteBufAllocatorEnable`,
  },
  {
    reason: 'a nameserver asks nobody, so it has no client',
    names: `
      clientWorkerThreads clientCallbackExecutorThreads clientOnewaySemaphoreValue
      clientAsyncSemaphoreValue clientSocketSndBufSize clientSocketRcvBufSize
      clientPooledByteBufAllocatorEnable clientChannelMaxIdleTimeSeconds clientCloseSocketIfTimeout
      connectTimeoutMillis channelNotActiveInterval disableCallbackExecutor
      disableNettyWorkerGroup enableReconnectForGoAway maxReconnectIntervalTimeSeconds
      socksProxyConfig isScanAvailableNameSrv scanAvailableNameSrv useTLS`,
  },
  {
    reason: 'there is no replication yet, neither acting masters nor a controller',
    names: `
      supportActingMaster notifyMinBrokerIdChanged enableControllerInNamesrv controllerType
      electMasterMaxRetryCount enableElectUncleanMaster notifyBrokerRoleChanged
      scanInactiveMasterInterval controllerThreadPoolNums controllerRequestThreadPoolQueueCapacity
      controllerDLegerGroup controllerDLegerPeers controllerDLegerSelfId controllerStorePath
      mappedFileSize isProcessReadEvent processReadEvent
      
      metricsGrpcExporterTarget metricsGrpcExporterHeader metricGrpcExporterTimeOutInMills
      metricGrpcExporterIntervalInMills metricLoggingExporterIntervalInMills
      metricsLabel metricsInDelta`,
  },
  {
    reason: "Apache's nameserver uses it in its scripts or tests only",
    names: 'rocketmqHome productEnvName clusterTest',
  },
]);
