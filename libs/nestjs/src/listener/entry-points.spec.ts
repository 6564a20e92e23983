import { Injectable } from '@nestjs/common';
import { NestFactory, SerializedGraph } from '@nestjs/core';
import { RocketMQListener, RocketMQModule } from '../index.js';
import { FakeClients } from '../testing/fake-client.js';
import { onFakeClients, testOptions } from '../testing/test-application.js';

@Injectable()
class Orders {
  @RocketMQListener({ topic: 'orders', group: 'billing' })
  onOrder(): void {}

  @RocketMQListener({ topic: 'refunds', group: 'refunds', mode: 'orderly' })
  onRefund(): void {}
}

async function entryPoints(snapshot: boolean): Promise<object[]> {
  const module = onFakeClients(RocketMQModule.forRoot(testOptions), new FakeClients());
  class Root {}
  const app = await NestFactory.createApplicationContext(
    { module: Root, imports: [module], providers: [Orders] },
    { logger: false, snapshot, abortOnError: false },
  );
  const { entrypoints } = app.get(SerializedGraph).toJSON();
  await app.close();
  return Object.values(entrypoints).flat();
}

describe('entry points of Nest Devtools', () => {
  it('shows every listener in the graph, at the class it belongs to', async () => {
    const found = await entryPoints(true);
    const common = { type: 'rocketmq', className: 'Orders', classNodeId: expect.any(String) };
    const options = { connection: 'default', model: 'clustering' };
    expect(found).toEqual([
      expect.objectContaining({
        ...common,
        methodName: 'onOrder',
        metadata: expect.objectContaining({
          ...options,
          key: 'billing: orders',
          group: 'billing',
          topics: ['orders'],
          mode: 'concurrent',
        }),
      }),
      expect.objectContaining({
        ...common,
        methodName: 'onRefund',
        metadata: expect.objectContaining({ ...options, group: 'refunds', mode: 'orderly' }),
      }),
    ]);
  });

  it('leaves the graph alone when the application has none', async () => {
    expect(await entryPoints(false)).toEqual([]);
  });
});
