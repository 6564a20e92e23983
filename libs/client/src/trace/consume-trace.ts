import { PropertyName, type StoredMessage } from '@nestjs-rocketmq/message';
import type { ClientInstance } from '../client-instance.js';
import type {
  ConsumeCall,
  ConsumeHook,
  ConsumeHooks,
  ConsumeOutcome,
  ConsumeReturn,
} from '../consumer/consume-hooks.js';
import { TraceDispatcher, type TraceSettings } from './trace-dispatcher.js';
import type { ConsumeReturnType } from './trace-record.js';

const returnTypes: Readonly<Record<ConsumeReturn, ConsumeReturnType>> = {
  success: 'SUCCESS',
  'timed-out': 'TIME_OUT',
  threw: 'EXCEPTION',
  'no-answer': 'RETURNNULL',
  failed: 'FAILED',
};

/** What the records of one call have in common. */
interface TracedCall {
  readonly requestId: string;
  readonly messages: readonly StoredMessage[];
}

/** Tells a dispatcher when listener calls begin and how they end. */
export class ConsumeTrace implements ConsumeHook {
  readonly name = 'trace';
  private readonly calls = new WeakMap<ConsumeCall, TracedCall>();

  constructor(
    private readonly traces: TraceDispatcher,
    private readonly newId: () => string,
  ) {}

  before(call: ConsumeCall): void {
    const messages = call.messages.filter((one) => this.isWanted(one));
    if (messages.length === 0) return;
    const requestId = this.newId();
    this.calls.set(call, { requestId, messages });
    for (const message of messages) {
      this.traces.append({
        kind: 'SubBefore',
        timestamp: call.startedAt,
        // Brokers of 4.x tell it with a send only.
        regionId: message.property(PropertyName.MSG_REGION) ?? '',
        group: call.group,
        requestId,
        msgId: message.msgId,
        retryTimes: message.reconsumeTimes,
        keys: message.property(PropertyName.KEYS),
      });
    }
  }

  after(call: ConsumeCall, { ended, isSuccess, elapsed }: ConsumeOutcome): void {
    const traced = this.calls.get(call);
    if (traced === undefined) return;
    const timestamp = this.traces.now();
    for (const message of traced.messages) {
      this.traces.append({
        kind: 'SubAfter',
        requestId: traced.requestId,
        msgId: message.msgId,
        costTime: Math.floor(elapsed / call.messages.length),
        success: isSuccess,
        keys: message.property(PropertyName.KEYS),
        returnType: returnTypes[ended],
        timestamp,
        group: call.group,
      });
    }
  }

  /** Brokers say with the message whether it is to be traced. */
  private isWanted(message: StoredMessage): boolean {
    if (this.traces.isTraceTopic(message.topic)) return false;
    return message.property(PropertyName.TRACE_SWITCH) !== 'false';
  }
}

/** The dispatcher of a consumer with these options, hooked in; undefined when it does not trace. */
export function consumeTracesOf(
  instance: ClientInstance,
  settings: TraceSettings & { readonly enableTrace: boolean },
  hooks: ConsumeHooks,
): TraceDispatcher | undefined {
  if (!settings.enableTrace) return undefined;
  const traces = new TraceDispatcher(instance, settings, 'CONSUME');
  hooks.add(new ConsumeTrace(traces, () => instance.uniqueKeys.next()));
  return traces;
}
