import { openSync, writeSync } from 'node:fs';
import { PushConsumer } from '@nestjs-rocketmq/client';
import { idOf } from './load.js';

/*
 * One member of a group in a process of its own, to be killed. What it handled stands in a file before
 * the client hears of it: a line of JSON for each message.
 */

export interface MemberOrder {
  readonly nameServers: string;
  readonly topic: string;
  readonly group: string;
  readonly mode: 'concurrent' | 'orderly';
  readonly file: string;
}

export interface HandledLine {
  readonly id: string;
  readonly brokerName: string;
  readonly queueId: number;
  readonly offset: number;
  readonly times: number;
}

const order = JSON.parse(process.argv[2] ?? '') as MemberOrder;
const { nameServers, topic, group, mode } = order;
const file = openSync(order.file, 'a');
const consumer = new PushConsumer({
  nameServers,
  group,
  mode,
  subscriptions: [{ topic }],
  from: 'first',
  pullRetryDelay: '100ms',
  persistConsumerOffsetInterval: '1s',
  listener: ([message], { queue }) => {
    if (message === undefined) return { kind: 'success' };
    const { brokerName, queueId } = queue;
    const { queueOffset: offset, reconsumeTimes: times } = message;
    const line: HandledLine = { id: idOf(message), brokerName, queueId, offset, times };
    writeSync(file, `${JSON.stringify(line)}\n`);
    return { kind: 'success' };
  },
});
await consumer.start();
console.log('member joined');
// Whoever started it kills it; it does not outlive them.
process.stdin.resume();
process.stdin.on('end', () => process.exit());
