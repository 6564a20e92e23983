import { messageOf } from '@nestjs-rocketmq/foundation';
import type { StoredMessage } from '@nestjs-rocketmq/message';
import type { ConsumeMessageDirectlyResult } from '@nestjs-rocketmq/protocol';
import { AssignedQueue } from './assigned-queue.js';
import { showOriginalTopic, type GroupState } from './group-state.js';
import { isGoodAnswer } from './call-watch.js';
import { ListenerCall, type CallOutcome } from './listener-call.js';

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
  const outcome = await call.run(state.listener);
  return {
    order: state.isOrderly,
    autoCommit: !state.isOrderly || call.autoCommit,
    consumeResult: resultOf(state, call, outcome),
    remark: outcome.error === undefined ? undefined : messageOf(outcome.error),
    spentTimeMills: Math.round(state.clock.monotonic() - started),
  };
}

function resultOf(
  state: GroupState,
  call: ListenerCall,
  outcome: CallOutcome,
): ConsumeMessageDirectlyResult['consumeResult'] {
  if (outcome.fault === 'no-answer') return 'CR_RETURN_NULL';
  if (outcome.fault !== undefined) return 'CR_THROW_EXCEPTION';
  const [only] = Array.isArray(outcome.verdict) ? outcome.verdict : [outcome.verdict];
  if (state.isOrderly && only.kind === 'commit') return 'CR_COMMIT';
  if (state.isOrderly && only.kind === 'rollback') return 'CR_ROLLBACK';
  return isGoodAnswer(call, outcome) ? 'CR_SUCCESS' : 'CR_LATER';
}
