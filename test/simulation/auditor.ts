import { decodeRecords } from '@nestjs-rocketmq/message';
import { PullMessage, PullSysFlag } from '@nestjs-rocketmq/protocol';
import { Client } from './client.js';
import type { History, SeenRecord } from './history.js';
import { type Contents, keyOf, type Model } from './model.js';
import { allQueues } from './topics.js';
import type { World } from './world.js';

/** Reads every queue from its beginning to its end, after each start and at the end of a story. */
export class Auditor extends Client {
  constructor(
    world: World,
    history: History,
    private readonly model: Model,
  ) {
    super('auditor', world, history);
  }

  async readAll(): Promise<Contents> {
    const contents = new Map<string, SeenRecord>();
    await Promise.all(
      allQueues.map(({ topic, queueId }) => this.readQueue(topic, queueId, contents)),
    );
    return contents;
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
      if (name !== 'SUCCESS') {
        this.history.check(name === 'PULL_NOT_FOUND' && header.maxOffset <= from, 'I2', () => {
          return `${topic}/${queueId} says ${name} at ${from}, its end is ${header.maxOffset}`;
        });
        return;
      }
      for (const message of decodeRecords(body)) {
        const seen = this.model.read({ topic, queueId }, message);
        this.history.check(seen.offset === from, 'I2', () => {
          return `${topic}/${queueId} has ${seen.offset} where ${from} should be`;
        });
        contents.set(keyOf(seen), seen);
        from += 1;
      }
      this.history.check(header.nextBeginOffset === from, 'I2', () => {
        return `${topic}/${queueId}: next is ${header.nextBeginOffset} after ${from - 1}`;
      });
      if (this.history.violation !== undefined) return;
    }
  }
}
