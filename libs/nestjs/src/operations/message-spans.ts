import type * as OpenTelemetry from '@opentelemetry/api';
import type { Link, Span, SpanContext, Tracer } from '@opentelemetry/api';
import { messageOf } from '@nestjs-rocketmq/foundation';
import type { MessageQueue, OutgoingMessage, StoredMessage } from '@nestjs-rocketmq/message';
import type { PortBatch, PortConsumeVerdict, SendResult } from '../client-port.js';
import type {
  ConsumeCall,
  Observer,
  PullCall,
  PullCommit,
  Receipt,
  SendCall,
  Verdicts,
} from './observer.js';
import type { TelemetryValues } from './operations-options.js';
import { loadPeer } from './peer.js';
import { readTraceParent, writeTraceParent } from './trace-parent.js';

type Api = typeof OpenTelemetry;
type Attributes = Record<string, string | number | boolean | string[]>;

/** Under this name the spans are made. */
const scope = 'nestjs-rocketmq';

/**
 * Spans of what is sent and handled, after OpenTelemetry's conventions for messaging. Rejects with
 * `RocketMQSetupError` when `@opentelemetry/api` is not installed.
 */
export async function openTelemetry(values: TelemetryValues): Promise<Observer> {
  const load = (): Promise<Api> => import('@opentelemetry/api');
  const api = await loadPeer('telemetry', '@opentelemetry/api', load);
  const provider = (values.tracerProvider ?? api.trace) as { getTracer(name: string): Tracer };
  return new MessageSpans(api, provider.getTracer(scope), values.propagate);
}

class MessageSpans implements Observer {
  constructor(
    private readonly api: Api,
    private readonly tracer: Tracer,
    private readonly propagates: boolean,
  ) {}

  async send<T>(
    call: SendCall,
    next: (messages: readonly OutgoingMessage[]) => Promise<T>,
  ): Promise<T> {
    const { api } = this;
    // A message that brings a context of its own (from an outbox, say) keeps it.
    const links = this.linksOf(call.messages);
    const span = this.tracer.startSpan(`send ${call.topic}`, {
      kind: api.SpanKind.PRODUCER,
      attributes: sendAttributes(call),
      links,
    });
    const context = api.trace.setSpan(api.context.active(), span);
    const messages = this.propagates
      ? call.messages.map((one) => this.carry(one, span))
      : call.messages;
    try {
      const result = await api.context.with(context, () => next(messages));
      const { msgId, queue } = (result ?? {}) as Partial<SendResult>;
      if (msgId !== undefined && call.kind !== 'batch')
        span.setAttribute('messaging.message.id', msgId);
      if (queue !== undefined) {
        span.setAttribute(
          'messaging.destination.partition.id',
          `${queue.brokerName}:${queue.queueId}`,
        );
      }
      return result;
    } catch (error) {
      this.fail(span, error);
      throw error;
    } finally {
      span.end();
    }
  }

  async consume(call: ConsumeCall, next: () => Promise<Verdicts>): Promise<Verdicts> {
    const { api } = this;
    const { messages, isBatch } = call;
    const single = isBatch ? undefined : messages[0];
    // Whatever context the loop happens to run in is none of the message's.
    const parent = single === undefined ? api.ROOT_CONTEXT : this.extract(single.properties);
    const attributes = {
      ...consumeAttributes(call),
      ...(single === undefined ? {} : messageAttributes(single)),
    };
    const span = this.tracer.startSpan(
      `process ${call.topic}`,
      {
        kind: api.SpanKind.CONSUMER,
        attributes,
        links: single === undefined ? this.linksOf(messages) : [],
      },
      parent,
    );
    try {
      const verdicts = await api.context.with(api.trace.setSpan(parent, span), next);
      this.conclude(span, verdicts);
      return verdicts;
    } finally {
      span.end();
    }
  }

  received({ group, queue, messages, startedAt }: Receipt): void {
    const { api } = this;
    const attributes = {
      'messaging.system': 'rocketmq',
      'messaging.operation.name': 'receive',
      'messaging.operation.type': 'receive',
      'messaging.destination.name': queue.topic,
      'messaging.destination.partition.id': `${queue.brokerName}:${queue.queueId}`,
      'messaging.consumer.group.name': group,
      'messaging.batch.message_count': messages.length,
    };
    const times = startedAt === undefined ? {} : { startTime: startedAt };
    const links = this.linksOf(messages);
    const details = { kind: api.SpanKind.CLIENT, attributes, links, ...times };
    this.tracer.startSpan(`receive ${queue.topic}`, details, api.ROOT_CONTEXT).end();
  }

  /** Nothing is told of a pull that found nothing: a loop asks again and again. */
  pulled(call: PullCall, batch: PortBatch | undefined): void {
    const { error, topics } = call;
    if (batch === undefined && error === undefined) return;
    const messages = batch?.messages ?? [];
    const topic = batch?.queue.topic ?? (topics.length === 1 ? topics[0] : undefined);
    this.ended(call, 'receive', 'receive', topic, this.linksOf(messages), {
      ...(batch === undefined ? {} : partitionOf(batch.queue)),
      'messaging.batch.message_count': messages.length,
    });
  }

  committed(call: PullCall, { queues, persist }: PullCommit): void {
    // What the broker gets later is no call of this moment.
    if (!persist && call.error === undefined) return;
    for (const { queue, offset } of queues) {
      this.ended(call, 'commit', 'settle', queue.topic, [], {
        ...partitionOf(queue),
        'messaging.rocketmq.queue_offset': offset,
      });
    }
  }

  /** A call of the application, which is over; a child of the span around it. */
  private ended(
    { group, startedAt, took, error }: PullCall,
    name: string,
    type: 'receive' | 'settle',
    topic: string | undefined,
    links: Link[],
    own: Attributes,
  ): void {
    const attributes = {
      'messaging.system': 'rocketmq',
      'messaging.operation.name': name,
      'messaging.operation.type': type,
      ...(topic === undefined ? {} : { 'messaging.destination.name': topic }),
      'messaging.consumer.group.name': group,
      ...own,
    };
    const kind = this.api.SpanKind.CLIENT;
    const details = { kind, attributes, links, startTime: startedAt };
    const span = this.tracer.startSpan(topic === undefined ? name : `${name} ${topic}`, details);
    if (error !== undefined) this.fail(span, error);
    span.end(startedAt + took);
  }

  private conclude(span: Span, verdicts: Verdicts): void {
    const bad = verdicts.find(({ kind }) => kind === 'dead-letter') ?? verdicts.find(isRetry);
    const kind = bad?.kind ?? 'success';
    span.setAttribute('messaging.rocketmq.outcome', kind);
    const all = [bad, ...verdicts].map((verdict) => verdict?.error);
    const errors = [...new Set(all)].filter((error) => error !== undefined);
    if (bad === undefined && errors.length === 0) return;
    for (const error of errors.slice(0, mostExceptions)) recordException(span, error);
    const [error] = errors;
    const reason = error === undefined ? 'it will be delivered again' : messageOf(error);
    const message = bad?.kind === 'dead-letter' ? bad.reason : reason;
    span.setAttribute('error.type', error === undefined ? kind : errorType(error));
    span.setStatus({ code: this.api.SpanStatusCode.ERROR, message });
  }

  private fail(span: Span, error: unknown): void {
    recordException(span, error);
    span.setAttribute('error.type', errorType(error));
    span.setStatus({ code: this.api.SpanStatusCode.ERROR, message: messageOf(error) });
  }

  /** The message with the context of the span in its properties, unless it brought one. */
  private carry(message: OutgoingMessage, span: Span): OutgoingMessage {
    if (this.contextIn(message.properties) !== undefined) return message;
    const carrier: Record<string, string> = {};
    const { api } = this;
    api.propagation.inject(api.trace.setSpan(api.context.active(), span), carrier);
    // No propagator is registered: W3C then.
    if (Object.keys(carrier).length === 0) writeTraceParent(span.spanContext(), carrier);
    return { ...message, properties: { ...message.properties, ...carrier } };
  }

  private linksOf(
    messages: readonly { readonly properties?: Readonly<Record<string, string>> }[],
  ): Link[] {
    const found = messages.map(({ properties }) => this.contextIn(properties));
    return found.filter((one) => one !== undefined).map((context) => ({ context }));
  }

  private contextIn(properties: Readonly<Record<string, string>> | undefined) {
    if (properties === undefined) return undefined;
    const context = this.api.trace.getSpanContext(this.extract(properties));
    return context !== undefined && this.api.isSpanContextValid(context) ? context : undefined;
  }

  private extract(properties: Readonly<Record<string, string>>) {
    const { api } = this;
    const extracted = api.propagation.extract(api.ROOT_CONTEXT, properties);
    if (api.trace.getSpanContext(extracted) !== undefined) return extracted;
    const found: SpanContext | undefined = readTraceParent(properties, api.createTraceState);
    return found === undefined ? extracted : api.trace.setSpanContext(extracted, found);
  }
}

/** Of a batch whose messages fail each in its own way. */
const mostExceptions = 8;

function recordException(span: Span, error: unknown): void {
  span.recordException(error instanceof Error ? error : messageOf(error));
}

/** Its code, else its name. */
function errorType(error: unknown): string {
  const { name, code } = (error ?? {}) as { name?: unknown; code?: unknown };
  return ([code, name].find((one) => typeof one === 'string') as string | undefined) ?? 'Error';
}

const isRetry = ({ kind }: PortConsumeVerdict): boolean => kind === 'retry';

function partitionOf({ brokerName, queueId }: MessageQueue): Attributes {
  return { 'messaging.destination.partition.id': `${brokerName}:${queueId}` };
}

function sendAttributes(call: SendCall): Attributes {
  const { messages, kind, topic, group, hashKey } = call;
  const [message] = messages;
  const isBatch = kind === 'batch';
  const bytes = messages.reduce((sum, { body }) => sum + body.length, 0);
  const { tags, keys = [], delayLevel } = message ?? {};
  return {
    'messaging.system': 'rocketmq',
    'messaging.operation.name': 'send',
    'messaging.operation.type': 'send',
    'messaging.destination.name': topic,
    'messaging.rocketmq.client_group': group,
    'messaging.rocketmq.message.type': typeOf(call, delayLevel),
    'messaging.message.body.size': bytes,
    ...(isBatch ? { 'messaging.batch.message_count': messages.length } : {}),
    ...(tags === undefined || isBatch ? {} : { 'messaging.rocketmq.message.tag': tags }),
    ...(keys.length === 0 || isBatch ? {} : { 'messaging.rocketmq.message.keys': [...keys] }),
    ...(delayLevel === undefined
      ? {}
      : { 'messaging.rocketmq.message.delay_time_level': delayLevel }),
    ...(hashKey === undefined ? {} : { 'messaging.rocketmq.message.group': hashKey }),
  };
}

function typeOf({ kind, hashKey }: SendCall, delayLevel: number | undefined): string {
  if (kind === 'transaction') return 'transaction';
  if (delayLevel !== undefined && delayLevel > 0) return 'delay';
  return hashKey === undefined ? 'normal' : 'fifo';
}

function consumeAttributes({
  topic,
  group,
  model,
  messages,
  isBatch,
  port,
}: ConsumeCall): Attributes {
  const { brokerName, queueId } = port.queue;
  return {
    'messaging.system': 'rocketmq',
    'messaging.operation.name': 'process',
    'messaging.operation.type': 'process',
    'messaging.destination.name': topic,
    'messaging.destination.partition.id': `${brokerName}:${queueId}`,
    'messaging.consumer.group.name': group,
    'messaging.rocketmq.consumption_model': model,
    ...(isBatch ? { 'messaging.batch.message_count': messages.length } : {}),
  };
}

function messageAttributes(message: StoredMessage): Attributes {
  const { msgId, keys, tags, reconsumeTimes } = message;
  return {
    'messaging.message.id': msgId,
    'messaging.rocketmq.message.reconsume_times': reconsumeTimes,
    ...(keys.length === 0 ? {} : { 'messaging.rocketmq.message.keys': [...keys] }),
    ...(tags === undefined ? {} : { 'messaging.rocketmq.message.tag': tags }),
  };
}
