import { deadLetterTopic, decodeRecords } from '@nestjs-rocketmq/message';
import {
  PullMessage,
  PullSysFlag,
  QueryConsumerOffset,
  ResponseError,
} from '@nestjs-rocketmq/protocol';
import { eventually } from '../support/eventually.js';
import { brokerNames, type Cluster, queuesOfTopic } from './cluster.js';
import type { History } from './history.js';
import { idOf, maxReconsumeTimes } from './load.js';

const timeoutMs = 30_000;
const attemptsOfSend = 3;

/** Reads what the brokers hold, past all relays, and holds the history against it. */
export class Audit {
  private isOver = false;
  private watching: Promise<void> = Promise.resolve();

  constructor(
    private readonly cluster: Cluster,
    private readonly history: History,
    private readonly topic: string,
  ) {}

  /** Asks for the committed offsets again and again. */
  watchOffsets(groups: readonly string[]): void {
    this.watching = (async () => {
      while (!this.isOver) {
        for (const group of groups) await this.offsetsOf(group);
        await new Promise((done) => setTimeout(done, 100));
      }
    })();
  }

  async stop(): Promise<void> {
    this.isOver = true;
    await this.watching;
  }

  /** I1, I5 and I10 in the logs: everything acknowledged in its place, nothing refused, no copies. */
  async logs(): Promise<void> {
    const { history } = this;
    const copies = new Map<string, number>();
    for (const brokerName of brokerNames) {
      for (let queueId = 0; queueId < queuesOfTopic; queueId += 1) {
        const ids = await this.readQueue(brokerName, this.topic, queueId);
        ids.forEach((id, offset) => {
          history.stands({ brokerName, queueId, offset }, id);
          copies.set(id, (copies.get(id) ?? 0) + 1);
        });
      }
    }
    for (const { id, outcome, mayRepeat } of history.sent.values()) {
      const count = copies.get(id) ?? 0;
      if (outcome === 'ok' && count === 0) history.violation('I1', `${id} is lost`);
      if (outcome === 'failed' && count > 0) history.violation('I10', `${id} failed and is stored`);
      const most = mayRepeat ? attemptsOfSend : 1;
      if (count > most) history.violation('I5', `${id} stands ${count} times`);
    }
    for (const id of copies.keys()) {
      if (!history.sent.has(id)) history.violation('I10', `${id} is stored and was never sent`);
    }
  }

  /** I9: those that can never be consumed had all their attempts and are dead, once if nothing broke. */
  async deadLetters(group: string, withinMs: number): Promise<void> {
    const { history } = this;
    const never = [...history.sent.values()].filter(
      ({ id, outcome }) => outcome === 'ok' && id.startsWith('never-'),
    );
    const dead = new Map<string, number>();
    const isSettled = async (): Promise<true | undefined> => {
      dead.clear();
      for (const brokerName of brokerNames) {
        for (const id of await this.readQueue(brokerName, deadLetterTopic(group), 0)) {
          dead.set(id, (dead.get(id) ?? 0) + 1);
        }
      }
      const seen = history.attempts.get(group);
      const retried = [...history.sent.values()].every(
        ({ id, outcome }) =>
          outcome !== 'ok' || !id.startsWith('second-') || seen?.has(id) === true,
      );
      return retried && never.every(({ id }) => dead.has(id)) ? true : undefined;
    };
    await eventually('dead letters', withinMs, isSettled).catch(() =>
      history.violation('I9', `${never.length} should be dead, and ${dead.size} are`),
    );
    for (const { id } of never) {
      const seen = history.attempts.get(group)?.get(id) ?? [];
      for (let times = 1; times <= maxReconsumeTimes; times += 1) {
        if (!seen.includes(times)) history.violation('I9', `attempt ${times} of ${id} never came`);
      }
      if (seen.some((times) => times > maxReconsumeTimes)) {
        history.violation('I9', `${id} had the attempts ${seen.join(', ')}`);
      }
      const count = dead.get(id) ?? 0;
      if (count > 1 && history.isCalm) history.violation('I9', `${id} is dead ${count} times`);
    }
    for (const id of dead.keys()) {
      if (!id.startsWith('never-')) history.violation('I9', `${id} is dead and need not be`);
    }
  }

  private async offsetsOf(consumerGroup: string): Promise<void> {
    for (const brokerName of brokerNames) {
      for (let queueId = 0; queueId < queuesOfTopic && !this.isOver; queueId += 1) {
        const asked = { consumerGroup, topic: this.topic, queueId };
        try {
          const answer = await this.cluster.control.invoke(
            this.cluster.address(brokerName),
            QueryConsumerOffset,
            asked,
            { timeoutMs: 1_000 },
          );
          if (answer.name !== 'SUCCESS') continue;
          const { offset } = answer.header;
          this.history.append({
            kind: 'committed',
            group: consumerGroup,
            brokerName,
            queueId,
            offset,
          });
        } catch {
          // The broker is away, or does not know the group yet.
        }
      }
    }
  }

  private async readQueue(brokerName: string, topic: string, queueId: number): Promise<string[]> {
    const ids: string[] = [];
    for (;;) {
      const asked = {
        consumerGroup: 'audit',
        topic,
        queueId,
        queueOffset: ids.length,
        maxMsgNums: 1000,
        sysFlag: PullSysFlag.subscription,
        commitOffset: 0,
        suspendTimeoutMillis: 0,
        subscription: '*',
        subVersion: 1,
      };
      try {
        const answer = await this.cluster.control.invoke(
          this.cluster.address(brokerName),
          PullMessage,
          asked,
          { timeoutMs },
        );
        if (answer.name !== 'SUCCESS') return ids;
        for (const message of decodeRecords(answer.body)) ids.push(idOf(message));
      } catch (error) {
        if (error instanceof ResponseError && error.responseName === 'TOPIC_NOT_EXIST') return ids;
        throw error;
      }
    }
  }
}
