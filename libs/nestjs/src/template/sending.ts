import type { OutgoingMessage } from '@nestjs-rocketmq/message';
import type { PortSendOptions, ProducerPort } from '../client-port.js';
import { TimerRefusedError } from '../nestjs.errors.js';
import { MessageComposer } from './message-composer.js';
import { throughInterceptors, type OutgoingKind } from './outgoing-interceptor.js';
import { optionNames, readSendOptions, type SendValues } from './send-option-table.js';
import type { TemplateBackend } from './template-backend.js';

/** A message ready to leave, and how. */
export interface Prepared {
  readonly message: OutgoingMessage;
  readonly payload: unknown;
}

/** What the methods of a template have in common: options read, message composed, producer called. */
export class Sending {
  private composer: MessageComposer | undefined;

  constructor(private readonly backend: TemplateBackend) {}

  /** Throws `RocketMQSendError`. */
  read(call: string, options: object, names: ReadonlySet<string> = optionNames.send): SendValues {
    return readSendOptions(call, options, names);
  }

  prepare(destination: string, payload: unknown, values: SendValues): Prepared {
    return { message: this.compose().compose(destination, payload, values), payload };
  }

  /** One message. `send` is called with it as the interceptors left it. */
  async one<R>(
    kind: OutgoingKind,
    destination: string,
    payload: unknown,
    values: SendValues,
    send: (producer: ProducerPort, message: OutgoingMessage, port: PortSendOptions) => Promise<R>,
  ): Promise<R> {
    const prepared = this.prepare(destination, payload, values);
    const port = this.compose().portOptions(destination, values);
    try {
      return await this.go(kind, [prepared], values, (producer, [message]) =>
        send(producer, message as OutgoingMessage, port),
      );
    } catch (error) {
      throw refusedTimer(prepared.message, error);
    }
  }

  /** Several messages of one call. */
  async many<R>(
    destination: string,
    prepared: readonly Prepared[],
    values: SendValues,
    send: (
      producer: ProducerPort,
      messages: readonly OutgoingMessage[],
      port: PortSendOptions,
    ) => Promise<R>,
  ): Promise<R> {
    const port = this.compose().portOptions(destination, values);
    return this.go('batch', prepared, values, (producer, messages) =>
      send(producer, messages, port),
    );
  }

  private async go<R>(
    kind: OutgoingKind,
    prepared: readonly Prepared[],
    { signal }: SendValues,
    send: (producer: ProducerPort, messages: readonly OutgoingMessage[]) => Promise<R>,
  ): Promise<R> {
    signal?.throwIfAborted();
    const { interceptors, connection } = this.backend;
    const run = async (messages: readonly OutgoingMessage[]): Promise<R> =>
      send(await this.backend.producer(), messages);
    const sent =
      interceptors.length === 0
        ? run(prepared.map(({ message }) => message))
        : throughInterceptors(interceptors, { kind, connection }, prepared, run);
    return signal === undefined ? sent : untilAborted(signal, sent);
  }

  private compose(): MessageComposer {
    const { converters, delayLevels, queueSelector } = this.backend;
    this.composer ??= new MessageComposer(converters, delayLevels, queueSelector);
    return this.composer;
  }
}

/** Rejects with the signal's reason when it fires first; nobody waits for `sent` then. */
async function untilAborted<R>(signal: AbortSignal, sent: Promise<R>): Promise<R> {
  let stop: () => void = () => undefined;
  const aborted = new Promise<never>((_, reject) => {
    stop = () => reject(signal.reason as Error);
  });
  signal.addEventListener('abort', stop, { once: true });
  if (signal.aborted) stop();
  try {
    return await Promise.race([sent, aborted]);
  } finally {
    signal.removeEventListener('abort', stop);
  }
}

/** A broker that has no timers, or none so long, says so in its own words; ours say what to do. */
function refusedTimer(message: OutgoingMessage, error: unknown): unknown {
  const isTimer = message.delayMs !== undefined || message.deliverAt !== undefined;
  const { responseCode, remark } = (error ?? {}) as { responseCode?: number; remark?: string };
  if (!isTimer || responseCode === undefined) return error;
  return new TimerRefusedError(
    `The broker did not take the timer message to '${message.topic}' (response code ` +
      `${responseCode}${remark === undefined || remark === '' ? '' : `: ${remark}`}). Exact delays, ` +
      'deliverAt and delays beyond the longest level need a broker of Apache RocketMQ 5.x with ' +
      'timerWheelEnable=true, and at most its timerMaxDelaySec; delay levels work everywhere.',
    { cause: error, details: { topic: message.topic, responseCode } },
  );
}
