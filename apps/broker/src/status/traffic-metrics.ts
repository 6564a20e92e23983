import type { Exposition, Histogram } from '@nestjs-rocketmq/foundation';
import { isRetryTopic, isSystemGroup } from '@nestjs-rocketmq/message';
import type { Figures } from '../admin/figures.js';
import type { Labels, MetricsParts, Sample } from './metrics-parts.js';

/** Messages and bytes in and out, and how long topics and groups took to create. */
export function addTraffic(text: Exposition, { topics, figures }: MetricsParts): void {
  const puts: Sample[] = [];
  const putBytes: Sample[] = [];
  const sizes: [Labels, Histogram][] = [];
  for (const { name, isSystem, traffic } of topics.all()) {
    for (const [type, typed] of traffic?.all() ?? []) {
      const labels = { topic: name, message_type: type, is_system: String(isSystem) };
      puts.push([labels, typed.messages]);
      putBytes.push([labels, typed.bytes]);
      sizes.push([labels, typed.sizes]);
    }
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
      .map(([status, times]): [Labels, Histogram] => [{ invocation_status: status }, times]);
  const topic = 'rocketmq_topic_create_execution_time_milliseconds';
  text.histogram(topic, 'Time to create or change a topic.', samples(creations.topic));
  const group = 'rocketmq_consumer_group_create_execution_time_milliseconds';
  text.histogram(group, 'Time to create or change a group.', samples(creations.group));
}

/** How long requests took, by command, answer and whether they were held. */
export function addLatencies(text: Exposition, { latencies }: MetricsParts): void {
  if (latencies === undefined) return;
  const name = 'rocketmq_rpc_latency_milliseconds';
  const samples = [...latencies.all()].map((series): [Labels, Histogram] => [
    series.labels,
    series,
  ]);
  text.histogram(name, 'Time from request to answer.', samples);
}
