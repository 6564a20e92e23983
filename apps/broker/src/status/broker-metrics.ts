import { type Clock, Exposition } from '@nestjs-rocketmq/foundation';
import { isRetryTopic, isSystemGroup, StoredMessage } from '@nestjs-rocketmq/message';
import type { MessageStore } from '@nestjs-rocketmq/store';
import type { Figures } from '../admin/figures.js';
import type { Histogram } from '../admin/histogram.js';
import type { BrokerConfig } from '../broker.config.js';
import type { ClientDirectory } from '../membership/client-directory.js';
import type { Member } from '../membership/consumer-group.js';
import type { ConsumerOffsets } from '../offsets/consumer-offsets.js';
import type { Arrivals } from '../pull/arrivals.js';
import type { GroupTable } from '../topics/group-table.js';
import type { TopicTable } from '../topics/topic-table.js';
import type { HalfMessages } from '../transaction/half-messages.js';

export interface MetricsParts {
  readonly config: BrokerConfig;
  readonly store: MessageStore;
  readonly topics: TopicTable;
  readonly groups: GroupTable;
  readonly offsets: ConsumerOffsets;
  readonly clients: ClientDirectory;
  readonly figures: Figures;
  readonly halves: HalfMessages;
  readonly arrivals: Arrivals;
  readonly clock: Clock;
}

type Sample = [labels: Record<string, string | number>, value: number];

/** The figures of Apache's broker that have a meaning here, under its names, for Prometheus. */
export function brokerMetrics(parts: MetricsParts): Exposition {
  const { config } = parts;
  const common = {
    cluster: config.brokerClusterName,
    node_type: 'broker',
    node_id: config.brokerName,
    ...labelsOf(config.metricsLabel),
  };
  const text = new Exposition(common, config.metricsOtelCardinalityLimit);
  if (config.enableStatsMetrics) addTraffic(text, parts);
  if (config.enableConnectionMetrics) addConnections(text, parts);
  if (config.enableLagAndDlqMetrics) addProgress(text, parts);
  if (config.enableTransactionMetrics) addTransactions(text, parts);
  if (config.enableMessageStoreMetrics) addStore(text, parts);
  return text;
}

/** `name:value,name:value`, as Java's `metricsLabel` has it. */
function labelsOf(given: string): Record<string, string> {
  const pairs = given.split(',').map((pair) => pair.split(':').map((part) => part.trim()));
  return Object.fromEntries(
    pairs.filter(([name, value]) => /^[A-Za-z_]\w*$/.test(name ?? '') && value !== undefined),
  );
}

function addTraffic(text: Exposition, { config, topics, groups, figures, arrivals }: MetricsParts) {
  const { brokerPermission } = config;
  text.gauge('rocketmq_broker_permission', 'What may be done here: 4 read, 2 write.', [
    [{}, brokerPermission],
  ]);
  text.gauge('rocketmq_topic_number', 'Topics.', [[{}, topics.size]]);
  text.gauge('rocketmq_consumer_group_number', 'Consumer groups.', [[{}, groups.names().length]]);
  text.gauge('rocketmq_processor_watermark', 'Requests that wait.', [
    [{ processor: 'pull' }, arrivals.size],
  ]);
  const puts: Sample[] = [];
  const putBytes: Sample[] = [];
  const sizes: [Record<string, string>, Histogram][] = [];
  for (const { name, isSystem, puts: nums, putSizes, messageSizes } of topics.all()) {
    if (!nums.isUsed) continue;
    const labels = { topic: name, is_system: String(isSystem) };
    puts.push([labels, nums.value]);
    putBytes.push([labels, putSizes.value]);
    if (messageSizes !== undefined) sizes.push([labels, messageSizes]);
  }
  text.histogram('rocketmq_message_size', 'Bytes of messages taken in.', sizes);
  addCreations(text, figures);
  text.counter('rocketmq_messages_in_total', 'Messages taken in.', puts);
  text.counter('rocketmq_throughput_in_total', 'Bytes taken in.', putBytes);
  const gets: Sample[] = [];
  const getBytes: Sample[] = [];
  for (const { group, topic, isSystem, messages, bytes } of figures.reads()) {
    const labels = {
      topic,
      consumer_group: group,
      is_retry: String(isRetryTopic(topic)),
      is_system: String(isSystem || isSystemGroup(group)),
    };
    gets.push([labels, messages]);
    getBytes.push([labels, bytes]);
  }
  text.counter('rocketmq_messages_out_total', 'Messages given out.', gets);
  text.counter('rocketmq_throughput_out_total', 'Bytes given out.', getBytes);
}

function addCreations(text: Exposition, { creations }: Figures): void {
  const samples = (times: Readonly<Record<string, Histogram>>) =>
    Object.entries(times)
      .filter(([, { count }]) => count > 0)
      .map(([status, times]): [Record<string, string>, Histogram] => [
        { invocation_status: status },
        times,
      ]);
  const topic = 'rocketmq_topic_create_execution_time';
  text.histogram(topic, 'Time to create or change a topic, ms.', samples(creations.topic));
  const group = 'rocketmq_consumer_group_create_execution_time';
  text.histogram(group, 'Time to create or change a group, ms.', samples(creations.group));
}

function addConnections(text: Exposition, { clients }: MetricsParts): void {
  const producers = clients.producerGroups().flatMap((group) => clients.producersOf(group));
  text.gauge('rocketmq_producer_connections', 'Producers.', [
    ...counted(producers.map((member) => clientLabels(member))),
  ]);
  const consumers = [...clients.consumerGroups()].flatMap((group) =>
    group.members().map((member) => ({
      ...clientLabels(member),
      consumer_group: group.name,
      consume_mode: group.consumeType === 'CONSUME_ACTIVELY' ? 'pull' : 'push',
      is_system: String(isSystemGroup(group.name)),
    })),
  );
  text.gauge('rocketmq_consumer_connections', 'Consumers.', counted(consumers));
}

function clientLabels(member: Member): Record<string, string> {
  const { language, version } = member;
  return { language: language.toLowerCase(), version: String(version), protocol_type: 'remoting' };
}

function counted(all: readonly Record<string, string>[]): Sample[] {
  const counts = new Map<string, Sample>();
  for (const labels of all) {
    const key = JSON.stringify(labels);
    const sample = counts.get(key);
    if (sample === undefined) counts.set(key, [labels, 1]);
    else sample[1] += 1;
  }
  return [...counts.values()];
}

function addProgress(text: Exposition, parts: MetricsParts): void {
  const { groups, offsets, topics, store, clock, figures } = parts;
  const behind: Sample[] = [];
  const latency: Sample[] = [];
  for (const group of groups.names()) {
    for (const name of offsets.topicsOf(group)) {
      if (topics.get(name) === undefined) continue;
      let messages = 0;
      let oldest = Number.POSITIVE_INFINITY;
      for (const queue of store.queuesOf(name)) {
        const next = offsets.offsetOf(group, name, queue.queueId);
        if (next === undefined || next >= queue.visible) continue;
        const from = Math.max(next, queue.min);
        messages += queue.visible - from;
        oldest = Math.min(oldest, store.storeTimeAt(queue, from) ?? oldest);
      }
      const labels = { consumer_group: group, topic: name, is_retry: String(isRetryTopic(name)) };
      behind.push([labels, messages]);
      latency.push([labels, Number.isFinite(oldest) ? Math.max(0, clock.now() - oldest) : 0]);
    }
  }
  text.gauge('rocketmq_consumer_lag_messages', 'Messages not consumed yet.', behind);
  text.gauge('rocketmq_consumer_ready_messages', 'Messages that can be pulled.', behind);
  text.gauge('rocketmq_consumer_lag_latency', 'Age of the oldest of them, ms.', latency);
  const dead = figures
    .deadByGroup()
    .map(({ group, topic, messages }): Sample => [{ consumer_group: group, topic }, messages]);
  text.counter('rocketmq_send_to_dlq_messages_total', 'Messages given up.', dead);
}

function addTransactions(text: Exposition, { halves, figures }: MetricsParts): void {
  const commits: Sample[] = [];
  const rollbacks: Sample[] = [];
  const latencies: [Record<string, string>, Histogram][] = [];
  for (const [topic, decided] of figures.transactions.all()) {
    if (decided.commits > 0) commits.push([{ topic }, decided.commits]);
    if (decided.rollbacks > 0) rollbacks.push([{ topic }, decided.rollbacks]);
    if (decided.commits > 0) latencies.push([{ topic }, decided.latency]);
  }
  text.counter('rocketmq_commit_messages_total', 'Transactions committed.', commits);
  text.counter('rocketmq_rollback_messages_total', 'Transactions rolled back.', rollbacks);
  text.histogram('rocketmq_finish_message_latency', 'Half message to commit, s.', latencies);
  const open = [...halves.openByTopic()].map(([topic, count]): Sample => [{ topic }, count]);
  text.gauge('rocketmq_half_messages', 'Half messages that nobody decided.', open);
}
function addStore(text: Exposition, { store, clock }: MetricsParts): void {
  const { appended, minPosition, durable, written } = store.figures();
  const where = { storage_type: 'local', storage_medium: 'disk' };
  text.gauge('rocketmq_storage_size', 'Bytes of the commit log.', [
    [where, appended - minPosition],
  ]);
  text.gauge('rocketmq_storage_flush_behind_bytes', 'Bytes that are not durable yet.', [
    [where, appended - durable],
  ]);
  text.gauge('rocketmq_storage_dispatch_behind_bytes', 'Bytes whose queue entries are missing.', [
    [where, appended - (store.gate.waits ? durable : written)],
  ]);
  const record = store.readRecord(minPosition);
  const first = record === undefined ? clock.now() : new StoredMessage(record).storeTimestamp;
  text.gauge('rocketmq_storage_message_reserve_time', 'Age of the oldest message, ms.', [
    [where, Math.max(0, clock.now() - first)],
  ]);
}
