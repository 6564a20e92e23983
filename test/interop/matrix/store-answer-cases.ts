import { connect } from 'node:net';
import type { SendStatus } from '@nestjs-rocketmq/client';
import type { CaseGroup, InteropCase } from './case.js';
import { deadline, type ExtraBroker, numbers, type Stand } from './stand.js';

/** One after the other: they share a broker that has no copy of anything. */
const sequence = 'store answers';
/** How long brokers wait for a copy, ms. */
const slaveTimeout = 500;

const waitsForCopies =
  'A broker of 5.x that wants a copy waits for it, with a slave or without: it answers ' +
  'FLUSH_SLAVE_TIMEOUT.';

const lonely = new WeakMap<Stand, Promise<ExtraBroker>>();

/** A broker of the column that must have a copy of each message, and has no slave. */
function withoutSlave(stand: Stand): Promise<ExtraBroker> {
  const before = lonely.get(stand);
  if (before !== undefined) return before;
  const copies = stand.server === '4.9.7' ? {} : { inSyncReplicas: 2 };
  const waits = stand.server === 'ours' ? {} : { slaveTimeout };
  const started = stand.extraBroker({ brokerRole: 'SYNC_MASTER', ...copies, ...waits });
  lonely.set(stand, started);
  return started;
}

/** Sends until an answer has the status; a race in the broker may let another through first. */
async function untilStatus(stand: Stand, topic: string, status: SendStatus): Promise<void> {
  await stand.until(`an answer ${status}`, async () => {
    const sent = await stand.send({ topic, body: Buffer.from('kept') });
    expect(sent.msgId).not.toBe('');
    return sent.status === status;
  });
}

const noSlave: InteropCase = {
  feature: 'SLAVE_NOT_AVAILABLE in the result',
  proves: 'a broker that must have a copy and has no slave takes the message; the result says so',
  limits: { '5.3.3': waitsForCopies, '5.5.0': waitsForCopies },
  sequence,
  how: {
    async play(stand) {
      const topic = await (await withoutSlave(stand)).topic('NoSlave');
      const { inbox } = await stand.push({ subscriptions: [{ topic }] });
      const sent = await stand.send({ topic, body: Buffer.from('alone') });
      expect(sent).toMatchObject({ status: 'SLAVE_NOT_AVAILABLE', queueOffset: 0 });
      await inbox.until(1, deadline);
      expect(inbox.texts).toEqual(['alone']);
    },
  },
};

const anotherWhenNotStored: InteropCase = {
  feature: '`retryAnotherBrokerWhenNotStoreOK`',
  proves: 'with it a send ends well at another broker, without it where its turn was',
  sequence,
  how: {
    async play(stand) {
      const bad = await withoutSlave(stand);
      const topic = await bad.topic('NotStored', true);
      const ends = async (retryAnotherBrokerWhenNotStoreOK: boolean) => {
        const producer = await stand.producer({ retryAnotherBrokerWhenNotStoreOK });
        const seen = new Set<string>();
        for (const i of numbers(0, 8)) {
          const { status, queue } = await producer.send({ topic, body: Buffer.from(i) });
          seen.add(`${status === 'SEND_OK' ? 'well' : 'not'} at ${queue.brokerName}`);
        }
        return [...seen].toSorted();
      };
      expect(await ends(true)).toEqual([`well at ${stand.brokerName}`]);
      expect(await ends(false)).toEqual([`not at ${bad.name}`, `well at ${stand.brokerName}`]);
    },
  },
};

const slowSlave: InteropCase = {
  feature: 'FLUSH_SLAVE_TIMEOUT in the result',
  proves: 'a slave that copies nothing in time; the message is stored, and the result says so',
  limits: { ours: 'Our broker has no slaves yet, so that none can be late.' },
  sequence,
  how: {
    async play(stand) {
      const broker = await withoutSlave(stand);
      const topic = await broker.topic('SlowSlave');
      // 5.x waits for a slave that is not there; 4.9 needs one that connects and says no more.
      const slave = stand.server === '4.9.7' ? connect(broker.port + 1, '127.0.0.1') : undefined;
      try {
        slave?.resume().on('error', () => undefined);
        slave?.write(Buffer.alloc(8));
        await untilStatus(stand, topic, 'FLUSH_SLAVE_TIMEOUT');
      } finally {
        slave?.destroy();
      }
    },
  },
};

const slowDisk: InteropCase = {
  feature: 'FLUSH_DISK_TIMEOUT in the result',
  proves: 'a broker whose disk has no time at all; the message is stored, and the result says so',
  limits: {
    ours:
      'Our broker answers when the disk has answered, however long that takes: ' +
      '`syncFlushTimeout` changes nothing.',
  },
  how: {
    async play(stand) {
      const broker = await stand.extraBroker({ flushDiskType: 'SYNC_FLUSH', syncFlushTimeout: 0 });
      await untilStatus(stand, await broker.topic('SlowDisk'), 'FLUSH_DISK_TIMEOUT');
    },
  },
};

export const storeAnswerCases: CaseGroup = {
  title: 'What brokers say of storing',
  cases: [noSlave, anotherWhenNotStored, slowSlave, slowDisk],
};
