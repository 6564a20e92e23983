import { Logger } from '@nestjs/common';
import { DeadlineError, messageOf, withDeadline, type Clock } from '@nestjs-rocketmq/foundation';
import type { StoredMessage } from '@nestjs-rocketmq/message';
import {
  eachVerdict,
  type ConsumerPort,
  type PortConsumeContext,
  type PortConsumerOptions,
  type PortConsumeVerdict,
  type PortConsumeVerdicts,
} from '../client-port.js';
import type { ListenerContainer } from './listener-container.js';
import type { ListenerPlan } from './listener-plan.js';

/** `disabled`: its options say that it is never started. */
export type ListenerState = 'idle' | 'disabled' | 'starting' | 'running' | 'paused' | 'stopped';

/** The client gets this much longer than it was given before a stop goes on without it. */
const graceOfStop = 2_000;

type PortListener = PortConsumerOptions['listener'];

/** The one consumer of a group, and the listeners that it serves, each for topics of its own. */
export class GroupConsumer {
  private readonly logger: Logger;
  private readonly plan: ListenerPlan;
  private consumer: ConsumerPort | undefined;
  private current: ListenerState = 'idle';
  private starting: Promise<void> | undefined;
  private stopping: Promise<void> | undefined;

  /** `members`: at least one; what their plans have in common was checked to be equal. */
  constructor(
    readonly members: readonly ListenerContainer[],
    private readonly clock: Clock,
  ) {
    this.plan = (members[0] as ListenerContainer).plan;
    this.logger = new Logger(`RocketMQ:Group:${this.plan.group}`);
  }

  get state(): ListenerState {
    return this.current;
  }

  get autoStart(): boolean {
    return this.plan.autoStart;
  }

  /** The consumer while there is one. */
  get port(): ConsumerPort | undefined {
    return this.consumer;
  }

  /** Joins the group; nothing happens when that was done. Rejects as the client's `start` does. */
  start(): Promise<void> {
    if (this.current === 'running' || this.current === 'paused') return Promise.resolve();
    this.starting ??= this.open().finally(() => (this.starting = undefined));
    return this.starting;
  }

  /**
   * Stops pulling, waits for what is in hand, commits and leaves the group. Ends after
   * `shutdownTimeout` and a little grace whatever the servers and handlers do; never rejects.
   */
  stop(): Promise<void> {
    const { consumer } = this;
    if (consumer === undefined) return this.stopping ?? Promise.resolve();
    this.consumer = undefined;
    this.current = 'stopped';
    this.stopping = this.close(consumer).finally(() => (this.stopping = undefined));
    return this.stopping;
  }

  /** Stops pulling until `resume`; what is in hand goes on. Nothing happens unless it runs. */
  pause(): void {
    if (this.current !== 'running') return;
    this.consumer?.pause();
    this.current = 'paused';
  }

  resume(): void {
    if (this.current !== 'paused') return;
    this.consumer?.resume();
    this.current = 'running';
  }

  private async open(): Promise<void> {
    await this.stopping;
    const consumer = this.plan.connection.client.consumer(this.options());
    this.consumer = consumer;
    this.current = 'starting';
    try {
      await consumer.start();
    } catch (error) {
      if (this.consumer === consumer) await this.stop();
      throw error;
    }
    // It may have been stopped meanwhile.
    if (this.consumer === consumer) this.current = 'running';
  }

  private options(): PortConsumerOptions {
    const { plan, members } = this;
    return {
      group: plan.group,
      subscriptions: members.flatMap((member) => member.plan.subscriptions),
      mode: plan.mode,
      model: plan.model,
      from: plan.from,
      concurrency: plan.concurrency,
      batch: plan.batch ?? 1,
      batchWait: plan.batchWait,
      pullBatchSize: plan.pullBatchSize,
      maxReconsumeTimes: plan.maxReconsumeTimes,
      consumeTimeout: plan.consumeTimeout,
      offsetDirectory: plan.offsetDirectory,
      passedOn: plan.passedOn,
      configure: plan.configure,
      listener: listenerOf(members, this.logger),
    };
  }

  private async close(consumer: ConsumerPort): Promise<void> {
    const deadline = this.plan.shutdownTimeout;
    try {
      await withDeadline(
        this.clock,
        deadline + graceOfStop,
        () => consumer.close(deadline),
        () => new DeadlineError(`it took more than ${deadline + graceOfStop} ms`),
      );
    } catch (error) {
      this.logger.warn(
        `The consumer of group '${this.plan.group}' did not close cleanly: ${messageOf(error)}`,
      );
    }
    for (const { id, inHand } of this.members) {
      if (inHand === 0) continue;
      this.logger.warn(
        `${id}: ${inHand} calls of the handler did not end within ${deadline} ms; their messages ` +
          'will be delivered again.',
      );
    }
  }
}

/** Brings messages to the listener of their topic. */
function listenerOf(members: readonly ListenerContainer[], logger: Logger): PortListener {
  const [only] = members;
  if (only !== undefined && members.length === 1) {
    return (messages, context) => only.handle(messages, context);
  }
  const byTopic = new Map<string, ListenerContainer>();
  for (const member of members) {
    for (const { topic } of member.plan.subscriptions) byTopic.set(topic, member);
  }
  const handle = (
    messages: readonly StoredMessage[],
    context: PortConsumeContext,
  ): PortConsumeVerdicts | Promise<PortConsumeVerdicts> => {
    const { topic, msgId } = messages[0] as StoredMessage;
    const member = byTopic.get(topic);
    if (member !== undefined) return member.handle(messages, context);
    logger.error(`Message ${msgId}: no listener has its topic ${topic}; it will come again.`);
    return { kind: 'retry', delayLevel: 0, suspendMs: 1_000 };
  };
  return (messages, context) => {
    const topic = messages[0]?.topic;
    const isOfOne = messages.length === 1 || messages.every((one) => one.topic === topic);
    return isOfOne ? handle(messages, context) : handleEach(messages, context, handle);
  };
}

/** A batch of the retry topic may have messages of several topics. */
async function handleEach(
  messages: readonly StoredMessage[],
  context: PortConsumeContext,
  handle: PortListener,
): Promise<readonly PortConsumeVerdict[]> {
  const byTopic = new Map<string, number[]>();
  messages.forEach(({ topic }, at) => {
    const places = byTopic.get(topic);
    if (places === undefined) byTopic.set(topic, [at]);
    else places.push(at);
  });
  const verdicts: PortConsumeVerdict[] = [];
  for (const places of byTopic.values()) {
    const answer = await handle(
      places.map((at) => messages[at] as StoredMessage),
      context,
    );
    eachVerdict(answer, places.length).forEach((verdict, index) => {
      verdicts[places[index] as number] = verdict;
    });
  }
  return verdicts;
}
