import { messageOf } from '@nestjs-rocketmq/foundation';
import type { StoredMessage } from '@nestjs-rocketmq/message';
import type { ConsumeMessageDirectlyResult } from '@nestjs-rocketmq/protocol';
import { AssignedQueue } from './assigned-queue.js';
import { showOriginalTopic, type GroupState } from './group-state.js';
import { ListenerCall } from './listener-call.js';

/** Runs the listener for one message, outside of all queues; offsets do not move. */
export async function consumeDirectly(
  state: GroupState,
  message: StoredMessage,
  brokerName: string,
): Promise<ConsumeMessageDirectlyResult> {
  const { topic, queueId, queueOffset, reconsumeTimes, storeSize: bytes } = message;
  const queue = { topic, queueId, brokerName };
  showOriginalTopic(message, state.group);
  const held = { message, offset: queueOffset, bytes, reconsumeTimes, isDone: false };
  const started = state.clock.monotonic();
  const call = new ListenerCall(new AssignedQueue(queue, queueOffset), [held], started);
  const { verdict, error } = await call.run(state.listener);
  const only = Array.isArray(verdict) ? verdict[0] : verdict;
  const isGood = only.kind === 'success' && call.ackIndex >= 0;
  return {
    order: state.isOrderly,
    autoCommit: true,
    consumeResult: error !== undefined ? 'CR_THROW_EXCEPTION' : isGood ? 'CR_SUCCESS' : 'CR_LATER',
    remark: error === undefined ? undefined : messageOf(error),
    spentTimeMills: Math.round(state.clock.monotonic() - started),
  };
}
