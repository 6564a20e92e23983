import {
  Controller,
  Injectable,
  Module,
  type OnModuleDestroy,
  type OnModuleInit,
} from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { EventPattern } from '@nestjs/microservices';
import { Deferred } from '@nestjs-rocketmq/foundation';
import { RocketMQTestKit } from '@nestjs-rocketmq/testing';
import { firstValueFrom } from 'rxjs';
import { RocketMQClient, RocketMQServer } from './index.js';

const journal: string[] = [];
let work = new Deferred<void>();

/** What the handlers need, such as a database. */
@Injectable()
class Database implements OnModuleInit, OnModuleDestroy {
  onModuleInit(): void {
    journal.push('database opens');
  }

  onModuleDestroy(): void {
    journal.push('database closes');
  }
}

@Controller()
class Orders {
  @EventPattern<string>('orders')
  async placed(): Promise<void> {
    journal.push('handler begins');
    await work.promise;
    journal.push('handler ends');
  }
}

describe('a hybrid application', () => {
  let mq: RocketMQTestKit;
  let client: RocketMQClient;
  const options = (): { nameServers: string; group: string; clients: typeof mq.clients } => ({
    nameServers: 'mq.example.com:9876',
    group: 'hybrid',
    clients: mq.clients,
  });

  beforeEach(async () => {
    journal.length = 0;
    work = new Deferred();
    mq = await RocketMQTestKit.start({ patience: '100ms' });
    client = new RocketMQClient({ nameServers: 'mq.example.com:9876', clients: mq.clients });
  });
  afterEach(async () => {
    await client.close();
    await mq.close();
  });

  it('is initialised before the first message, although startAllMicroservices comes first', async () => {
    @Module({ controllers: [Orders], providers: [Database] })
    class AppModule {}
    const app = await NestFactory.create(AppModule, { logger: false });
    app.connectMicroservice({ strategy: new RocketMQServer({ ...options(), app }) });
    await app.startAllMicroservices();
    work.resolve();
    await firstValueFrom(client.emit('orders', {}));
    await mq.consumed('hybrid', 1);
    expect(journal).toEqual(['database opens', 'handler begins', 'handler ends']);
    await app.close();
  });

  it('drains before others are closed when the server is a provider', async () => {
    const make = (): RocketMQServer => new RocketMQServer(options());
    @Module({ providers: [Database], exports: [Database] })
    class DatabaseModule {}
    @Module({
      imports: [DatabaseModule],
      controllers: [Orders],
      providers: [{ provide: RocketMQServer, useFactory: make }],
    })
    class AppModule {}
    const app = await NestFactory.create(AppModule, { logger: false });
    app.connectMicroservice({ strategy: app.get(RocketMQServer) });
    await app.init();
    await app.startAllMicroservices();
    await firstValueFrom(client.emit('orders', {}));
    await mq.settle();
    expect(journal.at(-1)).toBe('handler begins');
    const closing = app.close();
    work.resolve();
    await closing;
    expect(journal).toEqual([
      'database opens',
      'handler begins',
      'handler ends',
      'database closes',
    ]);
    expect(await mq.consumed('hybrid')).toHaveLength(1);
  });
});
