import { ManualClock } from '@nestjs-rocketmq/foundation/testing';
import { ConnectionLostError, TooBusyError } from '@nestjs-rocketmq/remoting';
import type { ClientInstance } from '../client-instance.js';
import type { TopicRoute } from '../route-table.js';
import { Delivery } from './delivery.js';
import type { Draft } from './draft.js';

const queue = { topic: 't', brokerName: 'b', queueId: 0, address: 'b:1' };
const draft: Draft = {
  topic: 't',
  body: Buffer.from('x'),
  flag: 0,
  sysFlag: 0,
  properties: '',
  uniqueKey: 'KEY',
  isBatch: false,
};

describe('Delivery, one way', () => {
  const clock = new ManualClock();

  /** Sends through a connection that answers each attempt with the next of `failures`. */
  const send = async (failures: Error[], timeoutMs = 1_000): Promise<number> => {
    let attempts = 0;
    const instance = {
      clock,
      routes: { known: () => ({ topic: 't', publish: [queue] }) as unknown as TopicRoute },
      calls: {
        sendOneWay: () => {
          attempts += 1;
          const failure = failures.shift();
          return failure === undefined ? Promise.resolve() : Promise.reject(failure);
        },
      },
    } as unknown as ClientInstance;
    const template = { topic: 'TBW102', queues: 4 };
    const settings = { group: 'g', retries: 2, retryWhenNotStoreOk: false, template };
    const sent = new Delivery(instance, settings).sendOneWay(draft, timeoutMs);
    const ended = sent.then(() => attempts);
    ended.catch(() => undefined);
    await clock.advance(timeoutMs * 2);
    return ended;
  };

  it('waits while the connection does not take what it is sent', async () => {
    expect(await send([new TooBusyError('full'), new TooBusyError('full')])).toBe(3);
  });

  it('gives up when that lasts longer than its time', async () => {
    const full = Array.from({ length: 500 }, () => new TooBusyError('full'));
    await expect(send(full)).rejects.toMatchObject({ code: new TooBusyError('').code });
  });

  it('does not repeat after a lost connection', async () => {
    await expect(send([new ConnectionLostError('gone')])).rejects.toThrow('gone');
  });
});

describe('Delivery', () => {
  const answer = { code: 0, header: { msgId: 'M', queueId: 0, queueOffset: 1 } };

  it('waits while connections do not take what they are sent; that is no attempt', async () => {
    const clock = new ManualClock();
    let calls = 0;
    const instance = {
      clock,
      routes: { known: () => ({ topic: 't', publish: [queue] }) as unknown as TopicRoute },
      calls: {
        sendMessage: () => {
          calls += 1;
          return calls < 20 ? Promise.reject(new TooBusyError('full')) : Promise.resolve(answer);
        },
      },
    } as unknown as ClientInstance;
    const template = { topic: 'TBW102', queues: 4 };
    const settings = { group: 'g', retries: 0, retryWhenNotStoreOk: false, template };
    const sent = new Delivery(instance, settings).send(draft, 3_000);
    await clock.advance(1_000);
    expect(await sent).toMatchObject({ status: 'SEND_OK', queueOffset: 1 });
    expect(calls).toBe(20);
  });
});
