import type { Problems } from '../options/problems.js';
import type { RocketMQConnection } from '../rocketmq.connections.js';
import { decoratorOf } from './rocketmq.explorer.js';
import { describeSubscriptions, type GroupPlan, type ListenerPlan } from './listener-plan.js';

/**
 * Checks that need all listeners of the application at once, and the pull consumers of its
 * `connections`.
 */
export function checkTogether(
  plans: readonly ListenerPlan[],
  connections: readonly RocketMQConnection[],
  problems: Problems,
): void {
  checkIds(plans, problems);
  const enabled = plans.filter((plan) => plan.enabled);
  checkGroups(enabled, problems);
  checkPullGroups(enabled, connections, problems);
}

function nameOf({ found, name }: ListenerPlan): string {
  return found === undefined ? `'${name}' (added at run time)` : name;
}

/** The name, with the decorator that made it. */
export function described(plan: ListenerPlan): string {
  const { found } = plan;
  return found === undefined ? nameOf(plan) : `${nameOf(plan)} (${decoratorOf(found)})`;
}

/** Both names, with what made them. */
function namesOf(a: ListenerPlan, b: ListenerPlan): string {
  const mark = ({ found }: ListenerPlan): string =>
    found === undefined ? '' : ` (${decoratorOf(found)})`;
  // Said once where it is the same for both.
  const ofFirst = mark(a) === mark(b) ? '' : mark(a);
  return `${nameOf(a)}${ofFirst} and ${nameOf(b)}${mark(b)}`;
}

function checkIds(plans: readonly ListenerPlan[], problems: Problems): void {
  const byId = new Map<string, ListenerPlan>();
  for (const plan of plans) {
    const other = byId.get(plan.id);
    if (other === undefined) byId.set(plan.id, plan);
    else {
      problems.add(
        'ROCKETMQ_LISTENER_ID_TWICE',
        `${namesOf(other, plan)} both have the id ` +
          `'${plan.id}'; ids are unique in an application`,
      );
    }
  }
}

/** The same for two groups that are one to the servers. */
export function groupKey({ cluster, settings }: RocketMQConnection, group: string): string {
  const { namespace = '', namespaceV2 = '' } = settings.client;
  return [cluster, namespace, namespaceV2, group].join('|');
}

/**
 * A broker keeps one subscription per group. Two members that disagree overwrite each other's again
 * and again, and messages get lost; so the listeners of one group share one consumer, each with
 * topics of its own, and agree on everything else.
 */
function checkGroups(plans: readonly ListenerPlan[], problems: Problems): void {
  const groups = new Map<string, ListenerPlan[]>();
  for (const plan of plans) {
    const key = groupKey(plan.connection, plan.group);
    const members = groups.get(key) ?? [];
    const problem = members.map((other) => conflict(other, plan)).find((found) => found);
    if (problem === undefined) groups.set(key, [...members, plan]);
    else problems.add(...problem);
  }
}

/** A pull consumer and a listener of one group would take messages and offsets from each other. */
function checkPullGroups(
  plans: readonly ListenerPlan[],
  connections: readonly RocketMQConnection[],
  problems: Problems,
): void {
  for (const connection of connections) {
    for (const { name, group } of connection.pulls.all) {
      const key = groupKey(connection, group);
      const plan = plans.find((one) => groupKey(one.connection, one.group) === key);
      if (plan === undefined) continue;
      problems.add(
        'ROCKETMQ_GROUP_TWICE',
        `${described(plan)} and the pull consumer '${name}' of connection ` +
          `'${connection.settings.name}' are both in group '${group}', so each message would reach ` +
          `only one of them, at random; give the listener or pullConsumers: { '${name}': { group } } ` +
          'a group of its own',
      );
    }
  }
}

type Conflict = Parameters<Problems['add']>;

function conflict(other: ListenerPlan, plan: ListenerPlan): Conflict | undefined {
  const isAdded = other.found === undefined || plan.found === undefined;
  const both = `${namesOf(other, plan)} are both in group '${plan.group}'`;
  const [a, b] = [other, plan].map(({ subscriptions }) => describeSubscriptions(subscriptions));
  const isOnOne = other.connection === plan.connection;
  const shared = plan.subscriptions.filter(({ topic }) =>
    other.subscriptions.some((one) => one.topic === topic),
  );
  if (
    a === b ||
    (isOnOne &&
      isSame(
        other,
        plan,
        shared.map(({ topic }) => topic),
      ))
  ) {
    return [
      'ROCKETMQ_GROUP_TWICE',
      `${both} and want ${describeSubscriptions(shared.length > 0 ? shared : plan.subscriptions)}, ` +
        'so each message would reach only one of them, at random; give one of them a group of its ' +
        `own, or raise 'concurrency' of a single listener`,
    ];
  }
  if (shared.length > 0 || !isOnOne || isAdded) {
    return [
      'ROCKETMQ_SUBSCRIPTIONS_DIFFER',
      `${both} but subscribe differently (${a} against ${b}), and a group has one ` +
        'subscription: messages would get lost; give one of them a group of its own, or topics that ' +
        'the other has not, on the same connection',
    ];
  }
  const name = sharedNames.find((one) => !isEqual(other[one], plan[one]));
  if (name === undefined) return undefined;
  const shown = name === 'passedOn' ? passedOnDifference(other, plan) : name;
  return [
    'ROCKETMQ_GROUP_OPTIONS_DIFFER',
    `${both} and so share one consumer, but differ in '${shown}'; write the same for both, put it ` +
      'into consumer of the module options, or give one of them a group of its own',
  ];
}

/** Whether they want the same of every topic that both have, and have one. */
function isSame(other: ListenerPlan, plan: ListenerPlan, topics: readonly string[]): boolean {
  const of = ({ subscriptions }: ListenerPlan): string =>
    describeSubscriptions(subscriptions.filter(({ topic }) => topics.includes(topic)));
  return topics.length > 0 && of(other) === of(plan);
}

const sharedNames: readonly (keyof GroupPlan)[] = [
  'mode',
  'model',
  'from',
  'concurrency',
  'batch',
  'batchWait',
  'pullBatchSize',
  'maxReconsumeTimes',
  'consumeTimeout',
  'shutdownTimeout',
  'offsetDirectory',
  'autoStart',
  'passedOn',
  'configure',
];

function passedOnDifference(a: ListenerPlan, b: ListenerPlan): string {
  const [first, second] = [a.passedOn, b.passedOn] as Record<string, unknown>[];
  const names = Object.keys({ ...first, ...second });
  const name = names.find((one) => !isEqual(first?.[one], second?.[one])) ?? 'passedOn';
  return ['enableTrace', 'traceTopic'].includes(name) ? 'trace' : name;
}

function isEqual(a: unknown, b: unknown): boolean {
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return a === b;
  const names = Object.keys({ ...a, ...b });
  return names.every((name) =>
    isEqual((a as Record<string, unknown>)[name], (b as Record<string, unknown>)[name]),
  );
}
