import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { silentLogger, systemClock } from '@nestjs-rocketmq/foundation';
import {
  decodeRecords,
  encodeBatch,
  encodeProperties,
  parseOffsetMessageId,
  SysFlag,
  type StoredMessage,
} from '@nestjs-rocketmq/message';
import {
  ConsumerSendMsgBack,
  EndTransaction,
  SendBatchMessage,
  SendMessage,
  SendMessageV2,
  TransactionDecision,
  type Asking,
} from '@nestjs-rocketmq/protocol';
import { RemotingClient } from '@nestjs-rocketmq/remoting';
import { deflateSync } from 'node:zlib';
import { eventually } from '../support/eventually.js';
import { askByHand, createTopic } from '../support/java.js';

export const recordTopic = 'Record';
const bornTimestamp = 1_700_000_000_000;
const timeoutMs = 60_000;
const bytes = (text: string) => new TextEncoder().encode(text);

type Header = Asking<typeof SendMessageV2>;

function header(properties: Record<string, string>, changes: Partial<Header> = {}): Header {
  return {
    producerGroup: 'g-record',
    topic: recordTopic,
    defaultTopic: 'TBW102',
    defaultTopicQueueNums: 4,
    queueId: 0,
    sysFlag: 0,
    bornTimestamp,
    flag: 0,
    properties: encodeProperties(properties),
    reconsumeTimes: 0,
    unitMode: false,
    batch: false,
    ...changes,
  };
}

/** Sends the same requests, byte for byte but for the connection, to any broker. */
export async function sendRecords(broker: string): Promise<void> {
  const client = new RemotingClient({ clock: systemClock, logger: silentLogger });
  const send = (asked: Header, body: Uint8Array) =>
    client.invoke(broker, SendMessageV2, asked, { body, timeoutMs });
  try {
    await createTopic(broker, recordTopic, 2);
    const first = await send(header({ UNIQ_KEY: 'A1', WAIT: 'true' }), bytes('plain'));
    await send(
      header({ UNIQ_KEY: 'A2', TAGS: 'TagA', KEYS: 'k1 k2', colour: 'blue ü 蓝' }),
      bytes('蓝'),
    );
    await send(header({}, { queueId: 1, flag: 7 }), bytes('no properties'));
    await client.invoke(broker, SendMessage, header({ UNIQ_KEY: 'A4', WAIT: 'false' }), {
      body: bytes('sent with code 10'),
      timeoutMs,
    });
    const packed = { sysFlag: SysFlag.COMPRESSED | SysFlag.COMPRESSION_ZLIB };
    await send(header({ UNIQ_KEY: 'A5' }, packed), deflateSync('packed '.repeat(1000)));
    await sendBatch(client, broker);
    await transactions(client, broker);
    await send(header({ UNIQ_KEY: 'D1', DELAY: '1' }), bytes('delayed'));
    await sendBack(client, broker, first.header.msgId);
    await untilDelivered(broker);
  } finally {
    await client.close();
  }
}

async function sendBatch(client: RemotingClient, broker: string): Promise<void> {
  const body = encodeBatch(
    ['one', 'two', 'three'].map((text, i) => ({
      flag: i,
      body: bytes(text),
      properties: encodeProperties({ UNIQ_KEY: `B${i}`, TAGS: 'TagB' }),
    })),
  );
  const asked = header({ UNIQ_KEY: 'B' }, { batch: true, queueId: 1 });
  await client.invoke(broker, SendBatchMessage, asked, { body, timeoutMs });
}

async function transactions(client: RemotingClient, broker: string): Promise<void> {
  for (const decision of ['commit', 'rollback'] as const) {
    const key = `T-${decision}`;
    const properties = { UNIQ_KEY: key, TRAN_MSG: 'true', PGROUP: 'g-record', TAGS: 'TagT' };
    const half = await client.invoke(
      broker,
      SendMessageV2,
      header(properties, { sysFlag: SysFlag.TRANSACTION_PREPARED, queueId: 1 }),
      { body: bytes(decision), timeoutMs },
    );
    await client.notify(broker, EndTransaction, {
      topic: recordTopic,
      producerGroup: 'g-record',
      tranStateTableOffset: half.header.queueOffset,
      commitLogOffset: parseOffsetMessageId(half.header.msgId).position,
      commitOrRollback: TransactionDecision[decision],
      msgId: key,
      transactionId: key,
    });
    // One way: the next request may not overtake it.
    await eventually(`the decision to ${decision}`, 20_000, async () => {
      const written = await maxOffset(broker, 'RMQ_SYS_TRANS_OP_HALF_TOPIC', 0);
      return written >= (decision === 'commit' ? 1 : 2) ? true : undefined;
    });
  }
}

async function sendBack(client: RemotingClient, broker: string, id: string): Promise<void> {
  await client.invoke(
    broker,
    ConsumerSendMsgBack,
    {
      offset: parseOffsetMessageId(id).position,
      group: 'g-back',
      delayLevel: 1,
      originMsgId: 'A1',
      originTopic: recordTopic,
      unitMode: false,
      maxReconsumeTimes: 16,
    },
    { timeoutMs },
  );
}

async function untilDelivered(broker: string): Promise<void> {
  await eventually('delayed and sent back messages in their queues', 30_000, async () => {
    const delayed = await maxOffset(broker, recordTopic, 0);
    const back = await maxOffset(broker, '%RETRY%g-back', 0);
    return delayed >= 5 && back >= 1 ? true : undefined;
  });
}

async function maxOffset(broker: string, topic: string, queueId: number): Promise<number> {
  const answer = await askByHand(broker, 30, { topic, queueId: String(queueId) });
  return Number(/"offset":"(-?\d+)"/.exec(answer)?.[1] ?? 0);
}

const blankMagic = 0xcbd43194;

/** Every record of the log files below a store folder, in their order. */
export function recordsOf(storeDir: string): StoredMessage[] {
  const folder = join(storeDir, 'commitlog');
  return readdirSync(folder)
    .sort()
    .flatMap((name) => {
      const file = readFileSync(join(folder, name));
      const records: StoredMessage[] = [];
      for (let at = 0; at + 8 <= file.length;) {
        const size = file.readInt32BE(at);
        if (size <= 0 || file.readUInt32BE(at + 4) === blankMagic) break;
        records.push(...decodeRecords(new Uint8Array(file.subarray(at, at + size))));
        at += size;
      }
      return records;
    });
}
