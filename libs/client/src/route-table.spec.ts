import { silentLogger } from '@nestjs-rocketmq/foundation';
import type { TopicRouteData } from '@nestjs-rocketmq/protocol';
import { readRoute, RouteTable } from './route-table.js';

interface Broker {
  readonly addresses: Record<string, string>;
  readonly queues: number;
  readonly perm?: number;
}

function route(brokers: Record<string, Broker>, orderTopicConf?: string): TopicRouteData {
  return {
    brokerDatas: Object.entries(brokers).map(([brokerName, { addresses }]) => ({
      brokerName,
      cluster: 'c',
      brokerAddrs: addresses,
      enableActingMaster: false,
      zoneName: undefined,
    })),
    queueDatas: Object.entries(brokers).map(([brokerName, { queues, perm = 6 }]) => ({
      brokerName,
      perm,
      readQueueNums: queues,
      writeQueueNums: queues,
      topicSysFlag: 0,
    })),
    filterServerTable: {},
    orderTopicConf,
  };
}

const master = (name: string): Record<string, string> => ({ 0: `${name}:1` });

describe('readRoute', () => {
  it('writes only to masters with permission, and reads without a master', () => {
    const data = route({
      b: { addresses: { 1: 'b-slave:1' }, queues: 1 },
      a: { addresses: master('a'), queues: 2 },
      c: { addresses: master('c'), queues: 1, perm: 4 },
    });
    const { publish, subscribe } = readRoute('t', data);
    expect(publish.map((queue) => `${queue.brokerName}${queue.queueId} ${queue.address}`)).toEqual([
      'a0 a:1',
      'a1 a:1',
    ]);
    expect(subscribe.map((queue) => `${queue.brokerName}${queue.queueId}`)).toEqual([
      'a0',
      'a1',
      'b0',
      'c0',
    ]);
  });

  it('takes the queue counts of an order topic', () => {
    const brokers = {
      a: { addresses: master('a'), queues: 8 },
      b: { addresses: master('b'), queues: 8 },
    };
    const { publish } = readRoute('t', route(brokers, 'a:1;b:2'));
    expect(publish.map((queue) => `${queue.brokerName}${queue.queueId}`)).toEqual([
      'a0',
      'b0',
      'b1',
    ]);
  });

  it('cuts the queues of the template to what is wished', () => {
    const data = route({ a: { addresses: master('a'), queues: 8 } });
    const made = readRoute('t', data, { topic: 'TBW102', queues: 4 });
    expect([made.publish.length, made.isTemplate]).toEqual([4, true]);
  });
});

describe('RouteTable', () => {
  const one = route({ a: { addresses: master('a'), queues: 1 } });
  const two = route({
    a: { addresses: master('a'), queues: 1 },
    b: { addresses: { 0: 'b:1', 1: 'b-slave:1' }, queues: 1 },
  });
  const table = (fetch: (topic: string) => Promise<TopicRouteData | undefined>) =>
    new RouteTable(fetch, silentLogger);

  it('asks once when several want the same topic at the same time', async () => {
    let questions = 0;
    const routes = table(() => {
      questions += 1;
      return Promise.resolve(one);
    });
    await Promise.all([routes.find('t'), routes.find('t'), routes.refresh('t')]);
    expect(questions).toBe(1);
  });

  it('keeps the last known route when the topic is forgotten or nobody answers', async () => {
    let answer: () => Promise<TopicRouteData | undefined> = () => Promise.resolve(one);
    const routes = table(() => answer());
    await routes.find('t');
    answer = () => Promise.resolve(undefined);
    await routes.refreshAll();
    answer = () => Promise.reject(new Error('all name servers are gone'));
    await routes.refreshAll();
    expect(routes.known('t')?.publish).toHaveLength(1);
    expect(routes.masterAddress('a')).toBe('a:1');
  });

  it('tells of changes, and only of changes', async () => {
    let data = one;
    const routes = table(() => Promise.resolve(data));
    const told: string[] = [];
    routes.onChange((topic) => told.push(topic));
    await routes.refresh('t');
    await routes.refresh('t');
    data = two;
    await routes.refresh('t');
    expect(told).toEqual(['t', 't']);
  });

  it('uses the template until the topic exists, for publishing only', async () => {
    let exists = false;
    const routes = table((topic) => {
      if (topic === 't') return Promise.resolve(exists ? two : undefined);
      return Promise.resolve(one);
    });
    const template = { topic: 'TBW102', queues: 4 };
    expect((await routes.find('t', template))?.isTemplate).toBe(true);
    exists = true;
    expect((await routes.find('t'))?.isTemplate).toBe(false);
    expect(routes.known('t')?.publish).toHaveLength(2);
  });

  it('reads from the wished broker id, else the next, else any', async () => {
    const routes = table(() => Promise.resolve(two));
    await routes.find('t');
    expect(routes.readAddress('b', 1)).toEqual({ address: 'b-slave:1', id: 1 });
    expect(routes.readAddress('a', 1)).toEqual({ address: 'a:1', id: 0 });
    expect(routes.readAddress('x', 0)).toBeUndefined();
    expect(routes.brokerAddresses(true).sort()).toEqual(['a:1', 'b:1']);
    expect(routes.brokerAddresses(false)).toHaveLength(3);
  });
});
