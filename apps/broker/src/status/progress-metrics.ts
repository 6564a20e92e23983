import type { Exposition } from '@nestjs-rocketmq/foundation';
import { isRetryTopic, isSystemGroup } from '@nestjs-rocketmq/message';
import type { ConsumeQueue } from '@nestjs-rocketmq/store';
import type { Topic } from '../topics/topic.js';
import type { MetricsParts, Sample } from './metrics-parts.js';

/** Where a group stands in all queues of a topic. */
interface Progress {
  /** Messages behind what the group has acknowledged, and the store time of the first of them. */
  lag: number;
  oldestOfLag: number;
  /** Messages that it pulled and has not acknowledged. */
  inflight: number;
  /** Messages that it has not pulled yet, and the store time of the first of them. */
  ready: number;
  oldestReady: number;
}

/** How far groups are behind, and what they gave up. */
export function addProgress(text: Exposition, parts: MetricsParts): void {
  const { clock, figures } = parts;
  const lag: Sample[] = [];
  const lagLatency: Sample[] = [];
  const inflight: Sample[] = [];
  const ready: Sample[] = [];
  const queueing: Sample[] = [];
  const age = (oldest: number): number =>
    Number.isFinite(oldest) ? Math.max(0, clock.now() - oldest) : 0;
  for (const [group, topic] of consumed(parts)) {
    const labels = {
      consumer_group: group,
      topic: topic.name,
      is_retry: String(isRetryTopic(topic.name)),
      is_system: String(topic.isSystem || isSystemGroup(group)),
    };
    const progress = progressOf(parts, group, topic.name);
    lag.push([labels, progress.lag]);
    lagLatency.push([labels, age(progress.oldestOfLag)]);
    inflight.push([labels, progress.inflight]);
    ready.push([labels, progress.ready]);
    queueing.push([labels, age(progress.oldestReady)]);
  }
  const name = (what: string): string => `rocketmq_consumer_${what}`;
  text.gauge(name('lag_messages'), 'Messages not acknowledged yet.', lag);
  text.gauge(name('lag_latency_milliseconds'), 'Age of the oldest of them.', lagLatency);
  text.gauge(name('inflight_messages'), 'Messages pulled and not acknowledged yet.', inflight);
  text.gauge(name('ready_messages'), 'Messages not pulled yet.', ready);
  text.gauge(name('queueing_latency_milliseconds'), 'Age of the oldest of them.', queueing);
  const dead = figures.deadByGroup().map(({ group, topic, messages }): Sample => {
    const isSystem = parts.topics.get(topic)?.isSystem === true || isSystemGroup(group);
    return [{ consumer_group: group, topic, is_system: String(isSystem) }, messages];
  });
  text.counter('rocketmq_send_to_dlq_messages_total', 'Messages given up.', dead);
}

/** Groups with the topics that they have offsets for, or listen to. */
function* consumed({ groups, offsets, clients, topics }: MetricsParts): Generator<[string, Topic]> {
  for (const group of groups.names()) {
    const heard = clients.consumerGroup(group)?.subscriptions() ?? [];
    const names = new Set([...offsets.topicsOf(group), ...heard.map(({ topic }) => topic)]);
    for (const name of names) {
      const topic = topics.get(name);
      if (topic !== undefined) yield [group, topic];
    }
  }
}

function progressOf(parts: MetricsParts, group: string, topic: string): Progress {
  const { store, offsets, figures } = parts;
  const none = Number.POSITIVE_INFINITY;
  const progress = { lag: 0, oldestOfLag: none, inflight: 0, ready: 0, oldestReady: none };
  const timeAt = (queue: ConsumeQueue, from: number): number =>
    from < queue.visible ? (store.storeTimeAt(queue, from) ?? none) : none;
  for (const queue of store.queuesOf(topic)) {
    const { queueId, min, visible } = queue;
    const inside = (offset: number): number => Math.min(Math.max(offset, min), visible);
    const committed = offsets.offsetOf(group, topic, queueId);
    const pulled = figures.pulledTo(group, topic, queueId);
    // Nobody knows where a group begins that has said nothing about a queue; it misses nothing yet.
    const consumedTo = inside(committed ?? visible);
    const pulledTo = inside(pulled ?? committed ?? visible);
    progress.lag += visible - consumedTo;
    progress.oldestOfLag = Math.min(progress.oldestOfLag, timeAt(queue, consumedTo));
    progress.inflight += Math.max(0, pulledTo - inside(committed ?? pulledTo));
    progress.ready += visible - pulledTo;
    progress.oldestReady = Math.min(progress.oldestReady, timeAt(queue, pulledTo));
  }
  return progress;
}
