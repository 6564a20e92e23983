import { Injectable, Module, Scope } from '@nestjs/common';
import { NonRetryableError, OnRocketMQEvent, RocketMQEvents } from '../index.js';
import { RocketMQListener, RocketMQListenerRegistry, RocketMQTemplate } from '../index.js';
import type { DeadLetterEvent, ListenerEvent, RocketMQEvent, SendFailedEvent } from '../index.js';
import { FakeClients, storedMessage } from '../testing/fake-client.js';
import { refusal, startApplication, testOptions } from '../testing/test-application.js';

@Injectable()
class Payments {
  @RocketMQListener({ topic: 'orders', group: 'payments', maxReconsumeTimes: 2 })
  onOrder(order: { readonly fails?: boolean; readonly isBad?: boolean }): void {
    if (order.isBad === true) throw new NonRetryableError('no such order');
    if (order.fails === true) throw new Error('not now');
  }
}

@Injectable()
class Operator {
  readonly told: string[] = [];

  @OnRocketMQEvent('listener-started')
  @OnRocketMQEvent('listener-stopped')
  onListener({ group, topics }: ListenerEvent): void {
    this.told.push(`listener ${group} of ${topics.join()}`);
  }

  @OnRocketMQEvent('dead-letter', { connection: 'default' })
  onDeadLetter({ group, topic, reason }: DeadLetterEvent): void {
    this.told.push(`dead letter of ${group} from ${topic}: ${reason}`);
  }

  @OnRocketMQEvent('send-failed')
  async onSendFailed({ topic, error }: SendFailedEvent): Promise<void> {
    this.told.push(`not sent to ${topic}: ${(error as Error).message}`);
    await Promise.reject(new Error('the pager is broken'));
  }
}

describe('events', () => {
  it('call methods: listeners, dead letters, failed sends', async () => {
    const { app, clients, logger } = await startApplication({ providers: [Payments, Operator] });
    const consumer = clients.consumer('payments');
    await consumer.deliver(storedMessage({}));
    await consumer.deliver(storedMessage({ isBad: true }));
    await consumer.deliver(storedMessage({ fails: true }, { reconsumeTimes: 1 }));
    await consumer.deliver(storedMessage({ fails: true }, { reconsumeTimes: 2 }));
    const [producer] = clients.producers;
    if (producer !== undefined) producer.failWith = new Error('broker is full');
    await expect(app.get(RocketMQTemplate).send('orders', {})).rejects.toThrow('broker is full');
    const { told } = app.get(Operator);
    await app.close();
    expect(told).toEqual([
      'listener payments of orders',
      'dead letter of payments from orders: no such order',
      'dead letter of payments from orders: delivered 3 times without success, at last: not now',
      'not sent to orders: broker is full',
      'listener payments of orders',
    ]);
    expect(logger.of('error').join()).toContain(
      "A handler of the event 'send-failed' failed: the pager is broken",
    );
  });

  it('can be had as a stream, all of them or some', async () => {
    const { app, clients } = await startApplication({ providers: [Payments] });
    const events = app.get(RocketMQEvents);
    const all: RocketMQEvent[] = [];
    const some: string[] = [];
    const subscription = events.stream().subscribe((event) => all.push(event));
    events.stream('queues-assigned', 'queues-revoked').subscribe((event) => {
      some.push(`${event.type} ${event.queues.map(({ queueId }) => queueId).join()}`);
    });
    const listener = app.get(RocketMQListenerRegistry).get('Payments.onOrder');
    await listener.pause();
    await listener.resume();
    const { onAssigned } = clients.consumer('payments').options;
    const queue = (queueId: number) => ({ topic: 'orders', brokerName: 'a', queueId });
    onAssigned?.('orders', [queue(0), queue(1)]);
    onAssigned?.('orders', [queue(0), queue(1)]);
    onAssigned?.('orders', [queue(1), queue(2)]);
    expect(all.map(({ type }) => type)).toEqual([
      'listener-paused',
      'listener-resumed',
      'queues-assigned',
      'queues-revoked',
      'queues-assigned',
    ]);
    expect(all[0]).toMatchObject({ connection: 'default', group: 'payments', topics: ['orders'] });
    expect(some).toEqual(['queues-assigned 0,1', 'queues-revoked 0', 'queues-assigned 2']);
    subscription.unsubscribe();
    await app.close();
    expect(all).toHaveLength(5);
  });

  it('reach only those who listen on: a handler that was taken back is not called', async () => {
    const { app, clients } = await startApplication({ providers: [Payments] });
    const reasons: string[] = [];
    const stop = app.get(RocketMQEvents).on('dead-letter', ({ reason }) => reasons.push(reason));
    await clients.consumer('payments').deliver(storedMessage({ isBad: true }));
    stop();
    await clients.consumer('payments').deliver(storedMessage({ isBad: true }));
    expect(reasons).toEqual(['no such order']);
    await app.close();
  });

  it('refuse a name that is none, an unknown connection and a class made per request', async () => {
    @Injectable()
    class Odd {
      @OnRocketMQEvent('dead-leter' as 'dead-letter')
      one(): void {}

      @OnRocketMQEvent('dead-letter', { connection: 'nowhere' })
      two(): void {}
    }
    @Injectable({ scope: Scope.REQUEST })
    class PerRequest {
      @OnRocketMQEvent('send-failed')
      three(): void {}
    }
    const error = await refusal({ providers: [Odd, PerRequest] });
    expect(error.codes).toEqual(Array(3).fill('ROCKETMQ_EVENT_INVALID'));
    expect(error.message).toContain("Odd.one (@OnRocketMQEvent): 'dead-leter' is not an event");
    expect(error.message).toContain("did you mean 'dead-letter'?");
    expect(error.message).toContain("there is no connection 'nowhere'; known are default");
    expect(error.message).toContain('PerRequest.three (@OnRocketMQEvent): the class is request');
  });

  it('of two applications in one process stay apart', async () => {
    @Module({ providers: [Payments, Operator] })
    class Feature {}
    const one = await startApplication({ imports: [Feature] });
    const two = await startApplication({ imports: [Feature] }, testOptions, new FakeClients());
    await two.clients.consumer('payments').deliver(storedMessage({ isBad: true }));
    expect(one.app.get(Operator, { strict: false }).told).toHaveLength(1);
    expect(two.app.get(Operator, { strict: false }).told).toHaveLength(2);
    await one.app.close();
    await two.app.close();
  });
});
