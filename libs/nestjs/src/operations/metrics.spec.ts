import { Injectable } from '@nestjs/common';
import { Registry } from 'prom-client';
import { ManualClock } from '@nestjs-rocketmq/foundation/testing';
import { RocketMQConsistencyModule } from '../consistency/index.js';
import { NonRetryableError, RocketMQListener, RocketMQTemplate } from '../index.js';
import type { MetricsOptions } from '../index.js';
import { FakeClients, storedMessage } from '../testing/fake-client.js';
import type { FakePull } from '../testing/fake-pull.js';
import { MemoryStorage } from '../testing/memory-storage.js';
import { refusal, startApplication, testOptions } from '../testing/test-application.js';
import { loadPeer } from './peer.js';

@Injectable()
class Payments {
  @RocketMQListener({ topic: 'orders', group: 'payments' })
  onOrder(order: { readonly ends?: 'retry' | 'dead' }): void {
    if (order.ends === 'retry') throw new Error('not now');
    if (order.ends === 'dead') throw new NonRetryableError('never');
  }
}

async function start(metrics: MetricsOptions, clock = new ManualClock()) {
  const clients = new FakeClients();
  const pullConsumers = { audit: { group: 'audit', topic: 'orders' } };
  const options = { ...testOptions, clock, metrics, pullConsumers };
  const { app } = await startApplication({ providers: [Payments] }, options, clients);
  return { app, clients, clock, template: app.get(RocketMQTemplate) };
}

/** The lines of the exposition, without comments and histograms' buckets. */
async function linesOf(registry: Registry): Promise<string[]> {
  const lines = (await registry.metrics()).split('\n');
  return lines.filter((line) => line !== '' && !line.startsWith('#') && !line.includes('_bucket'));
}

describe('metrics', () => {
  it('count what is sent and handled, by outcome', async () => {
    const registry = new Registry();
    const { app, clients, template } = await start({ registry });
    await template.send('orders', {});
    await template.sendBatch('orders', [1, 2, 3]);
    await template.sendOneWay('orders', {});
    const [producer] = clients.producers;
    if (producer !== undefined) producer.failWith = new Error('full');
    await expect(template.send('orders', {})).rejects.toThrow('full');
    const consumer = clients.consumer('payments');
    await consumer.deliver(storedMessage({}));
    await consumer.deliver(storedMessage({ ends: 'retry' }));
    await consumer.deliver(storedMessage({ ends: 'dead' }, { reconsumeTimes: 1 }));
    const lines = await linesOf(registry);
    const consuming = 'connection="default",group="payments",topic="orders"';
    const expected = [
      'rocketmq_producer_messages_total{connection="default",topic="orders",outcome="ok"} 5',
      'rocketmq_producer_messages_total{connection="default",topic="orders",outcome="failed"} 1',
      'rocketmq_producer_send_duration_seconds_count{connection="default",topic="orders"} 4',
      `rocketmq_consumer_messages_total{${consuming},outcome="success"} 1`,
      `rocketmq_consumer_messages_total{${consuming},outcome="retry"} 1`,
      `rocketmq_consumer_messages_total{${consuming},outcome="dead_letter"} 1`,
      `rocketmq_consumer_handler_duration_seconds_count{${consuming}} 3`,
      `rocketmq_consumer_delivery_latency_seconds_count{${consuming}} 2`,
      'rocketmq_consumer_handlers_running{connection="default",group="payments"} 0',
      'rocketmq_connection_up{connection="default"} 1',
    ];
    for (const line of expected) expect(lines).toContain(line);
    await app.close();
    expect(await linesOf(registry)).toEqual([]);
  });

  it('count what is pulled and committed', async () => {
    const registry = new Registry();
    const clock = new ManualClock(storedMessage({}).storeTimestamp + 5_000);
    const { app, clients, template } = await start({ registry }, clock);
    const pull = clients.pulls[0] as FakePull;
    pull.put(0, 0, storedMessage({}), storedMessage({}));
    await (await template.receive('audit')).commit();
    await template.receive('audit', { timeout: 0 });
    pull.put(0, 2, storedMessage({}));
    const last = await template.receive('audit');
    pull.failWith = new Error('gone');
    await expect(last.commit()).rejects.toThrow('gone');
    await expect(template.receive('audit', { timeout: 0 })).rejects.toThrow('gone');
    const lines = await linesOf(registry);
    const group = 'connection="default",group="audit"';
    const expected = [
      `rocketmq_pull_calls_total{${group},outcome="messages"} 2`,
      `rocketmq_pull_calls_total{${group},outcome="empty"} 1`,
      `rocketmq_pull_calls_total{${group},outcome="failed"} 1`,
      `rocketmq_pull_messages_total{${group},topic="orders"} 3`,
      `rocketmq_pull_commits_total{${group},outcome="ok"} 1`,
      `rocketmq_pull_commits_total{${group},outcome="failed"} 1`,
      `rocketmq_consumer_delivery_latency_seconds_sum{${group},topic="orders"} 15`,
    ];
    for (const line of expected) expect(lines).toContain(line);
    await app.close();
  });

  it('show how far an outbox is behind, by one query for each reading', async () => {
    const registry = new Registry();
    const storage = new MemoryStorage();
    let queries = 0;
    storage.lag = () => {
      queries += 1;
      return Promise.resolve({ waiting: 2, poisoned: 1, oldestAgeMs: 1_500 });
    };
    const outbox = { relay: false };
    const imports = [RocketMQConsistencyModule.forRoot({ storage, outbox })];
    const { app } = await startApplication({ imports }, { ...testOptions, metrics: { registry } });
    const ofOutbox = async () => {
      const lines = await linesOf(registry);
      return lines.filter((line) => line.startsWith('rocketmq_outbox'));
    };
    expect(await ofOutbox()).toEqual([
      'rocketmq_outbox_up 1',
      'rocketmq_outbox_waiting_messages 2',
      'rocketmq_outbox_poisoned_messages 1',
      'rocketmq_outbox_oldest_age_seconds 1.5',
    ]);
    expect(queries).toBe(1);
    storage.lag = () => Promise.reject(new Error('no database'));
    const unknown = await ofOutbox();
    expect(unknown.map((line) => line.toLowerCase())).toEqual([
      'rocketmq_outbox_up 0',
      'rocketmq_outbox_waiting_messages nan',
      'rocketmq_outbox_poisoned_messages nan',
      'rocketmq_outbox_oldest_age_seconds nan',
    ]);
    await app.close();
    const other = await start({ registry });
    expect(await ofOutbox()).toEqual([]);
    await other.app.close();
  });

  it('show where the groups stand whenever they are read', async () => {
    const registry = new Registry();
    const { app, clients, clock } = await start({ registry, prefix: 'shop_' });
    const consumer = clients.consumer('payments');
    const row = {
      queue: { topic: 'orders', brokerName: 'a', queueId: 0 },
      committed: 5,
      pullOffset: 8,
      held: 3,
      end: 12,
      isPaused: false,
      pulledAt: clock.now(),
      consumedAt: 0,
    };
    consumer.status = () => ({ clientId: 'c', isRunning: true, isPaused: true, queues: [row] });
    await clock.advance(1_500);
    const lines = await linesOf(registry);
    const group = 'connection="default",group="payments"';
    for (const line of [
      `shop_consumer_assigned_queues{${group},topic="orders"} 1`,
      `shop_consumer_lag_messages{${group},topic="orders"} 7`,
      `shop_consumer_held_messages{${group},topic="orders"} 3`,
      `shop_consumer_paused{${group}} 1`,
      `shop_consumer_last_pull_age_seconds{${group}} 1.5`,
    ]) {
      expect(lines).toContain(line);
    }
    await app.close();
  });

  it('have so many topics as labels, and no more', async () => {
    const registry = new Registry();
    const { app, template } = await start({ registry, maxTopics: 2 });
    for (const topic of ['a', 'b', 'c', 'd', 'a']) await template.send(topic, {});
    const sent = (await linesOf(registry)).filter((line) => line.includes('messages_total{'));
    expect(sent).toEqual([
      'rocketmq_producer_messages_total{connection="default",topic="a",outcome="ok"} 2',
      'rocketmq_producer_messages_total{connection="default",topic="b",outcome="ok"} 1',
      'rocketmq_producer_messages_total{connection="default",topic="other",outcome="ok"} 2',
    ]);
    await app.close();
  });

  it('of two applications in one registry are refused, and told how to part them', async () => {
    const registry = new Registry();
    const { app } = await start({ registry });
    const options = { ...testOptions, metrics: { registry } };
    const error = await refusal({ providers: [Payments] }, options);
    expect(error.codes).toEqual(['ROCKETMQ_METRICS_TWICE']);
    expect(error.message).toContain("the registry has 'rocketmq_connection_up' already");
    await app.close();
    const again = await start({ registry });
    await again.app.close();
  });

  it('are refused with options that are none', async () => {
    const metrics = { registrie: new Registry(), buckets: [2, 1] } as MetricsOptions;
    const error = await refusal({}, { ...testOptions, metrics });
    expect(error.codes).toEqual(['ROCKETMQ_OPTION_UNKNOWN', 'ROCKETMQ_OPTION_INVALID']);
    expect(error.message).toContain("did you mean 'registry'?");
  });

  it('say which package is missing', async () => {
    const load = (): Promise<never> => Promise.reject(new Error('Cannot find package'));
    await expect(loadPeer('metrics', 'prom-client', load)).rejects.toMatchObject({
      problems: [
        {
          code: 'ROCKETMQ_PEER_MISSING',
          sentence:
            "RocketMQModule: 'metrics' needs the package prom-client, which cannot be loaded " +
            "(Cannot find package); run npm install prom-client, or leave 'metrics' out",
        },
      ],
    });
  });
});
