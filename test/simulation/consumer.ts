import { decodeRecords, retryTopic, type StoredMessage } from '@nestjs-rocketmq/message';
import {
  ConsumerSendMsgBack,
  PullMessage,
  PullSysFlag,
  QueryConsumerOffset,
  UpdateConsumerOffset,
} from '@nestjs-rocketmq/protocol';
import { Client } from './client.js';
import type { Commit, History, SentBack } from './history.js';
import type { Model } from './model.js';
import { all, type Filtered, type Subscription } from './subscription.js';
import { paymentTopic, queuesOfTopic, topicNames } from './story.js';
import type { World } from './world.js';

export const maxReconsumeTimes = 2;
const waitMillis = 5000;
const restMillis = 1000;

export interface HeldPull {
  readonly topic: string;
  readonly queueId: number;
  readonly from: number;
}

/**
 * A consumer group of one member: pulls every queue, waits where there is nothing, gives back what
 * it cannot consume, and commits how far it is.
 */
export class Consumer extends Client {
  /** Pulls under way, by queue. */
  readonly pulls = new Map<string, HeldPull>();

  constructor(
    readonly group: string,
    readonly subscription: Subscription,
    world: World,
    history: History,
    private readonly model: Model,
  ) {
    super(group, world, history);
  }

  open(): void {
    for (const topic of [...topicNames, paymentTopic]) {
      for (let queueId = 0; queueId < queuesOfTopic; queueId += 1)
        void this.consume(topic, queueId);
    }
    void this.consume(retryTopic(this.group), 0);
  }

  /** Whether the group wants a message. */
  wants(topic: string, message: Filtered): boolean {
    return topic.startsWith('%') || this.subscription.wants(message);
  }

  /** Whether the broker may give it to the group. */
  mayGet(topic: string, message: Filtered): boolean {
    return topic.startsWith('%') || this.subscription.mayGet(message);
  }

  private async consume(topic: string, queueId: number): Promise<never> {
    for (;;) {
      const start = await this.position(topic, queueId);
      if (start !== undefined) await this.follow(topic, queueId, start);
      await this.sleep(restMillis);
    }
  }

  /** Where the broker says that the group is. */
  private async position(topic: string, queueId: number): Promise<number | undefined> {
    const asked = { consumerGroup: this.group, topic, queueId };
    const ended = await this.ask(QueryConsumerOffset, asked);
    if (ended.outcome !== 'ok') return undefined;
    const offset = ended.answer.name === 'SUCCESS' ? ended.answer.header.offset : 0;
    this.model.toldOffset(this.group, topic, queueId, offset);
    return offset;
  }

  /** Pulls on until something fails. */
  private async follow(topic: string, queueId: number, start: number): Promise<void> {
    let from = start;
    let commit: Commit | undefined;
    for (;;) {
      const answer = await this.pull(topic, queueId, from, commit);
      if (answer === undefined) return;
      const { name, header, body } = answer;
      if (name === 'PULL_OFFSET_MOVED') {
        this.note(`is moved in ${topic}/${queueId} from ${from} to ${header.nextBeginOffset}`);
        this.model.moved(this.group, { topic, queueId }, from, header);
        from = header.nextBeginOffset;
        continue;
      }
      const messages = name === 'SUCCESS' ? decodeRecords(body) : [];
      this.model.pulled(this, { topic, queueId, from, next: header.nextBeginOffset }, messages);
      for (const message of messages) {
        if (!(await this.process(topic, message))) return;
      }
      from = header.nextBeginOffset;
      commit = await this.commit(topic, queueId, from, commit);
    }
  }

  private async pull(topic: string, queueId: number, from: number, commit: Commit | undefined) {
    const key = `${topic}/${queueId}`;
    this.pulls.set(key, { topic, queueId, from });
    const { expression, type } = topic.startsWith('%') ? all : this.subscription;
    const sysFlag =
      PullSysFlag.subscription |
      PullSysFlag.suspend |
      (commit === undefined ? 0 : PullSysFlag.commitOffset);
    const asked = {
      consumerGroup: this.group,
      topic,
      queueId,
      queueOffset: from,
      maxMsgNums: 5,
      sysFlag,
      commitOffset: commit?.value ?? 0,
      suspendTimeoutMillis: waitMillis,
      subscription: expression,
      expressionType: type,
      subVersion: 1,
    };
    const ended = await this.ask(PullMessage, asked, { timeoutMs: waitMillis + 3000 });
    this.pulls.delete(key);
    if (ended.outcome !== 'ok') return undefined;
    // A pull that was answered has brought its offset.
    if (commit?.outcome === 'pending') this.ended(commit, 'ok');
    return ended.answer;
  }

  /** Every other commit goes with the next pull, the others go alone. */
  private async commit(
    topic: string,
    queueId: number,
    value: number,
    last: Commit | undefined,
  ): Promise<Commit | undefined> {
    if (last?.value === value) return undefined;
    const commit: Commit = {
      value,
      sentAt: this.world.clock.time,
      life: this.world.lives,
      outcome: 'pending',
      endedAt: Number.POSITIVE_INFINITY,
    };
    this.history.commitsOf(`${this.group}/${topic}/${queueId}`).push(commit);
    if (value % 2 === 0) return commit;
    const asked = { consumerGroup: this.group, topic, queueId, commitOffset: value };
    this.ended(commit, (await this.ask(UpdateConsumerOffset, asked)).outcome);
    return undefined;
  }

  private ended(commit: Commit, outcome: Commit['outcome']): void {
    commit.outcome = outcome;
    commit.endedAt = this.world.clock.time;
  }

  /** True when the message is dealt with. */
  private async process(topic: string, message: StoredMessage): Promise<boolean> {
    if (!this.wants(topic, { id: message.msgId, tag: message.tags ?? '' })) return true;
    if (!this.failsAt(message.msgId, message.reconsumeTimes)) return true;
    const sent: SentBack = {
      group: this.group,
      id: message.msgId,
      reconsumeTimes: message.reconsumeTimes,
      outcome: 'pending',
      endedAt: Number.POSITIVE_INFINITY,
    };
    this.history.sentBack.push(sent);
    const asked = {
      offset: message.logPosition,
      group: this.group,
      delayLevel: 0,
      originMsgId: message.offsetMsgId,
      originTopic: topic,
      maxReconsumeTimes,
      unitMode: false,
    };
    const ended = await this.ask(ConsumerSendMsgBack, asked);
    sent.outcome = this.outcomeOf(ended);
    sent.endedAt = this.world.clock.time;
    this.note(`gives back ${sent.id} after ${sent.reconsumeTimes}: ${sent.outcome}`);
    return ended.outcome === 'ok';
  }

  /** Of eight messages one can never be consumed, and one only at the second attempt. */
  private failsAt(id: string, times: number): boolean {
    const number = Number(id.split('-')[1]) % 8;
    return number === 3 || (number === 5 && times === 0);
  }
}
