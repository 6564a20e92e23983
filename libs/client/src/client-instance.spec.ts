import { ManualClock } from '@nestjs-rocketmq/foundation/testing';
import { LoopbackNetwork } from '@nestjs-rocketmq/remoting/testing';
import { ClientInstance } from './client-instance.js';
import { Producer } from './producer/producer.js';
import { PushConsumer } from './consumer/push-consumer.js';
import { ScriptedCluster } from './testing/scripted-cluster.js';

describe('ClientInstance', () => {
  let clock: ManualClock;
  let network: LoopbackNetwork;
  let cluster: ScriptedCluster;

  beforeEach(async () => {
    clock = new ManualClock();
    network = new LoopbackNetwork();
    cluster = await ScriptedCluster.start(network, clock);
    cluster.addTopic('t', 1);
  });

  afterEach(() => cluster.close());

  const instanceOf = (options = {}) =>
    new ClientInstance({ nameServers: cluster.nameServer, clock, network, ...options });

  it('has a client id of its own, made of address, instance name and unit', () => {
    expect(instanceOf({ clientIp: '10.0.0.1', instanceName: 'a', unitName: 'u' }).clientId).toBe(
      '10.0.0.1@a@u',
    );
    expect(instanceOf().clientId).not.toBe(instanceOf().clientId);
  });

  it('asks the next name server when one does not answer, and keeps to it', async () => {
    const instance = instanceOf({ nameServers: `127.0.0.1:1;${cluster.nameServer}` });
    expect((await instance.routes.find('t'))?.publish).toHaveLength(1);
    expect(instance.nameServers.inOrder()[0]).toBe(cluster.nameServer);
    await instance.close();
  });

  it('says what it asked and whom when no name server answers', async () => {
    const instance = instanceOf({ nameServers: '127.0.0.1:1;127.0.0.1:2' });
    await expect(instance.routes.find('t')).rejects.toMatchObject({
      code: 'CLIENT_NAME_SERVER_UNREACHABLE',
      message: expect.stringContaining("where topic 't' is") as string,
      retriable: true,
    });
    await instance.close();
  });

  it('is shared: one heartbeat for all members, closed only by its maker', async () => {
    const instance = instanceOf();
    const producer = new Producer({ instance, group: 'p' });
    const subscriptions = [{ topic: 't' }];
    const listener = () => ({ kind: 'success' }) as const;
    const consumer = new PushConsumer({ instance, group: 'c', subscriptions, listener });
    await producer.start();
    const started = consumer.start();
    for (let i = 0; i < 30; i += 1) await clock.advance(0);
    await started;
    expect(cluster.heartbeats.at(-1)).toMatchObject({
      clientID: instance.clientId,
      producerDataSet: [{ groupName: 'p' }],
      consumerDataSet: [{ groupName: 'c' }],
    });
    await producer.close();
    expect(instance.isClosed).toBe(false);
    const closed = consumer.close();
    await clock.advance(100);
    await closed;
    expect(cluster.unregistered.sort()).toEqual(['c', 'p']);
    await instance.close();
    expect(() => instance.start()).toThrow(/make a new one/);
    await clock.advance(20_000);
  });

  it('refreshes routes and sends heartbeats every thirty seconds', async () => {
    const producer = new Producer({ nameServers: cluster.nameServer, group: 'p', clock, network });
    await producer.start();
    await producer.send({ topic: 't', body: Buffer.from('x') });
    await clock.advance(0);
    const [questions, beats] = [cluster.routeQuestions, cluster.heartbeats.length];
    await clock.advance(30_000);
    for (let i = 0; i < 10; i += 1) await clock.advance(0);
    expect(cluster.routeQuestions).toBeGreaterThan(questions);
    expect(cluster.heartbeats.length).toBeGreaterThan(beats);
    await producer.close();
  });
});
