import type { Problems } from '../options/problems.js';
import { describeSubscriptions, type ListenerPlan } from './listener-plan.js';

/** Checks that need all listeners of the application at once. */
export function checkTogether(plans: readonly ListenerPlan[], problems: Problems): void {
  checkIds(plans, problems);
  checkGroups(
    plans.filter((plan) => plan.enabled),
    problems,
  );
}

function checkIds(plans: readonly ListenerPlan[], problems: Problems): void {
  const byId = new Map<string, ListenerPlan>();
  for (const plan of plans) {
    const other = byId.get(plan.id);
    if (other === undefined) byId.set(plan.id, plan);
    else {
      problems.add(
        'ROCKETMQ_LISTENER_ID_TWICE',
        `${other.found.name} and ${plan.found.name} (@RocketMQListener) both have the id ` +
          `'${plan.id}'; ids are unique in an application`,
      );
    }
  }
}

/**
 * A broker keeps one subscription per group. Two members that disagree overwrite each other's again
 * and again, and messages get lost; so one group is one listener.
 */
function checkGroups(plans: readonly ListenerPlan[], problems: Problems): void {
  const byGroup = new Map<string, ListenerPlan>();
  for (const plan of plans) {
    const key = `${plan.connection.cluster}|${plan.group}`;
    const other = byGroup.get(key);
    if (other === undefined) {
      byGroup.set(key, plan);
      continue;
    }
    const [a, b] = [other, plan].map(({ subscriptions }) => describeSubscriptions(subscriptions));
    const both =
      `${other.found.name} and ${plan.found.name} (@RocketMQListener) are both in ` +
      `group '${plan.group}'`;
    if (a === b) {
      problems.add(
        'ROCKETMQ_GROUP_TWICE',
        `${both}, so each message would reach only one of them, at random; give one of them a ` +
          `group of its own, or raise 'concurrency' of a single listener`,
      );
    } else {
      problems.add(
        'ROCKETMQ_SUBSCRIPTIONS_DIFFER',
        `${both} but subscribe differently (${a} against ${b}), and a group has one ` +
          'subscription: messages would get lost; give one of them a group of its own, or make one ' +
          'listener with topic: { ... } for all of them',
      );
    }
  }
}
