import type * as Prom from 'prom-client';
import type { Clock } from '@nestjs-rocketmq/foundation';
import type { OutgoingMessage } from '@nestjs-rocketmq/message';
import type { PortBatch, PortConsumeVerdict, SendResult } from '../client-port.js';
import { queueFacts } from './consumer-facts.js';
import type { WatchedConsumer } from './observed-client.js';
import { originalTopic } from './observed-client.js';
import type { ConsumeCall, Observer, PullCall, SendCall, Verdicts } from './observer.js';
import { MetricBook, type Labels } from './metric-book.js';
import type { MetricsValues } from './operations-options.js';
import type { OutboxLag } from './outbox-probe.js';
import { loadPeer } from './peer.js';

/** A connection as the gauges see it. */
export interface MeasuredConnection {
  readonly name: string;
  readonly problem: string | undefined;
  readonly consumers: Iterable<WatchedConsumer>;
}

/** An outbox as the gauges see it. */
export interface MeasuredOutbox {
  /** Rejects after `timeout` ms. */
  lag(timeout: number): Promise<OutboxLag>;
}

/** What is measured while the application runs. */
export interface MessageMetrics extends Observer {
  /** Takes every metric out of the registry. */
  close(): void;
}

/**
 * Puts the metrics into the registry and measures from then on. Rejects with `RocketMQSetupError`
 * when prom-client is not installed, or the registry has metrics of these names already.
 */
export async function openMetrics(
  values: MetricsValues,
  clock: Clock,
  connections: () => Iterable<MeasuredConnection>,
  outbox?: MeasuredOutbox,
): Promise<MessageMetrics> {
  const prom = await loadPeer('metrics', 'prom-client', loadProm);
  const book = new MetricBook(prom, values);
  defineGauges(book, clock, connections);
  if (outbox !== undefined) defineOutboxGauges(book, outbox);
  return new Measuring(book, clock, values.maxTopics);
}

const loadProm = (): Promise<typeof Prom> => import('prom-client');

function defineGauges(
  book: MetricBook,
  clock: Clock,
  connections: () => Iterable<MeasuredConnection>,
): void {
  book.gauge(
    'connection_up',
    'Whether the servers can be used, as far as is known.',
    ['connection'],
    () =>
      [...connections()].map(({ name, problem }) => [
        { connection: name },
        problem === undefined ? 1 : 0,
      ]),
  );
  const ofGroups = (value: (one: WatchedConsumer) => number | undefined) => () =>
    rows(connections(), (connection, one) => [[{ connection, group: one.group }, value(one)]]);
  const group = ['connection', 'group'];
  book.gauge(
    'consumer_paused',
    'Whether the group is paused in this process.',
    group,
    ofGroups((one) => Number(one.status()?.isPaused ?? false)),
  );
  book.gauge(
    'consumer_last_pull_age_seconds',
    'Time since the queue longest without a pull was pulled.',
    group,
    ofGroups((one) => {
      const status = one.status();
      const age = status && queueFacts(status, clock.now()).lastPullAge;
      return age === undefined ? undefined : age / 1_000;
    }),
  );
  const ofTopics = (name: 'assignedQueues' | 'lag' | 'held') => () =>
    rows(connections(), (connection, one) => {
      const status = one.status();
      if (status === undefined) return [];
      const topics = new Set([...one.topics, ...status.queues.map(({ queue }) => queue.topic)]);
      return [...topics].map((topic) => [
        { connection, group: one.group, topic },
        queueFacts(status, clock.now(), topic)[name],
      ]);
    });
  const topic = [...group, 'topic'];
  const queues = 'Queues of the topic that this process has.';
  book.gauge('consumer_assigned_queues', queues, topic, ofTopics('assignedQueues'));
  const lag = 'Messages in the queues of this process that are not finished.';
  book.gauge('consumer_lag_messages', lag, topic, ofTopics('lag'));
  const held = 'Messages fetched and not finished.';
  book.gauge('consumer_held_messages', held, topic, ofTopics('held'));
}

/** A scrape waits no longer for the database of the outbox. */
const outboxTimeout = 3_000;

function defineOutboxGauges(book: MetricBook, outbox: MeasuredOutbox): void {
  // The gauges of one scrape ask at the same time, and so together make one query.
  const define = (name: string, help: string, value: (lag: OutboxLag) => number, unknown = NaN) =>
    book.gauge(name, help, [], async () => {
      const lag = await outbox.lag(outboxTimeout).catch(() => undefined);
      return [[{}, lag === undefined ? unknown : value(lag)]];
    });
  define('outbox_up', 'Whether the database of the outbox answers.', () => 1, 0);
  const waiting = 'Messages of the outbox that wait to be sent.';
  define('outbox_waiting_messages', waiting, (lag) => lag.waiting);
  const poisoned = 'Messages of the outbox that are not tried any more.';
  define('outbox_poisoned_messages', poisoned, (lag) => lag.poisoned);
  const age = 'Age of the oldest waiting message of the outbox; 0 when none waits.';
  define('outbox_oldest_age_seconds', age, ({ oldestAgeMs = 0 }) => oldestAgeMs / 1_000);
}

function rows(
  connections: Iterable<MeasuredConnection>,
  of: (connection: string, one: WatchedConsumer) => [Labels, number | undefined][],
): [Labels, number][] {
  const all = [...connections].flatMap(({ name, consumers }) =>
    [...consumers].flatMap((one) => of(name, one)),
  );
  return all.filter((row): row is [Labels, number] => row[1] !== undefined);
}

/** Label values of which there are only so many. */
class BoundedLabel {
  private readonly known = new Set<string>();

  constructor(private readonly most: number) {}

  of(value: string): string {
    if (this.known.has(value)) return value;
    if (this.known.size >= this.most) return 'other';
    this.known.add(value);
    return value;
  }
}

const outcomes: Readonly<Record<PortConsumeVerdict['kind'], string>> = {
  success: 'success',
  retry: 'retry',
  'dead-letter': 'dead_letter',
};

class Measuring implements MessageMetrics {
  private readonly topics: BoundedLabel;
  private readonly sent;
  private readonly sendTime;
  private readonly consumed;
  private readonly handlerTime;
  private readonly latency;
  private readonly running;
  private readonly pulls;
  private readonly pulledMessages;
  private readonly commits;

  constructor(
    private readonly book: MetricBook,
    private readonly clock: Clock,
    maxTopics: number,
  ) {
    this.topics = new BoundedLabel(maxTopics);
    const sending = ['connection', 'topic'];
    const consuming = ['connection', 'group', 'topic'];
    const sent = 'Messages sent, by outcome: ok, unsafe (stored, not as safely as asked), failed.';
    this.sent = book.counter('producer_messages_total', sent, [...sending, 'outcome']);
    const sendTime = 'Time of a send with its retries; a batch counts as one.';
    this.sendTime = book.histogram('producer_send_duration_seconds', sendTime, sending);
    const consumed = 'Messages handled, by outcome: success, retry, dead_letter.';
    this.consumed = book.counter('consumer_messages_total', consumed, [...consuming, 'outcome']);
    const handlerTime = 'Time of a call of a handler; a batch counts as one.';
    this.handlerTime = book.histogram('consumer_handler_duration_seconds', handlerTime, consuming);
    const latency = 'From the storing of a message to its first handling, or to its pull.';
    this.latency = book.histogram('consumer_delivery_latency_seconds', latency, consuming);
    const running = 'Calls of handlers under way.';
    const group = ['connection', 'group'];
    this.running = book.gauge('consumer_handlers_running', running, group);
    const pulls = 'Calls of pull consumers, by outcome: messages, empty, failed.';
    this.pulls = book.counter('pull_calls_total', pulls, [...group, 'outcome']);
    const pulled = 'Messages that pull consumers fetched.';
    this.pulledMessages = book.counter('pull_messages_total', pulled, consuming);
    const commits = 'Commits of pull consumers, by outcome: ok, failed.';
    this.commits = book.counter('pull_commits_total', commits, [...group, 'outcome']);
  }

  async send<T>(
    call: SendCall,
    next: (messages: readonly OutgoingMessage[]) => Promise<T>,
  ): Promise<T> {
    const { connection, messages } = call;
    const topic = this.topics.of(call.topic);
    const began = this.clock.monotonic();
    let outcome = 'failed';
    try {
      const result = await next(messages);
      const results = (Array.isArray(result) ? result : [result]) as (SendResult | undefined)[];
      const isSafe = results.every((one) => (one?.status ?? 'SEND_OK') === 'SEND_OK');
      outcome = isSafe ? 'ok' : 'unsafe';
      return result;
    } finally {
      this.sent.inc({ connection, topic, outcome }, messages.length);
      const took = (this.clock.monotonic() - began) / 1_000;
      this.sendTime.observe({ connection, topic }, took);
    }
  }

  async consume(call: ConsumeCall, next: () => Promise<Verdicts>): Promise<Verdicts> {
    const { connection, group, messages } = call;
    const began = this.clock.monotonic();
    const now = this.clock.now();
    for (const message of messages) {
      if (message.reconsumeTimes > 0) continue;
      const labels = { connection, group, topic: this.topics.of(originalTopic(message)) };
      this.latency.observe(labels, Math.max(now - message.storeTimestamp, 0) / 1_000);
    }
    this.running.inc({ connection, group });
    try {
      const verdicts = await next();
      messages.forEach((message, at) => {
        const outcome = outcomes[verdicts[at]?.kind ?? 'retry'];
        const topic = this.topics.of(originalTopic(message));
        this.consumed.inc({ connection, group, topic, outcome });
      });
      return verdicts;
    } finally {
      this.running.dec({ connection, group });
      const took = (this.clock.monotonic() - began) / 1_000;
      const topic = this.topics.of(call.topic);
      this.handlerTime.observe({ connection, group, topic }, took);
    }
  }

  pulled({ connection, group, error }: PullCall, batch: PortBatch | undefined): void {
    const found = batch === undefined ? 'empty' : 'messages';
    const outcome = error === undefined ? found : 'failed';
    this.pulls.inc({ connection, group, outcome });
    if (batch === undefined) return;
    const topic = this.topics.of(batch.queue.topic);
    const now = this.clock.now();
    this.pulledMessages.inc({ connection, group, topic }, batch.messages.length);
    for (const { storeTimestamp } of batch.messages) {
      const seconds = Math.max(now - storeTimestamp, 0) / 1_000;
      this.latency.observe({ connection, group, topic }, seconds);
    }
  }

  committed({ connection, group, error }: PullCall): void {
    this.commits.inc({ connection, group, outcome: error === undefined ? 'ok' : 'failed' });
  }

  close(): void {
    this.book.close();
  }
}
