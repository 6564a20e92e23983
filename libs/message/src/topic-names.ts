import { GroupNameError, TopicNameError } from './message.errors.js';

/** Topics that RocketMQ uses itself. Source: org.apache.rocketmq.common.topic.TopicValidator. */
export const SystemTopic = {
  /** The template from which topics are created on demand. */
  AUTO_CREATE: 'TBW102',
  SCHEDULE: 'SCHEDULE_TOPIC_XXXX',
  BENCHMARK: 'BenchmarkTest',
  TRANSACTION_HALF: 'RMQ_SYS_TRANS_HALF_TOPIC',
  TRANSACTION_OP: 'RMQ_SYS_TRANS_OP_HALF_TOPIC',
  TRANSACTION_GIVEN_UP: 'TRANS_CHECK_MAX_TIME_TOPIC',
  TRACE: 'RMQ_SYS_TRACE_TOPIC',
  SELF_TEST: 'SELF_TEST_TOPIC',
  OFFSET_MOVED: 'OFFSET_MOVED_EVENT',
  TIMER: 'rmq_sys_wheel_timer',
} as const;

/** The group under which the broker itself reads half messages. */
export const transactionGroup = 'CID_RMQ_SYS_TRANS';

const retryPrefix = '%RETRY%';
const deadLetterPrefix = '%DLQ%';
const systemPrefix = 'rmq_sys_';
const systemGroupPrefix = 'CID_RMQ_SYS_';

const maxTopicBytes = 127;
const maxOwnTopicBytes = 255;
const maxGroupLength = 120;
const maxGroupLengthAtClient = 255;

const systemTopics: ReadonlySet<string> = new Set([
  ...Object.values(SystemTopic),
  'CHECKPOINT_TOPIC',
]);

/** Topics to which clients may not send. */
const closedTopics: ReadonlySet<string> = new Set([
  SystemTopic.SCHEDULE,
  SystemTopic.TRANSACTION_HALF,
  SystemTopic.TRANSACTION_OP,
  SystemTopic.TRANSACTION_GIVEN_UP,
  SystemTopic.SELF_TEST,
  SystemTopic.OFFSET_MOVED,
]);

const systemGroups: ReadonlySet<string> = new Set([
  'TOOLS_CONSUMER',
  'FILTERSRV_CONSUMER',
  'SELF_TEST_C_GROUP',
  'CID_ONS-HTTP-PROXY',
  'CID_ONSAPI_PULL',
  'CID_ONSAPI_PERMISSION',
  'CID_ONSAPI_OWNER',
  transactionGroup,
]);

/** Where failed messages of a group wait for their next attempt. */
export function retryTopic(group: string): string {
  return retryPrefix + group;
}

/** Where messages of a group end that were tried too often. */
export function deadLetterTopic(group: string): string {
  return deadLetterPrefix + group;
}

export function isRetryTopic(topic: string): boolean {
  return topic.startsWith(retryPrefix);
}

export function isDeadLetterTopic(topic: string): boolean {
  return topic.startsWith(deadLetterPrefix);
}

/** The group of a retry or dead-letter topic, or undefined for other topics. */
export function groupOfTopic(topic: string): string | undefined {
  if (isRetryTopic(topic)) return topic.slice(retryPrefix.length);
  if (isDeadLetterTopic(topic)) return topic.slice(deadLetterPrefix.length);
  return undefined;
}

export function isSystemTopic(topic: string): boolean {
  return systemTopics.has(topic) || topic.startsWith(systemPrefix);
}

/** The names that RocketMQ has for topics of its own, on whichever broker. */
export function systemTopicNames(): string[] {
  return [...systemTopics];
}

/** A topic that only the broker itself writes. */
export function isClosedForClients(topic: string): boolean {
  return closedTopics.has(topic);
}

export function isSystemGroup(group: string): boolean {
  return systemGroups.has(group) || group.startsWith(systemGroupPrefix);
}

/** The groups that a broker knows from the start. */
export function systemGroupNames(): string[] {
  return [...systemGroups];
}

/** What is wrong with a topic name, as a sentence, or undefined. */
export function topicNameProblem(topic: string): string | undefined {
  if (topic.trim() === '') return 'The topic name is blank; give the topic a name.';
  const longest =
    isRetryTopic(topic) || isDeadLetterTopic(topic) ? maxOwnTopicBytes : maxTopicBytes;
  if (topic.length > longest) {
    return `The topic name has ${topic.length} characters; at most ${longest} are allowed.`;
  }
  return charactersProblem('topic', topic);
}

/** What is wrong with a group name, as a sentence, or undefined. */
export function groupNameProblem(group: string): string | undefined {
  if (group.trim() === '') return 'The group name is blank; give the group a name.';
  if (group.length > maxGroupLengthAtClient) {
    const length = group.length;
    return `The group name has ${length} characters; at most ${maxGroupLengthAtClient} are allowed.`;
  }
  return charactersProblem('group', group);
}

/** Throws `TopicNameError` unless the name is a legal topic name. */
export function checkTopic(topic: string): void {
  const problem = topicNameProblem(topic);
  if (problem !== undefined) throw new TopicNameError(problem, { details: { topic } });
}

/** Throws `GroupNameError` unless the name is a legal group name. */
export function checkGroup(group: string): void {
  const problem = groupNameProblem(group);
  if (problem !== undefined) throw new GroupNameError(problem, { details: { group } });
}

/** The longest group name that a broker accepts when it creates a group. */
export const maxBrokerGroupLength = maxGroupLength;

function charactersProblem(what: string, name: string): string | undefined {
  const found = /[^%|a-zA-Z0-9_-]/u.exec(name);
  if (found === null) return undefined;
  const character = JSON.stringify(found[0]);
  return (
    `The ${what} name ${JSON.stringify(name)} contains ${character}; only letters, digits and ` +
    'the characters % | _ - are allowed.'
  );
}
