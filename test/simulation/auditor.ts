import { decodeRecords } from '@nestjs-rocketmq/message';
import {
  DeleteExpiredCommitlog,
  PullMessage,
  PullSysFlag,
  QueryMessage,
  subscriptionGroupConfig,
  UpdateAndCreateSubscriptiongroup,
} from '@nestjs-rocketmq/protocol';
import { Client } from './client.js';
import type { History, SeenRecord } from './history.js';
import { type Contents, keyOf, type Model } from './model.js';
import { allQueues, opTopic } from './topics.js';
import type { World } from './world.js';

/** So many messages are looked for by key. */
const mostSearches = 12;
/** A search brings no more than the broker's `defaultQueryMaxNum`; the youngest come first. */
const mostFound = 32;

/** Reads every queue from its beginning to its end, after each start and at the end of a story. */
export class Auditor extends Client {
  constructor(
    world: World,
    history: History,
    private readonly model: Model,
  ) {
    super('auditor', world, history);
  }

  /** Names of groups that are as long as this one are not made by their first request. */
  async createGroup(groupName: string): Promise<void> {
    const body = subscriptionGroupConfig.read({ groupName }, groupName);
    const ended = await this.ask(UpdateAndCreateSubscriptiongroup, {}, { body });
    this.history.check(ended.outcome === 'ok', 'I11', () => `${groupName} was not created`);
  }

  /** `isWhole`: no disk has failed that would keep keys out of the index. */
  async readAll(isWhole: boolean): Promise<Contents> {
    const contents = new Map<string, SeenRecord>();
    await Promise.all(
      allQueues.map(({ topic, queueId }) => this.readQueue(topic, queueId, contents)),
    );
    if (this.history.violation === undefined) await this.findAll(contents, isWhole);
    return contents;
  }

  /** Asks for some of the messages by their keys. */
  private async findAll(contents: Contents, isWhole: boolean): Promise<void> {
    const places = new Map<string, SeenRecord[]>();
    for (const seen of contents.values()) {
      if (seen.topic === opTopic) continue;
      const key = `${seen.topic} ${seen.id}`;
      places.set(key, [...(places.get(key) ?? []), seen]);
    }
    const wanted = Array.from(places.values());
    const step = Math.max(1, wanted.length / mostSearches);
    for (let at = 0; at < wanted.length; at += step) {
      await this.find(wanted[Math.floor(at)] as SeenRecord[], isWhole);
      if (this.history.violation !== undefined) return;
    }
  }

  private async find(places: readonly SeenRecord[], isWhole: boolean): Promise<void> {
    const { topic, id, offset } = places[0] as SeenRecord;
    const isUnique = offset % 2 === 0;
    const ended = await this.ask(QueryMessage, {
      topic,
      key: isUnique ? id : `key-${id}`,
      maxNum: mostFound,
      beginTimestamp: 0,
      endTimestamp: Number.MAX_SAFE_INTEGER,
      ...(isUnique ? { isUniqueKey: 'true' } : {}),
    });
    const isFound = ended.outcome === 'ok' && ended.answer.name === 'SUCCESS';
    const found = isFound ? decodeRecords(ended.answer.body) : [];
    for (const message of found) {
      const isRight = message.topic === topic && message.msgId === id;
      this.history.check(isRight, 'I8', () => {
        return `the keys of ${id} in ${topic} lead to ${message.msgId} in ${message.topic}`;
      });
    }
    if (!isWhole || places.length >= mostFound) return;
    const positions = new Set(found.map(({ logPosition }) => logPosition));
    for (const seen of places) {
      this.history.check(positions.has(seen.position), 'I1', () => {
        return `${seen.id} stands in ${keyOf(seen)} and is not found by its key`;
      });
    }
  }

  /** What is old enough goes now. */
  async removeExpired(): Promise<void> {
    void this.ask(DeleteExpiredCommitlog, {});
  }

  private async readQueue(
    topic: string,
    queueId: number,
    contents: Map<string, SeenRecord>,
  ): Promise<void> {
    let from = 0;
    for (;;) {
      const ended = await this.ask(PullMessage, {
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
      });
      // A topic that nobody sent to is not there, nor a retry topic that nobody needed.
      if (ended.outcome !== 'ok') return;
      const { name, header, body } = ended.answer;
      if (name === 'PULL_OFFSET_MOVED' && from < header.minOffset) {
        this.model.moved('audit', { topic, queueId }, from, header);
        from = header.nextBeginOffset;
        continue;
      }
      if (name === 'PULL_RETRY_IMMEDIATELY') {
        const { nextBeginOffset } = header;
        if (
          nextBeginOffset > from &&
          this.model.areDamaged({ topic, queueId }, from, nextBeginOffset)
        ) {
          from = nextBeginOffset;
          continue;
        }
      }
      if (name !== 'SUCCESS') {
        this.history.check(name === 'PULL_NOT_FOUND' && header.maxOffset <= from, 'I2', () => {
          return `${topic}/${queueId} says ${name} at ${from}, its end is ${header.maxOffset}`;
        });
        return;
      }
      for (const message of decodeRecords(body)) {
        const seen = this.model.read({ topic, queueId }, message);
        const isNext = this.model.areDamaged({ topic, queueId }, from, seen.offset);
        this.history.check(seen.offset >= from && isNext, 'I2', () => {
          return `${topic}/${queueId} has ${seen.offset} where ${from} should be`;
        });
        contents.set(keyOf(seen), seen);
        from = seen.offset + 1;
      }
      const { nextBeginOffset } = header;
      const isNext = this.model.areDamaged({ topic, queueId }, from, nextBeginOffset);
      this.history.check(nextBeginOffset >= from && isNext, 'I2', () => {
        return `${topic}/${queueId}: next is ${header.nextBeginOffset} after ${from - 1}`;
      });
      from = nextBeginOffset;
      if (this.history.violation !== undefined) return;
    }
  }
}
