import { ResponseCode, ResponseError, type ConsumerData } from '@nestjs-rocketmq/protocol';
import type { ConsumerMember } from '../broker-requests.js';
import type { ConsumerGroup } from './group-state.js';
import { Inspection } from './inspection.js';

/** A consumer that asks for its messages itself, as its instance knows it. */
export function activeMember(
  state: ConsumerGroup,
  own: Pick<ConsumerMember, 'membersChanged' | 'resetOffsets'>,
  inspection = activeInspection(state, {}),
): ConsumerMember {
  return {
    ...own,
    group: state.group,
    status: (topic) => inspection.status(topic),
    runningInfo: (jstack) => inspection.runningInfo(jstack),
    data: () => heartbeatData(state),
    consumeDirectly: () => {
      const remark = `The consumer group <${state.group}> has no listener: it asks for its messages`;
      return Promise.reject(new ResponseError(ResponseCode.SYSTEM_ERROR, remark));
    },
  };
}

/** What is told of such a consumer; `options`: under Java's names. */
export function activeInspection(
  state: ConsumerGroup,
  options: Readonly<Record<string, unknown>>,
): Inspection {
  const properties = Object.fromEntries(
    Object.entries(options).map(([name, value]) => [name, String(value)]),
  );
  return new Inspection(state, {
    consumeType: 'CONSUME_ACTIVELY',
    properties: () => properties,
    running: () => [],
  });
}

function heartbeatData(state: ConsumerGroup): ConsumerData {
  return {
    groupName: state.group,
    consumeType: 'CONSUME_ACTIVELY',
    messageModel: state.isClustering ? 'CLUSTERING' : 'BROADCASTING',
    // As Java's pull consumers always say, wherever they begin.
    consumeFromWhere: 'CONSUME_FROM_LAST_OFFSET',
    subscriptionDataSet: [...state.subscriptions.values()].map((one) => one.data),
    unitMode: state.instance.unitMode,
  };
}
