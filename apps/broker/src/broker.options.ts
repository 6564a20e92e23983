import { defineOptions, option } from '@nestjs-rocketmq/foundation';
import { filterOptions, overloadOptions, groupOptions } from './message-options.js';
import { statusOptions } from './status/status.options.js';
import { registrationOptions } from './registration/registration.options.js';

const highestPort = 65_535;
const day = 86_400_000;

const identity = {
  storePathRootDir: option.text({
    default: '',
    meaning: 'Folder of everything that this broker keeps; empty means ~/store.',
  }),
  brokerName: option.text({
    default: '',
    meaning: 'Name of this broker; empty means the name of the machine.',
  }),
  brokerClusterName: option.text({
    default: 'DefaultCluster',
    meaning: 'The cluster that this broker belongs to.',
  }),
  brokerId: option.integer({
    default: 0,
    min: 0,
    meaning: 'Number within the brokers of one name; a master is always 0.',
  }),
  brokerRole: option.choice(['ASYNC_MASTER', 'SYNC_MASTER', 'SLAVE'], {
    default: 'ASYNC_MASTER',
    meaning:
      'ASYNC_MASTER answers without slaves; SYNC_MASTER says SLAVE_NOT_AVAILABLE when none has ' +
      'the message; SLAVE is refused at start.',
  }),
  inSyncReplicas: option.integer({
    default: 2,
    min: 1,
    max: 1000,
    meaning:
      'With SYNC_MASTER, how many brokers, this one counted, must have a message before a send is ' +
      'answered; 1 asks for no slave.',
  }),
  brokerIP1: option.text({
    default: '',
    meaning: 'Address under which clients reach this broker; empty means one of this machine.',
  }),
  brokerIP2: option.text({
    default: '',
    meaning: 'Address told to slaves at the name server; empty means brokerIP1.',
  }),
  listenPort: option.integer({
    default: 10_911,
    min: 0,
    max: highestPort,
    meaning: 'Port for clients; 0 takes a free one.',
  }),
  haListenPort: option.integer({
    default: 0,
    min: 0,
    max: highestPort,
    meaning: 'Port told to slaves at the name server; 0 means listenPort + 1.',
  }),
  bindAddress: option.text({ default: '0.0.0.0', meaning: 'Address to listen on.' }),
  namesrvAddr: option.list({
    restart: false,
    default: [],
    meaning: 'Name servers, host:port, separated by semicolons. Empty: registers nowhere.',
  }),
  regionId: option.text({
    restart: false,
    default: 'DefaultRegion',
    meaning: 'Region written to messages and answers (MSG_REGION).',
  }),
  traceOn: option.boolean({
    restart: false,
    default: true,
    meaning: 'Told to clients: whether messages are traced (TRACE_ON).',
  }),
  brokerPermission: option.integer({
    restart: false,
    default: 6,
    min: 0,
    max: 7,
    meaning: 'What may be done here: 4 read, 2 write, 6 both.',
  }),
  serverChannelMaxIdleTimeSeconds: option.integer({
    default: 120,
    min: 1,
    max: 86_400,
    meaning: 'A connection without traffic is closed after so many seconds.',
  }),
  connectTimeoutMillis: option.duration({
    default: 3000,
    min: 1,
    max: 60_000,
    meaning: 'Time to connect to a name server.',
  }),
  brokerConfigPath: option.text({
    default: '',
    meaning: 'File that a change of settings at run time is written to; empty means the one of -c.',
  }),
  configBlackList: option.list({
    default: ['configBlackList', 'brokerConfigPath'],
    meaning: 'Settings that cannot be changed while the broker runs.',
  }),
};

const tables = {
  autoCreateTopicEnable: option.boolean({
    restart: false,
    default: true,
    meaning: 'Topics come into being when somebody sends to them.',
  }),
  autoCreateSubscriptionGroup: option.boolean({
    restart: false,
    default: true,
    meaning: 'Consumer groups come into being when somebody consumes with them.',
  }),
  enableCreateSysGroup: option.boolean({
    default: true,
    meaning: "RocketMQ's own consumer groups exist from the start.",
  }),
  defaultTopicQueueNums: option.integer({
    default: 8,
    min: 1,
    max: 65_535,
    meaning: 'Queues of the template topic TBW102, the most a topic gets that creates itself.',
  }),
  clusterTopicEnable: option.boolean({
    default: true,
    meaning: 'The topic named like the cluster may be read and written.',
  }),
  brokerTopicEnable: option.boolean({
    default: true,
    meaning: 'The topic named like the broker may be read and written.',
  }),
  traceTopicEnable: option.boolean({
    default: false,
    meaning: 'The topic for traces exists from the start.',
  }),
  msgTraceTopicName: option.text({
    default: 'RMQ_SYS_TRACE_TOPIC',
    meaning: 'Name of the topic for traces.',
  }),
  validateSystemTopicWhenUpdateTopic: option.boolean({
    restart: false,
    default: true,
    meaning: "RocketMQ's own topics cannot be created or changed by an operator.",
  }),
  enableMixedMessageType: option.boolean({
    default: false,
    meaning: 'A topic may have the message type MIXED.',
  }),
  clearRetryTopicWhenDeleteTopic: option.boolean({
    default: true,
    meaning: 'With a topic go the topics in which POP consumers try its messages again.',
  }),
  enableSplitMetadata: option.boolean({
    default: true,
    meaning: 'Tables of topics and groups are told page by page to who asks for pages (5.5).',
  }),
  splitMetadataSize: option.integer({
    default: 2000,
    min: 1,
    meaning: 'The most topics or groups in such a page.',
  }),
};

const statistics = {
  enableDetailStat: option.boolean({
    default: true,
    meaning: 'Statistics are kept per queue too.',
  }),
  enableScheduleMessageStats: option.boolean({
    default: true,
    meaning: 'Statistics count delayed messages that were delivered.',
  }),
  autoDeleteUnusedStats: option.boolean({
    default: true,
    meaning: 'The statistics of a topic or group go with it.',
  }),
  maxStatsIdleTimeInMinutes: option.integer({
    default: -1,
    min: -1,
    meaning: 'Statistics of a topic or group that stand still for so long are forgotten; -1 never.',
  }),
};

const consuming = {
  longPollingEnable: option.boolean({
    restart: false,
    default: true,
    meaning: 'A pull that finds nothing waits as long as the client allows.',
  }),
  shortPollingTimeMills: option.duration({
    restart: false,
    default: 1000,
    min: 1,
    max: 60_000,
    meaning: 'How long a pull waits when longPollingEnable is false.',
  }),
  litePullMessageEnable: option.boolean({
    restart: false,
    default: true,
    meaning: 'Lite pull consumers are served.',
  }),
  notifyConsumerIdsChangedEnable: option.boolean({
    restart: false,
    default: true,
    meaning: 'Consumers are told when members of their group come or go.',
  }),
  channelExpiredTimeout: option.duration({
    restart: false,
    default: 120_000,
    min: 1000,
    max: day,
    meaning: 'A client that sends no heartbeat for so long is forgotten.',
  }),
  subscriptionExpiredTimeout: option.duration({
    restart: false,
    default: 600_000,
    min: 1000,
    max: 30 * day,
    meaning: 'A subscription that no heartbeat repeats for so long is forgotten.',
  }),
  flushConsumerOffsetInterval: option.duration({
    restart: false,
    default: 5000,
    min: 10,
    max: 3_600_000,
    meaning: 'How often consumer offsets are written to their file.',
  }),
  consumerOffsetUpdateVersionStep: option.integer({
    restart: false,
    default: 500,
    min: 1,
    max: 1_000_000,
    meaning: 'Commits between two steps of the version of the offset table.',
  }),
};

const querying = {
  defaultQueryMaxNum: option.integer({
    default: 32,
    min: 1,
    max: 1_000_000,
    meaning: 'Messages that a query by unique key looks for.',
  }),
};

const transactionsAndDelay = {
  maxMessageSize: option.integer({
    restart: false,
    default: 4_194_304,
    min: 1,
    max: 134_217_728,
    meaning: 'Most bytes of the body of a message, or of a batch.',
  }),
  rejectTransactionMessage: option.boolean({
    restart: false,
    default: false,
    meaning: 'Half messages are refused.',
  }),
  storeReplyMessageEnable: option.boolean({
    default: true,
    meaning: 'Replies to requests are kept in the reply topic of the cluster too.',
  }),
  transactionTimeOut: option.duration({
    restart: false,
    default: 6000,
    min: 1,
    max: 30 * day,
    meaning: 'Age of a half message at its first check.',
  }),
  transactionCheckInterval: option.duration({
    restart: false,
    default: 30_000,
    min: 1,
    max: day,
    meaning: 'Time between two rounds of checks.',
  }),
  transactionCheckMax: option.integer({
    restart: false,
    default: 15,
    min: 1,
    max: 1_000_000,
    meaning: 'After so many checks without a decision a half message is given up.',
  }),
  flushDelayOffsetInterval: option.duration({
    restart: false,
    default: 10_000,
    min: 10,
    max: 3_600_000,
    meaning: 'How often the progress of delayed messages is written to its file.',
  }),
  delayOffsetUpdateVersionStep: option.integer({
    restart: false,
    default: 200,
    min: 1,
    max: 1_000_000,
    meaning: 'Deliveries between two steps of the version of that file.',
  }),
  startAcceptSendRequestTimeStamp: option.integer({
    restart: false,
    default: 0,
    min: 0,
    meaning: 'Sends before this moment (epoch ms) are refused.',
  }),
};

/** The options of a broker, under the names that Apache's operators know. */
export const brokerOptions = defineOptions('Broker options', {
  ...statusOptions,
  ...identity,
  ...registrationOptions,
  ...tables,
  ...statistics,
  ...consuming,
  ...querying,
  ...transactionsAndDelay,
  ...filterOptions,
  ...overloadOptions,
  ...groupOptions,
});
