import { silentLogger, systemClock } from '@nestjs-rocketmq/foundation';
import { decodeRecords, encodeProperties, StoredMessage, SysFlag } from '@nestjs-rocketmq/message';
import {
  type Asking,
  GetMaxOffset,
  PullMessage,
  PullSysFlag,
  QueryConsumerOffset,
  QueryMessage,
  SearchOffsetByTimestamp,
  SendMessageV2,
  ViewMessageById,
} from '@nestjs-rocketmq/protocol';
import { RemotingClient } from '@nestjs-rocketmq/remoting';

const timeoutMs = 30_000;
const longAgo = 0;
const farAhead = 4_000_000_000_000;

/** Asks a broker, ours or an official one, in single commands, on one port over IPv4 and IPv6. */
export class Asker {
  private readonly client = new RemotingClient({ clock: systemClock, logger: silentLogger });
  private readonly address: string;

  constructor(private readonly port: number) {
    this.address = `127.0.0.1:${port}`;
  }

  async maxOffset(topic: string, queueId: number): Promise<number> {
    const asked = { topic, queueId };
    const answer = await this.client.invoke(this.address, GetMaxOffset, asked, { timeoutMs });
    return answer.name === 'SUCCESS' ? answer.header.offset : 0;
  }

  /** What the group has committed; -1 when nothing. */
  async committed(consumerGroup: string, topic: string, queueId: number): Promise<number> {
    const asked = { consumerGroup, topic, queueId };
    const answer = await this.client.invoke(this.address, QueryConsumerOffset, asked, {
      timeoutMs,
    });
    return answer.name === 'SUCCESS' ? answer.header.offset : -1;
  }

  /** Every message of a queue from `from` on. */
  async pull(topic: string, queueId: number, from = 0): Promise<StoredMessage[]> {
    const messages: StoredMessage[] = [];
    const max = await this.maxOffset(topic, queueId);
    for (let offset = from; offset < max;) {
      const asked = {
        consumerGroup: 'history-reader',
        topic,
        queueId,
        queueOffset: offset,
        maxMsgNums: 32,
        sysFlag: PullSysFlag.subscription,
        commitOffset: 0,
        suspendTimeoutMillis: 0,
        subscription: '*',
        subVersion: 0,
      };
      const answer = await this.client.invoke(this.address, PullMessage, asked, { timeoutMs });
      if (answer.name === 'SUCCESS') messages.push(...decodeRecords(answer.body));
      if (answer.header.nextBeginOffset <= offset) {
        throw new Error(`${topic}/${queueId} at ${offset} of ${max}: ${answer.name}`);
      }
      offset = answer.header.nextBeginOffset;
    }
    return messages;
  }

  /** What the key index leads to. */
  async find(topic: string, key: string, isUniqueKey: boolean): Promise<StoredMessage[]> {
    const asked = {
      topic,
      key,
      maxNum: 64,
      beginTimestamp: longAgo,
      endTimestamp: farAhead,
      ...(isUniqueKey ? { isUniqueKey: 'true' } : {}),
    };
    const answer = await this.client.invoke(this.address, QueryMessage, asked, { timeoutMs });
    return answer.name === 'SUCCESS' ? decodeRecords(answer.body) : [];
  }

  /** The record at a position of the log. */
  async view(offset: number): Promise<StoredMessage | undefined> {
    const answer = await this.client.invoke(
      this.address,
      ViewMessageById,
      { offset },
      { timeoutMs },
    );
    return answer.name === 'SUCCESS' ? new StoredMessage(answer.body) : undefined;
  }

  async searchOffset(topic: string, queueId: number, timestamp: number): Promise<number> {
    const asked = { topic, queueId, timestamp };
    const answer = await this.client.invoke(this.address, SearchOffsetByTimestamp, asked, {
      timeoutMs,
    });
    return answer.header.offset;
  }

  /** Sends over IPv6 or IPv4; answers where the message lies. `isHalf`: of a transaction. */
  async send(given: {
    producerGroup: string;
    topic: string;
    queueId: number;
    body: string;
    properties: Record<string, string>;
    isHalf?: boolean;
    isOverIpv6?: boolean;
  }): Promise<{ msgId: string; queueId: number; queueOffset: number }> {
    const { body, properties, isHalf = false, isOverIpv6 = false, ...rest } = given;
    const asked: Asking<typeof SendMessageV2> = {
      ...rest,
      defaultTopic: 'TBW102',
      defaultTopicQueueNums: 4,
      sysFlag: isHalf ? SysFlag.TRANSACTION_PREPARED : 0,
      bornTimestamp: systemClock.now(),
      flag: 0,
      properties: encodeProperties(properties),
    };
    const address = isOverIpv6 ? `[::1]:${this.port}` : this.address;
    const answer = await this.client.invoke(address, SendMessageV2, asked, {
      body: new TextEncoder().encode(body),
      timeoutMs,
    });
    if (answer.name !== 'SUCCESS') throw new Error(`${body}: ${answer.name} ${answer.remark}`);
    return answer.header;
  }

  close(): Promise<void> {
    return this.client.close();
  }
}

/** Runs `each` on all items, some at a time. */
export async function eachOf<T>(
  items: readonly T[],
  each: (item: T) => Promise<void>,
): Promise<void> {
  let next = 0;
  const worker = async () => {
    while (next < items.length) await each(items[next++] as T);
  };
  await Promise.all(Array.from({ length: 16 }, worker));
}
