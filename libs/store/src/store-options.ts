import { defineOptions, option, type OptionValues } from '@nestjs-rocketmq/foundation';
import { defaultDelayLevels } from './delay-levels.js';

const mebibyte = 1024 * 1024;
const largestFile = 2 ** 31 - 1;

/**
 * Options of a store, under the names that operators know from Apache's broker.
 * Source of names and defaults: org.apache.rocketmq.store.config.MessageStoreConfig 5.3.3.
 */
export const storeOptions = defineOptions('store', {
  storePathCommitLog: option.text({
    default: '',
    meaning: 'Folder of the commit log; empty means `commitlog` in the store folder.',
  }),
  mappedFileSizeCommitLog: option.integer({
    default: 1024 * mebibyte,
    min: 4096,
    max: largestFile,
    meaning: 'Bytes of one commit log file. A store keeps the size it was made with.',
  }),
  mappedFileSizeConsumeQueue: option.integer({
    default: 6_000_000,
    min: 20,
    max: largestFile,
    meaning: 'Bytes of one consume queue file, rounded up to a multiple of 20.',
  }),
  enableConsumeQueueExt: option.boolean({
    default: false,
    meaning:
      'Whether queues have an extension (`consumequeue_ext`): of each message its tags code, store ' +
      'time and, with `enableCalcFilterBitMap`, which SQL92 filters let it pass.',
  }),
  mappedFileSizeConsumeQueueExt: option.integer({
    default: 48 * mebibyte,
    min: 64,
    max: largestFile,
    meaning: 'Bytes of one extension file. Files of another size are removed at the start.',
  }),
  flushDiskType: option.choice(['ASYNC_FLUSH', 'SYNC_FLUSH'], {
    default: 'ASYNC_FLUSH',
    meaning: 'SYNC_FLUSH answers a send, and shows the message, only when it is durable.',
  }),
  flushIntervalCommitLog: option.duration({
    restart: false,
    default: 500,
    min: 1,
    meaning: 'With ASYNC_FLUSH, how long a message may be written and not yet durable.',
  }),
  flushCommitLogBytes: option.integer({
    restart: false,
    default: 4 * mebibyte,
    min: 4096,
    meaning: 'With ASYNC_FLUSH, how many bytes may be written before they are made durable.',
  }),
  flushIntervalConsumeQueue: option.duration({
    restart: false,
    default: 1000,
    min: 1,
    meaning: 'How long a queue entry may wait in memory before it is written to its file.',
  }),
  flushConsumeQueueThoroughInterval: option.duration({
    restart: false,
    default: 60_000,
    min: 1,
    meaning: 'How often queue files are made durable and the checkpoint moves.',
  }),
  checkCRCOnRecover: option.boolean({
    default: true,
    meaning: 'Whether recovery checks the body of each record against its checksum.',
  }),
  enabledAppendPropCRC: option.boolean({
    default: false,
    meaning:
      'Whether each record carries a checksum of itself as its last property, and is checked ' +
      'against it; the checksum that every record has covers the body only.',
  }),
  forceVerifyPropCRC: option.boolean({
    default: false,
    meaning: 'Whether a record without such a checksum counts as damaged.',
  }),
  maxTransferBytesOnMessageInMemory: option.integer({
    restart: false,
    default: 262_144,
    min: 1,
    meaning: 'Bytes of messages in one pull answer; the first message always goes.',
  }),
  maxTransferCountOnMessageInMemory: option.integer({
    restart: false,
    default: 32,
    min: 1,
    max: 65_536,
    meaning: 'Messages in one pull answer.',
  }),
  accessMessageInMemoryMaxRatio: option.integer({
    default: 40,
    min: 0,
    max: 100,
    meaning: "Percent of the machine's memory: so much of the log's end is taken to lie in memory.",
  }),
  maxTransferBytesOnMessageInDisk: option.integer({
    default: 65_536,
    min: 1,
    meaning: 'Bytes of messages in one pull answer, when they lie further back.',
  }),
  maxTransferCountOnMessageInDisk: option.integer({
    default: 8,
    min: 1,
    max: 65_536,
    meaning: 'Messages in one pull answer, when they lie further back.',
  }),
  maxFilterMessageSize: option.integer({
    restart: false,
    default: 16_000,
    min: 20,
    meaning: 'Bytes of queue entries (20 each) that one pull looks through for its tags.',
  }),
  messageIndexEnable: option.boolean({
    default: true,
    meaning: 'Whether messages can be found by key: keys are put into the files of `index`.',
  }),
  indexFileWriteEnable: option.boolean({
    default: true,
    meaning: 'The same under the name that 5.5 has for it; both must be true.',
  }),
  indexFileReadEnable: option.boolean({
    default: true,
    restart: false,
    meaning: 'Without, a query by key finds nothing.',
  }),
  maxHashSlotNum: option.integer({
    default: 5_000_000,
    min: 1,
    max: 100_000_000,
    meaning: 'Hash slots of one index file. Files of another size are made again from the log.',
  }),
  maxIndexNum: option.integer({
    default: 20_000_000,
    min: 2,
    max: 100_000_000,
    meaning: 'Entries of one index file.',
  }),
  maxMsgsNumBatch: option.integer({
    default: 64,
    min: 1,
    restart: false,
    meaning: 'Messages that one query by key answers at most.',
  }),
  deleteWhen: option.text({
    default: '04',
    restart: false,
    meaning: 'Hours of the day, separated by semicolons, at which expired files are removed.',
  }),
  fileReservedTime: option.integer({
    default: 72,
    min: 0,
    max: 1_000_000,
    restart: false,
    meaning: 'Hours after which a log file has expired; its newest message counts.',
  }),
  diskMaxUsedSpaceRatio: option.integer({
    default: 75,
    min: 0,
    max: 100,
    restart: false,
    meaning: 'Above this use of the disk, in percent, expired files go at any hour (10 to 95).',
  }),
  diskSpaceCleanForciblyRatio: option.integer({
    default: 85,
    min: 0,
    max: 100,
    restart: false,
    meaning: 'Above this use the oldest files go whatever their age (30 to 85).',
  }),
  diskSpaceWarningLevelRatio: option.integer({
    default: 90,
    min: 0,
    max: 100,
    restart: false,
    meaning: 'Above this use messages are refused as well (35 to 90).',
  }),
  cleanFileForciblyEnable: option.boolean({
    default: true,
    restart: false,
    meaning: 'Whether files that have not expired may go when the disk is nearly full.',
  }),
  cleanResourceInterval: option.duration({
    default: 10_000,
    min: 10,
    restart: false,
    meaning: 'How often it is looked whether something is to be removed.',
  }),
  deleteFileBatchMax: option.integer({
    default: 10,
    min: 1,
    restart: false,
    meaning: 'Log files that are removed in one round.',
  }),
  deleteCommitLogFilesInterval: option.duration({
    default: 100,
    min: 0,
    restart: false,
    meaning: 'Time between the removal of two log files.',
  }),
  deleteConsumeQueueFilesInterval: option.duration({
    default: 100,
    min: 0,
    restart: false,
    meaning: 'Pause after files of a queue were removed.',
  }),
  messageDelayLevel: option.text({
    default: defaultDelayLevels,
    meaning: 'Delays of the levels, from level 1 on; units s, m, h, d.',
  }),
});

export type StoreOptions = OptionValues<typeof storeOptions.table>;
