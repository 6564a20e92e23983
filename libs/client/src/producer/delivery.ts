import { messageOf } from '@nestjs-rocketmq/foundation';
import type { MessageQueue, OutgoingMessage } from '@nestjs-rocketmq/message';
import {
  ResponseCode,
  ResponseError,
  isRetriable,
  type Asking,
  type SendMessageV2,
} from '@nestjs-rocketmq/protocol';
import { TooBusyError } from '@nestjs-rocketmq/remoting';
import { refusal, type SendAnswer } from '../broker-calls.js';
import type { ClientInstance } from '../client-instance.js';
import {
  AccessDeniedError,
  InvalidMessageError,
  NoRouteError,
  SendFailedError,
  SendForbiddenError,
  SendTimeoutError,
} from '../client.errors.js';
import { sends, type SendEvent } from '../diagnostics.js';
import type { PublishQueue, Template, TopicRoute } from '../route-table.js';
import type { BrokerFaults } from './broker-faults.js';
import type { Draft } from './draft.js';
import { findQueue, indexByHash, RoundRobin, selectQueue } from './queue-choice.js';
import { contextOf, type SendContext, type SendHooks } from './send-hooks.js';
import type { HashKey, SendOptions, SendResult, SendStatus } from './send-result.js';

/** How a group sends. */
export interface DeliverySettings {
  readonly group: string;
  /** Further attempts after a failed one. */
  readonly retries: number;
  readonly retryWhenNotStoreOk: boolean;
  readonly template: Template;
  /** Further codes of refusal after which another broker is tried. */
  readonly retryCodes?: ReadonlySet<number>;
  /** Longest time of an attempt that others may follow, in ms. */
  readonly attemptTimeout?: number;
  /** Brokers to be avoided for a while. */
  readonly faults?: BrokerFaults;
  /** Whether somebody looks in the background for brokers that failed. */
  readonly hasDetector?: boolean;
  readonly hooks?: SendHooks;
}

/** Between two looks whether a slow connection takes more. */
const busyPause = 10;

/** Who chooses the queue; `undefined`: turn by turn, another broker after a failure. */
export type Pinned = ((route: TopicRoute) => PublishQueue) | undefined;

const statusOfCode: Readonly<Record<number, SendStatus>> = {
  [ResponseCode.SUCCESS]: 'SEND_OK',
  [ResponseCode.FLUSH_DISK_TIMEOUT]: 'FLUSH_DISK_TIMEOUT',
  [ResponseCode.FLUSH_SLAVE_TIMEOUT]: 'FLUSH_SLAVE_TIMEOUT',
  [ResponseCode.SLAVE_NOT_AVAILABLE]: 'SLAVE_NOT_AVAILABLE',
};

/** Turns the choices of a caller into a way to pin the queue. */
export function pinnedBy(options: SendOptions, message: OutgoingMessage): Pinned {
  const { queue, hashKey, selector } = options;
  if (queue === undefined && hashKey === undefined && selector === undefined) return undefined;
  if ([queue, hashKey, selector].filter((one) => one !== undefined).length > 1) {
    throw new InvalidMessageError(
      "Give at most one of 'queue', 'hashKey' and 'selector'; they contradict each other.",
      { details: { topic: message.topic } },
    );
  }
  if (queue !== undefined) return (route) => findQueue(route.publish, queue, message.topic);
  if (selector !== undefined) return (route) => selectQueue(selector, route.publish, message);
  const key = hashKey as HashKey;
  return (route) => route.publish[indexByHash(key, route.publish.length)] as PublishQueue;
}

/**
 * Brings drafts to brokers: finds the route, chooses a queue, tries again by Java's rules.
 *
 * Without a pinned queue another attempt goes to another broker, after failures of the network and
 * the codes above. With one it goes to the same queue, and only after failures of the network, as
 * Java's asynchronous send does.
 */
export class Delivery {
  /** Attempts that followed a failed one. */
  retried = 0;
  private readonly turns = new RoundRobin();

  constructor(
    private readonly instance: ClientInstance,
    private readonly settings: DeliverySettings,
  ) {}

  /**
   * Sends within `timeoutMs`, all attempts together. Rejects with `NoRouteError`,
   * `NameServerUnreachableError`, `BrokerRefusedError`, `SendTimeoutError` or `SendFailedError`.
   */
  send(draft: Draft, timeoutMs: number, pinned?: Pinned): Promise<SendResult> {
    if (!sends.hasSubscribers) return this.bring(draft, timeoutMs, pinned);
    const bring = () => this.bring(draft, timeoutMs, pinned);
    return sends.tracePromise(bring, this.event(draft, false));
  }

  private async bring(draft: Draft, timeoutMs: number, pinned?: Pinned): Promise<SendResult> {
    const { clock } = this.instance;
    const deadline = clock.monotonic() + timeoutMs;
    const fixed = pinned?.(await this.route(draft.topic));
    let kept: SendResult | undefined;
    let failure: unknown;
    let avoid: string | undefined;
    const { faults, hooks, attemptTimeout = timeoutMs } = this.settings;
    const attempts = 1 + this.settings.retries;
    for (let attempt = 1; attempt <= attempts; attempt += 1) {
      const remaining = deadline - clock.monotonic();
      if (remaining <= 0) throw lateError(draft, timeoutMs, attempt - 1, failure);
      const known = this.usable(draft.topic) ?? (await this.route(draft.topic));
      const queue = fixed ?? this.choose(known, avoid);
      avoid = queue.brokerName;
      if (attempt > 1) this.retried += 1;
      const time = attempt === attempts ? remaining : Math.min(remaining, attemptTimeout);
      try {
        const result =
          faults === undefined && (hooks === undefined || hooks.isIdle)
            ? this.result(draft, queue, await this.attempt(draft, queue, time))
            : await this.watched(draft, queue, time, attempt);
        if (known.isTemplate) this.lookForMade(known);
        const isGood = result.status === 'SEND_OK' || !this.settings.retryWhenNotStoreOk;
        if (isGood || fixed !== undefined) return result;
        kept = result;
      } catch (error) {
        failure = refusal(error, queue.address, `a message to topic '${draft.topic}'`);
        if (isBusy(error)) {
          // Nothing was sent: it waits until the connection takes more, and this is no attempt.
          await clock.sleep(Math.min(busyPause, time));
          attempt -= 1;
          continue;
        }
        const isDenied = failure instanceof AccessDeniedError;
        if (isDenied || !this.mayRetry(error, fixed !== undefined)) {
          if (kept !== undefined) return kept;
          throw failure;
        }
        if (!(error instanceof ResponseError)) this.askAnew(draft.topic);
      }
    }
    if (kept !== undefined) return kept;
    throw exhaustedError(draft, attempts, failure);
  }

  /**
   * Hands the draft to one broker's connection and does not wait for an answer. While the broker
   * does not take what it is sent, it waits (at most `timeoutMs`) instead of failing.
   */
  sendOneWay(draft: Draft, timeoutMs: number, pinned?: Pinned): Promise<void> {
    if (!sends.hasSubscribers) return this.bringOneWay(draft, timeoutMs, pinned);
    const bring = () => this.bringOneWay(draft, timeoutMs, pinned);
    return sends.tracePromise(bring, this.event(draft, true));
  }

  private async bringOneWay(draft: Draft, timeoutMs: number, pinned?: Pinned): Promise<void> {
    const { calls, clock } = this.instance;
    const deadline = clock.monotonic() + timeoutMs;
    const route = this.usable(draft.topic) ?? (await this.route(draft.topic));
    const queue = pinned?.(route) ?? this.choose(route);
    const watch = this.watch(draft, queue, 'one-way', 1);
    for (;;) {
      try {
        await calls.sendOneWay(queue.address, this.header(draft, queue), draft.body);
        return watch?.(undefined);
      } catch (error) {
        if (!isBusy(error) || clock.monotonic() >= deadline) {
          watch?.(undefined, error);
          throw error;
        }
        await clock.sleep(busyPause);
      }
    }
  }

  /** A route with at least one queue that can be written. */
  async route(topic: string): Promise<TopicRoute> {
    const known = this.usable(topic);
    if (known !== undefined) return known;
    const route = await this.instance.routes.find(topic, this.settings.template);
    if (route !== undefined && route.publish.length > 0) return route;
    // What is known may be out of date: a broker that was down when it was asked for.
    const fresh = await this.instance.routes.refresh(topic, this.settings.template);
    if (fresh !== undefined && fresh.publish.length > 0) return fresh;
    const why =
      fresh === undefined
        ? `the name servers do not know it, and not '${this.settings.template.topic}' either, ` +
          'from which brokers make topics by themselves; create the topic'
        : 'none of its queues can be written; look whether its brokers run as masters';
    throw new NoRouteError(`Topic '${topic}' cannot be sent to: ${why}.`, { details: { topic } });
  }

  /** Perhaps the name servers know by now where the topic is, or where it is now. */
  private askAnew(topic: string): void {
    this.instance.routes.refresh(topic, this.settings.template).catch(() => undefined);
  }

  /**
   * The broker has just made the topic: consumers of this client that wait for it hear of it now. Where
   * several brokers may make it, sends go on by the template, or only the first one would ever get it.
   */
  private lookForMade({ topic, brokers }: TopicRoute): void {
    if (brokers.length === 1) this.askAnew(topic);
  }

  private event(draft: Draft, isOneWay: boolean): SendEvent {
    const { topic, uniqueKey: msgId, source: message } = draft;
    const { clientId } = this.instance;
    const bodyLength = draft.body.length;
    return { clientId, group: this.settings.group, topic, msgId, bodyLength, isOneWay, message };
  }

  private usable(topic: string): TopicRoute | undefined {
    const route = this.instance.routes.known(topic);
    return route !== undefined && route.publish.length > 0 ? route : undefined;
  }

  private choose(route: TopicRoute, avoid?: string): PublishQueue {
    const { faults } = this.settings;
    if (faults !== undefined && avoid !== undefined) this.turns.startAnywhere();
    return this.turns.choose(route.publish, avoid, faults) as PublishQueue;
  }

  /** An attempt that hooks look at, and that counts for what is known of the broker. */
  private async watched(
    draft: Draft,
    queue: PublishQueue,
    timeoutMs: number,
    attempt: number,
  ): Promise<SendResult> {
    const { faults, hasDetector = false } = this.settings;
    const { clock } = this.instance;
    const watch = this.watch(draft, queue, 'send', attempt);
    const start = clock.monotonic();
    try {
      const result = this.result(draft, queue, await this.attempt(draft, queue, timeoutMs));
      faults?.answered(queue.brokerName, clock.monotonic() - start);
      watch?.(result);
      return result;
    } catch (error) {
      const isRefused = error instanceof ResponseError;
      // What is wrong with the message says nothing about the broker.
      const isBad = isRefused ? this.isRetriableCode(error.responseCode) : !isBusy(error);
      if (isBad) {
        faults?.failed(queue.brokerName, !hasDetector);
      }
      watch?.(undefined, refusal(error, queue.address, `a message to topic '${draft.topic}'`));
      throw error;
    }
  }

  /** Tells the hooks that an attempt begins; answers how to tell its end. Undefined: nobody looks. */
  private watch(
    draft: Draft,
    queue: PublishQueue,
    mode: SendContext['mode'],
    attempt: number,
  ): ((result: SendResult | undefined, error?: unknown) => void) | undefined {
    const { hooks, group } = this.settings;
    if (hooks === undefined || hooks.isIdle) return undefined;
    const { clock } = this.instance;
    const context = contextOf(draft, queue, { group, mode, attempt, startedAt: clock.now() });
    hooks.check(context);
    hooks.before(context);
    const start = clock.monotonic();
    return (result, error) => {
      const elapsed = clock.monotonic() - start;
      hooks.after(context, {
        elapsed,
        ...(result === undefined ? undefined : { result }),
        ...(error === undefined ? undefined : { error }),
      });
    };
  }

  private isRetriableCode(code: number): boolean {
    return isRetriable(code) || this.settings.retryCodes?.has(code) === true;
  }

  private mayRetry(error: unknown, isPinned: boolean): boolean {
    if (error instanceof SendForbiddenError) return false;
    if (error instanceof ResponseError)
      return !isPinned && this.isRetriableCode(error.responseCode);
    return true;
  }

  private attempt(draft: Draft, queue: PublishQueue, timeoutMs: number): Promise<SendAnswer> {
    const { calls } = this.instance;
    const header = this.header(draft, queue);
    if (draft.isReply === true)
      return calls.sendReply(queue.address, header, draft.body, timeoutMs);
    return draft.isBatch
      ? calls.sendBatch(queue.address, header, draft.body, timeoutMs)
      : calls.sendMessage(queue.address, header, draft.body, timeoutMs);
  }

  private header(draft: Draft, queue: MessageQueue): Asking<typeof SendMessageV2> {
    const { template, group } = this.settings;
    // Plain members instead of spreads: this is made for every send.
    return {
      producerGroup: group,
      topic: draft.topic,
      defaultTopic: template.topic,
      defaultTopicQueueNums: template.queues,
      queueId: queue.queueId,
      sysFlag: draft.sysFlag,
      bornTimestamp: this.instance.clock.now(),
      flag: draft.flag,
      properties: draft.properties,
      reconsumeTimes: draft.reconsumeTimes ?? 0,
      unitMode: this.instance.unitMode,
      maxReconsumeTimes: draft.maxReconsumeTimes,
      batch: draft.isBatch,
      brokerName: queue.brokerName,
    };
  }

  private result(draft: Draft, queue: PublishQueue, answer: SendAnswer): SendResult {
    const { header } = answer;
    const place = { topic: queue.topic, brokerName: queue.brokerName, queueId: header.queueId };
    const result: { -readonly [K in keyof SendResult]: SendResult[K] } = {
      status: statusOfCode[answer.code] ?? 'SEND_OK',
      msgId: draft.uniqueKey,
      offsetMsgId: header.msgId,
      queue: place,
      queueOffset: header.queueOffset,
    };
    if (header.transactionId !== undefined) result.transactionId = header.transactionId;
    if (header.regionId !== undefined) result.regionId = header.regionId;
    if (header.recallHandle !== undefined) result.recallHandle = header.recallHandle;
    if (header.traceOn === 'false') result.traceOn = false;
    return result;
  }
}

function isBusy(error: unknown): boolean {
  return error instanceof TooBusyError;
}

function lateError(draft: Draft, timeoutMs: number, attempts: number, cause: unknown): Error {
  const reason = cause === undefined ? '' : `; the last attempt failed: ${messageOf(cause)}`;
  return new SendTimeoutError(
    `A message to topic '${draft.topic}' was not sent within ${timeoutMs} ms ` +
      `(${attempts} attempts)${reason}`,
    attempts,
    { cause, details: { topic: draft.topic, msgId: draft.uniqueKey, timeoutMs } },
  );
}

function exhaustedError(draft: Draft, attempts: number, cause: unknown): Error {
  return new SendFailedError(
    `A message to topic '${draft.topic}' could not be sent in ${attempts} attempts; ` +
      `the last one failed: ${messageOf(cause)}`,
    attempts,
    { cause, details: { topic: draft.topic, msgId: draft.uniqueKey } },
  );
}
