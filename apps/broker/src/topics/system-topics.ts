import { SystemTopic } from '@nestjs-rocketmq/message';
import { Permission, type TopicConfig } from '@nestjs-rocketmq/protocol';
import { readAndWrite } from './permissions.js';
import { newTopic } from './topic.js';

export interface SystemTopicOptions {
  readonly brokerName: string;
  readonly brokerClusterName: string;
  readonly autoCreateTopicEnable: boolean;
  readonly clusterTopicEnable: boolean;
  readonly brokerTopicEnable: boolean;
  readonly defaultTopicQueueNums: number;
  readonly traceTopicEnable: boolean;
  readonly msgTraceTopicName: string;
  readonly delayLevels: number;
}

/**
 * The topics that a broker has from its start (Apache's `TopicConfigManager`). Those of rooms not
 * built here (timers, pop, replication) are named too, so that tools and Java see a whole broker.
 */
export function systemTopics(options: SystemTopicOptions): TopicConfig[] {
  const { brokerName, brokerClusterName } = options;
  const inherited = readAndWrite | Permission.inherit;
  const topics = [
    newTopic(SystemTopic.SELF_TEST, 1, readAndWrite),
    newTopic(SystemTopic.BENCHMARK, 1024, readAndWrite),
    newTopic(brokerClusterName, 16, options.clusterTopicEnable ? inherited : Permission.inherit),
    newTopic(brokerName, 1, options.brokerTopicEnable ? inherited : Permission.inherit),
    newTopic(SystemTopic.OFFSET_MOVED, 1, readAndWrite),
    newTopic(SystemTopic.SCHEDULE, Math.max(18, options.delayLevels), readAndWrite),
    newTopic(`${brokerClusterName}_REPLY_TOPIC`, 1, readAndWrite),
    newTopic(`rmq_sys_REVIVE_LOG_${brokerClusterName}`, 8, readAndWrite),
    newTopic(`rmq_sys_SYNC_BROKER_MEMBER_${brokerName}`, 1, Permission.inherit),
    newTopic(SystemTopic.TRANSACTION_HALF, 1, readAndWrite),
    newTopic(SystemTopic.TRANSACTION_OP, 1, readAndWrite),
    newTopic(SystemTopic.TIMER, 1, readAndWrite),
  ];
  if (options.autoCreateTopicEnable) {
    topics.push(newTopic(SystemTopic.AUTO_CREATE, options.defaultTopicQueueNums, inherited));
  }
  if (options.traceTopicEnable) {
    topics.push(newTopic(options.msgTraceTopicName, 1, readAndWrite));
  }
  return topics;
}
