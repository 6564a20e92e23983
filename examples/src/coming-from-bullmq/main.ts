import 'reflect-metadata';
import { Injectable, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { EmbeddedRocketMQ } from '@nestjs-rocketmq/embedded';
import {
  NonRetryableError,
  RocketMQContext,
  RocketMQListener,
  RocketMQModule,
  RocketMQTemplate,
} from 'nestjs-rocketmq';
import { Lines } from '../lines.js';

const lines = new Lines();

// #region listener
@Injectable()
export class Mails {
  @RocketMQListener({
    topic: 'mails',
    tags: 'welcome',
    group: 'welcome-mails',
    concurrency: 5,
    maxReconsumeTimes: 3,
    retryDelayLevel: 1,
  })
  async onWelcome(mail: { to: string }, context: RocketMQContext): Promise<void> {
    if (!mail.to.includes('@')) throw new NonRetryableError(`${mail.to} is no address`);
    lines.print(`try ${context.reconsumeTimes + 1}: ${mail.to}`);
    if (context.reconsumeTimes === 0) throw new Error('the mail server is busy');
  }
}
// #endregion

const servers = await EmbeddedRocketMQ.start();

@Module({
  imports: [
    RocketMQModule.forRoot({ nameServers: servers.nameServers, consumer: { from: 'first' } }),
  ],
  providers: [Mails],
})
export class AppModule {}

const app = await NestFactory.createApplicationContext(AppModule, { logger: false });
const template = app.get(RocketMQTemplate);

// #region send
await template.send('mails:welcome', { to: 'ada@example.org' });
await template.send('mails:welcome', { to: 'nobody' });
// #endregion

await lines.until(2);
await app.close();
await servers.close();

// Prints:
//   try 1: ada@example.org
//   try 2: ada@example.org
