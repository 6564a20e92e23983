import { option } from '@nestjs-rocketmq/foundation';

const day = 86_400_000;

/** What happens to those who ask while a slow disk keeps the broker. */
export const overloadOptions = {
  brokerFastFailureEnable: option.boolean({
    default: true,
    restart: false,
    meaning: 'Requests that waited too long for a slow disk are answered SYSTEM_BUSY.',
  }),
  waitTimeMillsInSendQueue: option.duration({
    default: 200,
    min: 1,
    restart: false,
    meaning: 'How long a send may have waited.',
  }),
  waitTimeMillsInPullQueue: option.duration({
    default: 5000,
    min: 1,
    restart: false,
    meaning: 'How long a pull may have waited.',
  }),
  waitTimeMillsInLitePullQueue: option.duration({
    default: 5000,
    min: 1,
    restart: false,
    meaning: 'How long a lite pull may have waited.',
  }),
  waitTimeMillsInTransactionQueue: option.duration({
    default: 3000,
    min: 1,
    restart: false,
    meaning: 'How long a decision on a transaction may have waited.',
  }),
  osPageCacheBusyTimeOutMills: option.duration({
    default: 1000,
    min: 1,
    restart: false,
    meaning: 'A write of the log that takes longer means that the disk is busy.',
  }),
};

/** What may be filtered by SQL92 expressions, and how that is kept. */
export const filterOptions = {
  enablePropertyFilter: option.boolean({
    default: false,
    restart: false,
    meaning: 'Consumers may filter by the properties of messages (SQL92).',
  }),
  filterSupportRetry: option.boolean({
    default: false,
    restart: false,
    meaning:
      'SQL92 subscriptions of retry topics judge messages by the filter of their first topic.',
  }),
  filterDataCleanTimeSpan: option.duration({
    default: day,
    min: 0,
    restart: false,
    meaning: 'An SQL92 filter that no consumer has used for so long is forgotten.',
  }),
  expectConsumerNumUseFilter: option.integer({
    default: 32,
    min: 1,
    max: 100_000,
    meaning: 'Consumers with an SQL92 filter that the bit maps of messages are laid out for.',
  }),
  maxErrorRateOfBloomFilter: option.integer({
    default: 20,
    min: 1,
    max: 99,
    meaning:
      'Of the messages that a filter holds back, so many percent may look wanted in their bit map.',
  }),
  enableCalcFilterBitMap: option.boolean({
    default: false,
    restart: false,
    meaning:
      'With enableConsumeQueueExt, each message gets a bit map of the SQL92 filters of its topic ' +
      'that let it pass, so that pulls need not read the others.',
  }),
};

/** How groups are told of operators' resets, and what pulls are answered. */
export const groupOptions = {
  useServerSideResetOffset: option.boolean({
    default: true,
    restart: false,
    meaning:
      'A reset of offsets is kept here and told to whoever pulls next; false: clients are told.',
  }),
  rejectPullConsumerEnable: option.boolean({
    default: false,
    restart: false,
    meaning: 'Only members of a group that have sent a heartbeat as push consumers may pull.',
  }),
  slaveReadEnable: option.boolean({
    default: false,
    restart: false,
    meaning:
      'Pulls are told which broker of the group to read from (whichBrokerWhenConsumeSlowly).',
  }),
  realTimeNotifyConsumerChange: option.boolean({
    default: true,
    restart: false,
    meaning: 'Members of a group are told of changes at once; false: every 15 seconds.',
  }),
  disableConsumeIfConsumerReadSlowly: option.boolean({
    default: false,
    restart: false,
    meaning: 'A group that lies consumerFallbehindThreshold back is switched off.',
  }),
  consumerFallbehindThreshold: option.integer({
    default: 17_179_869_184,
    min: 1,
    restart: false,
    meaning:
      'Bytes of the log between its end and what a group reads, from which it counts as slow.',
  }),
  enableRegisterProducer: option.boolean({
    default: true,
    restart: false,
    meaning:
      'Producers are kept in the table of clients; false only with rejectTransactionMessage.',
  }),
  enableTopicMessageTypeCheck: option.boolean({
    default: false,
    restart: false,
    meaning:
      "A topic with the attribute message.type takes that kind of messages only (Apache's proxy does).",
  }),
};
