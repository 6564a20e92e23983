import { silentLogger, systemClock } from '@nestjs-rocketmq/foundation';
import type { SeededRandom } from '@nestjs-rocketmq/foundation/testing';
import { decodeRecords, encodeProperties, parseOffsetMessageId } from '@nestjs-rocketmq/message';
import {
  EndTransaction,
  PullMessage,
  PullSysFlag,
  QueryConsumerOffset,
  ResponseError,
  SendMessageV2,
  TransactionDecision,
  UpdateConsumerOffset,
} from '@nestjs-rocketmq/protocol';
import { type Answer, RemotingClient } from '@nestjs-rocketmq/remoting';
import { createGroup } from '../support/raw-broker.js';
import type { Ledger } from './ledger.js';

export const plainTopic = 'kills';
export const paymentTopic = 'payments';
export const queues = 4;
const group = 'payers';
const senders = 3;
/** Sends under way at a time on one connection. */
const window = 24;
const timeoutMs = 20_000;

/** Clients that send, decide and commit as fast as they are answered, until the broker is gone. */
export class Load {
  private readonly clients = Array.from({ length: senders }, () => newClient());
  private isOver = false;
  private count = 0;

  constructor(
    private readonly address: string,
    private readonly cycle: number,
    private readonly random: SeededRandom,
    private readonly ledger: Ledger,
    /** After so many answers it goes slowly, so that the store does not grow for nothing. */
    private readonly most: number,
  ) {}

  /** Runs until `stop` is called or the broker does not answer any more. */
  async run(): Promise<void> {
    const lanes = this.clients.flatMap((client) =>
      Array.from({ length: window }, () => this.lane(client)),
    );
    await Promise.all([...lanes, this.commits(this.clients[0] as RemotingClient)]);
    await Promise.all(this.clients.map((client) => client.close({ deadlineMs: 100 })));
  }

  stop(): void {
    this.isOver = true;
  }

  private async lane(client: RemotingClient): Promise<void> {
    const start = this.ledger.acknowledged;
    while (!this.isOver) {
      const dice = this.random.next();
      const went = dice < 0.06 ? this.transaction(client) : this.send(client, dice > 0.97);
      if (!(await went)) return;
      if (this.ledger.acknowledged - start < this.most) continue;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  /** False when the broker is gone. */
  private async send(client: RemotingClient, isDelayed: boolean): Promise<boolean> {
    const id = `${this.cycle}-${this.count++}`;
    const queueId = this.random.below(queues);
    const more: Record<string, string> = isDelayed ? { DELAY: '1' } : {};
    const answer = await this.stored(client, plainTopic, queueId, id, more);
    if (answer === undefined) return false;
    if (answer === 'refused') return true;
    this.ledger.acknowledged += 1;
    if (isDelayed) this.ledger.delayed.add(id);
    else this.ledger.stands(plainTopic, queueId, answer.header.queueOffset, id);
    return true;
  }

  private async transaction(client: RemotingClient): Promise<boolean> {
    const id = `${this.cycle}-${this.count++}`;
    const { ledger } = this;
    ledger.halves.add(id);
    const queueId = this.random.below(queues);
    const more = { TRAN_MSG: 'true', PGROUP: group };
    const answer = await this.stored(client, paymentTopic, queueId, id, more);
    if (answer === undefined) return false;
    if (answer === 'refused' || this.random.chance(0.1)) return true;
    ledger.acknowledged += 1;
    const decision = this.random.chance(0.6) ? 'commit' : 'rollback';
    if (decision === 'commit') ledger.mayBeVisible.add(id);
    const asked = {
      producerGroup: group,
      tranStateTableOffset: answer.header.queueOffset,
      commitLogOffset: parseOffsetMessageId(answer.header.msgId).position,
      commitOrRollback: TransactionDecision[decision],
      msgId: id,
      transactionId: id,
    };
    try {
      await client.invoke(this.address, EndTransaction, asked, { timeoutMs });
    } catch (error) {
      return this.outlives(error);
    }
    (decision === 'commit' ? ledger.committed : ledger.rolledBack).add(id);
    return true;
  }

  private async stored(
    client: RemotingClient,
    topic: string,
    queueId: number,
    id: string,
    more: Record<string, string>,
  ): Promise<Answer<typeof SendMessageV2> | 'refused' | undefined> {
    const asked = {
      producerGroup: group,
      topic,
      defaultTopic: 'TBW102',
      defaultTopicQueueNums: queues,
      queueId,
      sysFlag: 0,
      bornTimestamp: Date.now(),
      flag: 0,
      properties: encodeProperties({ UNIQ_KEY: id, ...more }),
    };
    const body = new TextEncoder().encode(id + ' '.repeat(this.random.below(600)));
    try {
      return await client.invoke(this.address, SendMessageV2, asked, { body, timeoutMs });
    } catch (error) {
      if (!this.outlives(error)) return undefined;
      this.ledger.refused.add(id);
      return 'refused';
    }
  }

  /** A refusal leaves the broker standing; anything else means that it is gone. */
  private outlives(error: unknown): boolean {
    if (error instanceof ResponseError) return true;
    this.isOver = true;
    return false;
  }

  private async commits(client: RemotingClient): Promise<void> {
    try {
      await createGroup(client, this.address, 'group');
    } catch (error) {
      if (!this.outlives(error)) return;
    }
    for (let value = this.cycle * 1_000_000 + 1; !this.isOver; value += 1) {
      const queueId = value % queues;
      const known = this.ledger.offsets.get(queueId) ?? new Set();
      this.ledger.offsets.set(queueId, known.add(value));
      const asked = { consumerGroup: 'group', topic: plainTopic, queueId, commitOffset: value };
      try {
        await client.invoke(this.address, UpdateConsumerOffset, asked, { timeoutMs });
      } catch (error) {
        if (!this.outlives(error)) return;
      }
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }
}

/** Reads what a broker has and tells the ledger. */
export class Reader {
  /** One past the last offset read, by `topic/queue`. */
  private readonly read = new Map<string, number>();

  constructor(
    private readonly address: string,
    private readonly ledger: Ledger,
  ) {}

  /** Reads every queue from `again` messages before where it was last, or from 0, to its end. */
  async readAll(again: number): Promise<void> {
    const client = newClient();
    try {
      const places = [plainTopic, paymentTopic].flatMap((topic) =>
        Array.from({ length: queues }, (_, queueId) => ({ topic, queueId })),
      );
      for (const { topic, queueId } of places) await this.readQueue(client, topic, queueId, again);
      for (let queueId = 0; queueId < queues; queueId += 1) {
        const asked = { consumerGroup: 'group', topic: plainTopic, queueId };
        const answer = await client.invoke(this.address, QueryConsumerOffset, asked, { timeoutMs });
        if (answer.name === 'SUCCESS') this.ledger.toldOffset(queueId, answer.header.offset);
      }
    } finally {
      await client.close({ deadlineMs: 100 });
    }
  }

  private async readQueue(
    client: RemotingClient,
    topic: string,
    queueId: number,
    again: number,
  ): Promise<void> {
    const key = `${topic}/${queueId}`;
    const known = this.read.get(key) ?? 0;
    let from = Math.max(0, known - again);
    for (;;) {
      const answer = await this.pull(client, topic, queueId, from);
      // Nobody sent to the topic before the first kill.
      if (answer === undefined) return;
      if (answer.name !== 'SUCCESS') {
        if (answer.header.maxOffset > from) this.ledger.violation(`${key}/${from}: ${answer.name}`);
        break;
      }
      for (const message of decodeRecords(answer.body)) {
        const id = message.text.trim();
        if (message.queueOffset !== from) {
          this.ledger.violation(`${key} has ${message.queueOffset} where ${from} should be`);
        }
        if (!message.isIntact() || message.msgId !== id) {
          this.ledger.violation(`${key}/${from} is damaged`);
        }
        this.ledger.sawMessage(topic, queueId, from, id, from >= known);
        from += 1;
      }
    }
    if (from < known) this.ledger.violation(`${key} ended at ${known} and now at ${from}`);
    this.read.set(key, Math.max(from, known));
    this.ledger.ends(topic, queueId, from);
  }

  private async pull(client: RemotingClient, topic: string, queueId: number, from: number) {
    const asked = {
      consumerGroup: 'audit',
      topic,
      queueId,
      queueOffset: from,
      maxMsgNums: 1000,
      sysFlag: PullSysFlag.subscription,
      commitOffset: 0,
      suspendTimeoutMillis: 0,
      subscription: '*',
      subVersion: 1,
    };
    try {
      return await client.invoke(this.address, PullMessage, asked, { timeoutMs });
    } catch (error) {
      if (error instanceof ResponseError && error.responseName === 'TOPIC_NOT_EXIST')
        return undefined;
      throw error;
    }
  }
}

function newClient(): RemotingClient {
  return new RemotingClient({ clock: systemClock, logger: silentLogger, connectTimeoutMs: 20_000 });
}
