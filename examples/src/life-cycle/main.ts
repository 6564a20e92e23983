import 'reflect-metadata';
import {
  Injectable,
  Module,
  type OnApplicationBootstrap,
  type OnModuleDestroy,
  type OnModuleInit,
} from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { EmbeddedRocketMQ } from '@nestjs-rocketmq/embedded';
import { RocketMQListener, RocketMQModule, RocketMQTemplate } from 'nestjs-rocketmq';
import { Lines } from '../lines.js';

const lines = new Lines();

// #region database
/** Stands for a connection that opens and closes with the application. */
@Injectable()
export class Database implements OnModuleInit, OnApplicationBootstrap, OnModuleDestroy {
  private isOpen = false;

  constructor(private readonly template: RocketMQTemplate) {}

  async onModuleInit(): Promise<void> {
    this.isOpen = true;
    // Producers are ready before every other onModuleInit.
    await this.template.send('warm-up', 'from onModuleInit');
    lines.print('the database is open, and something has been sent');
  }

  onApplicationBootstrap(): void {
    // Consumers start after every onApplicationBootstrap.
    lines.print('the application is ready; now messages come');
  }

  onModuleDestroy(): void {
    // Consumers have stopped by now, and every handler in hand has ended.
    lines.print('the database closes');
    this.isOpen = false;
  }

  write(row: string): void {
    if (!this.isOpen) throw new Error('the database is closed');
    lines.print(`written: ${row}`);
  }
}
// #endregion

// #region listener
// Stands for work that is not done yet when the application is told to stop.
let ending: () => void = () => undefined;
const slowHandler = new Promise<void>((resolve) => {
  ending = resolve;
});

@Injectable()
export class Work {
  constructor(private readonly database: Database) {}

  @RocketMQListener({ topic: 'warm-up', group: 'work', from: 'first', shutdownTimeout: '10s' })
  async onWork(payload: string): Promise<void> {
    lines.print('a handler begins');
    await slowHandler;
    this.database.write(payload);
  }
}
// #endregion

const servers = await EmbeddedRocketMQ.start();

@Module({
  imports: [RocketMQModule.forRoot({ nameServers: servers.nameServers })],
  providers: [Database, Work],
})
export class AppModule {}

const app = await NestFactory.createApplicationContext(AppModule, { logger: ['error'] });
app.enableShutdownHooks();
await lines.until(3);
// #region close
// Closing waits for the handler, which goes on only now.
const closed = app.close();
ending();
await closed;
lines.print('the application is closed');
// #endregion
await servers.close();

// Prints:
//   the database is open, and something has been sent
//   the application is ready; now messages come
//   a handler begins
//   written: from onModuleInit
//   the database closes
//   the application is closed
