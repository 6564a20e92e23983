import type { Exposition, Histogram } from '@nestjs-rocketmq/foundation';
import { StoredMessage } from '@nestjs-rocketmq/message';
import type { Labels, MetricsParts, Sample } from './metrics-parts.js';

/** What may be done here, who waits, how much there is. */
export function addStats(text: Exposition, parts: MetricsParts): void {
  const { config, topics, groups, arrivals } = parts;
  const { brokerPermission } = config;
  text.gauge('rocketmq_broker_permission', 'What may be done here: 4 read, 2 write.', [
    [{}, brokerPermission],
  ]);
  text.gauge('rocketmq_topic_number', 'Topics.', [[{}, topics.size]]);
  text.gauge('rocketmq_consumer_group_number', 'Consumer groups.', [[{}, groups.names().length]]);
  text.gauge('rocketmq_processor_watermark', 'Requests that wait.', [
    [{ processor: 'pull' }, arrivals.size],
  ]);
}

/** What became of transactions. */
export function addTransactions(text: Exposition, { halves, figures }: MetricsParts): void {
  const commits: Sample[] = [];
  const rollbacks: Sample[] = [];
  const latencies: [Labels, Histogram][] = [];
  for (const [topic, decided] of figures.transactions.all()) {
    if (decided.commits > 0) commits.push([{ topic }, decided.commits]);
    if (decided.rollbacks > 0) rollbacks.push([{ topic }, decided.rollbacks]);
    if (decided.commits > 0) latencies.push([{ topic }, decided.latency]);
  }
  text.counter('rocketmq_commit_messages_total', 'Transactions committed.', commits);
  text.counter('rocketmq_rollback_messages_total', 'Transactions rolled back.', rollbacks);
  // Apache's values are seconds, whatever the name says.
  const latency = 'rocketmq_finish_message_latency_milliseconds';
  text.histogram(latency, 'Half message to commit, in seconds.', latencies);
  const open = [...halves.openByTopic()].map(([topic, count]): Sample => [{ topic }, count]);
  text.gauge('rocketmq_half_messages', 'Half messages that nobody decided.', open);
}

/** What lies in the store and what is still to be done with it. */
export function addStore(text: Exposition, { store, clock }: MetricsParts): void {
  const { appended, minPosition, durable, written } = store.figures();
  const where = { storage_type: 'local', storage_medium: 'disk' };
  text.gauge('rocketmq_storage_size_bytes', 'Size of the commit log.', [
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
  text.gauge('rocketmq_storage_message_reserve_time_milliseconds', 'Age of the oldest message.', [
    [where, Math.max(0, clock.now() - first)],
  ]);
}
