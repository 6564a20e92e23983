import { PropertyName, StoredMessage, type OutgoingMessage } from '@nestjs-rocketmq/message';
import type { ClientInstance } from '../client-instance.js';
import type { ProducerSettings } from '../producer/producer-options.js';
import type {
  DecisionContext,
  RecallContext,
  SendContext,
  SendHook,
  SendHooks,
  SendOutcome,
} from '../producer/send-hooks.js';
import type { SendResult } from '../producer/send-result.js';
import { TraceDispatcher } from './trace-dispatcher.js';
import type { PubTrace, TracedMessageType, TracedTransactionState } from './trace-record.js';

/** What Java writes where no broker told its region. */
const defaultRegion = 'DefaultRegion';

const typeNames: Readonly<Record<SendContext['type'], TracedMessageType>> = {
  normal: 'Normal_Msg',
  reply: 'Normal_Msg',
  delayed: 'Delay_Msg',
  half: 'Trans_Msg_Half',
};

const stateNames: Readonly<Record<DecisionContext['verdict'], TracedTransactionState>> = {
  COMMIT: 'COMMIT_MESSAGE',
  ROLLBACK: 'ROLLBACK_MESSAGE',
  UNKNOWN: 'UNKNOW',
};

/** Keys of either kind of message, as they stand in its property. */
function keysOf({ keys }: OutgoingMessage | StoredMessage): string | undefined {
  if (keys === undefined || typeof keys === 'string') return keys;
  return keys.length === 0 ? undefined : keys.join(' ');
}

/** Tells a dispatcher of answered sends, and of verdicts about transactions. */
export class SendTrace implements SendHook {
  constructor(private readonly traces: TraceDispatcher) {}

  afterSend(context: SendContext, { result, elapsed }: SendOutcome): void {
    const { queue, isBatch } = context;
    if (result === undefined || this.traces.isTraceTopic(queue.topic)) return;
    const { regionId, traceOn } = result;
    if (regionId === undefined || traceOn === false) return;
    const all = this.common(context, result, { regionId, elapsed });
    if (!isBatch) {
      const [message] = context.messages;
      const { offsetMsgId } = result;
      return this.traces.append({ ...all, ...told(message), offsetMsgId, msgId: context.msgId });
    }
    // A record for each, so that each is found by its own id; Java writes one with all ids joined.
    const ids = result.msgId.split(',');
    const places = result.offsetMsgId.split(',');
    for (const [at, message] of context.messages.entries()) {
      const bodyLength = message.body.length;
      const found = { msgId: ids[at] ?? '', offsetMsgId: places[at], bodyLength };
      this.traces.append({ ...all, ...told(message), ...found });
    }
  }

  afterDecision(context: DecisionContext): void {
    const { message, group, msgId, transactionId, verdict, isCheck, address } = context;
    if (this.traces.isTraceTopic(message.topic)) return;
    const region =
      message instanceof StoredMessage ? message.property(PropertyName.MSG_REGION) : undefined;
    this.traces.append({
      kind: 'EndTransaction',
      timestamp: this.traces.now(),
      regionId: region === undefined || region === '' ? defaultRegion : region,
      group,
      topic: message.topic,
      msgId,
      ...told(message),
      storeHost: address,
      messageType: 'Trans_msg_Commit',
      transactionId,
      state: stateNames[verdict],
      fromTransactionCheck: isCheck,
    });
  }

  /** Java writes this only when a system property says so. */
  afterRecall({ group, topic, msgId, isRecalled: success }: RecallContext): void {
    const timestamp = this.traces.now();
    const regionId = defaultRegion;
    this.traces.append({ kind: 'Recall', timestamp, regionId, group, topic, msgId, success });
  }

  private common(
    context: SendContext,
    result: SendResult,
    known: { readonly regionId: string; readonly elapsed: number },
  ): Omit<PubTrace, 'msgId' | 'tags' | 'keys' | 'offsetMsgId'> {
    return {
      kind: 'Pub',
      timestamp: context.startedAt,
      regionId: known.regionId,
      group: context.group,
      topic: context.queue.topic,
      storeHost: context.address,
      bodyLength: context.bodyLength,
      costTime: Math.round(known.elapsed),
      messageType: typeNames[context.type],
      success: result.status === 'SEND_OK',
    };
  }
}

function told(message: OutgoingMessage | StoredMessage | undefined) {
  if (message === undefined) return { tags: undefined, keys: undefined };
  return { tags: message.tags, keys: keysOf(message) };
}

/** The dispatcher of a producer with these options, hooked in; undefined when it does not trace. */
export function sendTracesOf(
  instance: ClientInstance,
  settings: Pick<ProducerSettings, 'group' | 'enableTrace' | 'traceTopic' | 'traceMsgBatchNum'>,
  hooks: SendHooks,
): TraceDispatcher | undefined {
  if (!settings.enableTrace) return undefined;
  const traces = new TraceDispatcher(instance, settings, 'PRODUCE');
  hooks.add(new SendTrace(traces));
  return traces;
}
