import * as path from 'node:path';
import type { Clock, FileSystem, Logger, Turn } from '@nestjs-rocketmq/foundation';
import { hostText, UniqueKeys } from '@nestjs-rocketmq/message';
import type { MessageStore } from '@nestjs-rocketmq/store';
import { CleaningProcessor } from './admin/cleaning.processor.js';
import { ConfigurationProcessor } from './admin/configuration.processor.js';
import { Figures } from './admin/figures.js';
import { ForwardingProcessor } from './admin/forwarding.processor.js';
import { InspectionProcessor } from './admin/inspection.processor.js';
import { ProgressProcessor } from './admin/progress.processor.js';
import { StatisticsProcessor } from './admin/statistics.processor.js';
import type { BrokerConfig } from './broker.config.js';
import type { Processors } from './broker.routes.js';
import { ConsumerFilters } from './filters/consumer-filters.js';
import { HousekeepingService } from './housekeeping.service.js';
import { ClientDirectory } from './membership/client-directory.js';
import { MembershipProcessor } from './membership/membership.processor.js';
import { QueueLocks } from './membership/queue-locks.js';
import { ConsumerOffsets } from './offsets/consumer-offsets.js';
import { OffsetResets } from './offsets/offset-resets.js';
import { OffsetsProcessor } from './offsets/offsets.processor.js';
import { ResetsProcessor } from './offsets/resets.processor.js';
import { Arrivals } from './pull/arrivals.js';
import { PullMessageProcessor } from './pull/pull-message.processor.js';
import { PullSubscriptions } from './pull/pull-subscription.js';
import { QueryProcessor } from './query/query.processor.js';
import { DelayLevels } from './schedule/delay-levels.js';
import { Delays } from './schedule/delays.js';
import { ScheduleService } from './schedule/schedule.service.js';
import type { StoreHost } from './send/message-draft.js';
import { RetryMessages } from './send/retry-messages.js';
import { ReplyProcessor } from './send/reply.processor.js';
import { SendBackProcessor } from './send/send-back.processor.js';
import { SendChecks } from './send/send-checks.js';
import { SendMessageProcessor } from './send/send-message.processor.js';
import { WaitingLine } from './send/waiting-line.js';
import type { MetricsParts } from './status/metrics-parts.js';
import { TableFile } from './table-file.js';
import { GroupsProcessor } from './topics/groups.processor.js';
import type { LiveSettings } from './settings/live-settings.js';
import { GroupTable } from './topics/group-table.js';
import { systemTopics } from './topics/system-topics.js';
import { TopicTable } from './topics/topic-table.js';
import { TopicsProcessor } from './topics/topics.processor.js';
import { CheckCounts } from './transaction/check-counts.js';
import { HalfMessages } from './transaction/half-messages.js';
import { TransactionCheckService } from './transaction/transaction-check.service.js';
import { TransactionProcessor } from './transaction/transaction.processor.js';

/** More pulls than this do not wait at once. */
const mostHeldPulls = 100_000;

/** What a broker is made of needs these from outside. */
export interface Ground {
  /** One object for all; settings that change while the broker runs change in it. */
  readonly config: BrokerConfig;
  readonly settings: LiveSettings;
  /** `storePathRootDir`, absolute. */
  readonly directory: string;
  readonly store: MessageStore;
  readonly filters: ConsumerFilters;
  readonly turn: Turn;
  readonly place: StoreHost;
  readonly fileSystem: FileSystem;
  readonly clock: Clock;
  readonly logger: Logger;
}

export interface BrokerParts {
  readonly processors: Processors;
  readonly line: WaitingLine;
  readonly topics: TopicTable;
  readonly arrivals: Arrivals;
  readonly halves: HalfMessages;
  readonly schedule: ScheduleService;
  readonly checks: TransactionCheckService;
  readonly housekeeping: HousekeepingService;
  readonly metrics: Omit<MetricsParts, 'latencies'>;
}

/** A table under `config/`. */
function tableFile(name: string, ground: Pick<Ground, 'directory' | 'fileSystem' | 'logger'>) {
  const file = path.join(ground.directory, 'config', name);
  return new TableFile(ground.fileSystem, file, (line) => ground.logger.warn(line));
}

/** The SQL92 filters, which the store asks while it recovers. */
export function consumerFilters(
  ground: Pick<Ground, 'config' | 'directory' | 'fileSystem' | 'clock' | 'logger'>,
): ConsumerFilters {
  const { config, clock, logger } = ground;
  const file = tableFile('consumerFilter.json', ground);
  return new ConsumerFilters(file, clock, logger.child('filters'), config);
}

/** The tables under `config/`, read. */
function loadTables(ground: Ground, levels: DelayLevels) {
  const { config, clock, logger } = ground;
  const file = (name: string): TableFile => tableFile(name, ground);
  const topics = new TopicTable({
    file: file('topics.json'),
    clock,
    logger,
    options: config,
  });
  topics.load(systemTopics({ ...config, delayLevels: levels.highest }));
  const groups = new GroupTable({
    file: file('subscriptionGroup.json'),
    clock,
    logger,
    options: config,
  });
  groups.load();
  const offsets = new ConsumerOffsets(file('consumerOffset.json'), clock, config);
  offsets.load();
  ground.filters.load();
  const counts = new CheckCounts(file('transactionCheckCounts.json'));
  counts.load();
  return { topics, groups, offsets, counts, delayFile: file('delayOffset.json') };
}

/** Tables and other nouns that several processors and services share. */
function composeShared(ground: Ground) {
  const { config, store, filters, place, clock, logger } = ground;
  const levels = DelayLevels.parse(config.messageDelayLevel);
  const { topics, groups, offsets, counts, delayFile } = loadTables(ground, levels);
  const figures = new Figures(clock, topics, config);
  store.onTurnStored((messages, bytes, millis) => figures.wrote(messages, bytes, millis));
  const arrivals = new Arrivals(clock, mostHeldPulls);
  topics.onChange((topic) => {
    // Whoever waits for messages of a deleted topic is told so.
    if (topics.get(topic) !== undefined) return;
    for (const queue of store.queuesOf(topic)) arrivals.answerAll(queue);
  });
  const locks = new QueueLocks();
  const line = new WaitingLine(() => store.writeMillis, ground.turn, config);
  const resets = new OffsetResets(offsets);
  const clients = new ClientDirectory(
    clock,
    logger.child('membership'),
    config,
    (group) => groups.get(group)?.notifyConsumerIdsChangedEnable !== false,
    filters,
  );
  const halves = new HalfMessages(store, offsets, logger.child('transaction'), place);
  halves.restore();
  const delays = new Delays(levels, store);
  const retries = new RetryMessages(topics, groups, locks, clock);
  const nouns = {
    store,
    topics,
    groups,
    offsets,
    filters,
    counts,
    clients,
    figures,
    clock,
    place,
    logger,
  };
  return {
    ...nouns,
    options: config,
    arrivals,
    line,
    locks,
    resets,
    halves,
    delays,
    retries,
    levels,
    delayFile,
  };
}

/** Who gets what: every part of a broker, from the tables up to the processors. Opens nothing. */
export function composeBroker(ground: Ground): BrokerParts {
  const shared = composeShared(ground);
  const { config } = ground;
  const { topics, arrivals, halves, line } = shared;
  const checks = new TransactionCheckService(shared);
  const schedule = new ScheduleService({
    ...shared,
    file: shared.delayFile,
  });
  const processors = composeProcessors(ground, shared, checks, schedule);
  const housekeeping = new HousekeepingService({ ...shared, schedule });
  const metrics = { ...shared, config };
  return { processors, line, topics, arrivals, halves, schedule, checks, housekeeping, metrics };
}

function composeProcessors(
  ground: Ground,
  shared: ReturnType<typeof composeShared>,
  checks: TransactionCheckService,
  schedule: ScheduleService,
): Processors {
  const { config, place, fileSystem, settings } = ground;
  const { store, topics, groups, offsets, filters, clients, figures, clock } = shared;
  const { brokerName } = config;
  const sendChecks = new SendChecks(topics, config);
  const address = (): string => `${hostText(place.host)}:${place.port}`;
  return {
    send: new SendMessageProcessor({
      ...shared,
      checks: sendChecks,
      keys: new UniqueKeys({ clock, pid: process.pid, ip: hostText(place.host) }),
    }),
    sendBack: new SendBackProcessor(shared),
    pull: new PullMessageProcessor({
      ...shared,
      subscriptions: new PullSubscriptions(clients, filters, config),
    }),
    reply: new ReplyProcessor({ ...shared, checks: sendChecks, options: config }),
    transaction: new TransactionProcessor({ ...shared, checks }),
    offsets: new OffsetsProcessor(shared),
    resets: new ResetsProcessor(shared),
    membership: new MembershipProcessor({ ...shared, options: config }),
    topics: new TopicsProcessor({
      ...shared,
      options: config,
      ownTopics: systemTopics({ ...config, delayLevels: shared.levels.highest }).map(
        ({ topicName }) => topicName,
      ),
    }),
    groups: new GroupsProcessor(groups, offsets, figures, config, clock),
    query: new QueryProcessor(store, config, clients, filters),
    cleaning: new CleaningProcessor(store, topics, ground.logger.child('cleaning')),
    inspection: new InspectionProcessor(clients, offsets, address),
    progress: new ProgressProcessor({ ...shared, brokerName, address }),
    forwarding: new ForwardingProcessor({ ...shared, brokerName }),
    statistics: new StatisticsProcessor({
      ...shared,
      schedule,
      fileSystem,
      storePathRootDir: ground.directory,
      storePathCommitLog: config.storePathCommitLog || path.join(ground.directory, 'commitlog'),
      setting: (name) => settings.text(name),
    }),
    configuration: new ConfigurationProcessor({ settings, startedAt: figures.startedAt }),
  };
}
