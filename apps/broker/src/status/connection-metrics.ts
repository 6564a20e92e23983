import type { Exposition } from '@nestjs-rocketmq/foundation';
import { isSystemGroup } from '@nestjs-rocketmq/message';
import type { Member } from '../membership/consumer-group.js';
import type { Labels, MetricsParts, Sample } from './metrics-parts.js';

/** Who is connected, by language and version. */
export function addConnections(text: Exposition, { clients }: MetricsParts): void {
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

function clientLabels(member: Member): Labels {
  const { language, version } = member;
  return { language: language.toLowerCase(), version: String(version), protocol_type: 'remoting' };
}

function counted(all: readonly Labels[]): Sample[] {
  const counts = new Map<string, Sample>();
  for (const labels of all) {
    const key = JSON.stringify(labels);
    const sample = counts.get(key);
    if (sample === undefined) counts.set(key, [labels, 1]);
    else sample[1] += 1;
  }
  return [...counts.values()];
}
