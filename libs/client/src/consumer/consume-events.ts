import { tracingChannel } from 'node:diagnostics_channel';
import type { MessageQueue, StoredMessage } from '@nestjs-rocketmq/message';
import { clientChannels, type EndOfOperation } from '../diagnostics.js';
import type { MessageListener, ConsumeVerdicts } from './consumer-options.js';

/** A listener is called. */
export interface ConsumeEvent extends EndOfOperation<ConsumeVerdicts> {
  readonly group: string;
  readonly queue: MessageQueue;
  readonly messages: readonly StoredMessage[];
}

export const consumes = tracingChannel<object, ConsumeEvent>(clientChannels.consume);

/** The same listener, whose calls are told of. */
export function shownListener(listener: MessageListener, group: string): MessageListener {
  return (messages, context) => {
    if (!consumes.hasSubscribers) return listener(messages, context);
    const call = async (): Promise<ConsumeVerdicts> => listener(messages, context);
    return consumes.tracePromise(call, { group, queue: context.queue, messages });
  };
}
