// A member of an orderly group that appends what it gets to a file shared by all members, a line per
// message in one write: `member queue offset body`. Prints `ready`; SIGTERM lets it leave in good order.
// Runs on built packages: orderly-member.mjs NAMESERVERS GROUP TOPIC FILE MEMBER
import { openSync, writeSync } from 'node:fs';
import { PushConsumer } from '@nestjs-rocketmq/client';

const [nameServers, group, topic, path, member] = process.argv.slice(2);
const file = openSync(path, 'a');
const consumer = new PushConsumer({
  nameServers,
  group,
  instanceName: `${member}#${process.pid}`,
  subscriptions: [{ topic }],
  mode: 'orderly',
  from: 'first',
  pollNameServerInterval: 1_000,
  heartbeatBrokerInterval: 1_000,
  rebalanceInterval: 1_000,
  persistConsumerOffsetInterval: 1_000,
  listener: (messages) => {
    for (const message of messages) {
      writeSync(file, `${member} ${message.queueId} ${message.queueOffset} ${message.text}\n`);
    }
    return { kind: 'success' };
  },
});
await consumer.start();
console.log('ready');
process.on('SIGTERM', () => void consumer.close().then(() => process.exit(0)));
