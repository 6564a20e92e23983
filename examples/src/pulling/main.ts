import 'reflect-metadata';
import { Injectable, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { EmbeddedRocketMQ } from '@nestjs-rocketmq/embedded';
import { RocketMQModule, RocketMQTemplate } from 'nestjs-rocketmq';
import { Lines } from '../lines.js';

const lines = new Lines();

// #region receive
interface Entry {
  readonly id: string;
}

@Injectable()
export class NightlyReport {
  constructor(private readonly template: RocketMQTemplate) {}

  async run(): Promise<void> {
    // What is there, at most 100; none when nothing comes within the time.
    const received = await this.template.receive<Entry>('report', { max: 100, timeout: '20s' });
    for (const { payload, context } of received) {
      lines.print(`report: ${payload.id} of ${context.topic}`);
    }
    // Only now they count as processed; without it they come again after a restart.
    await received.commit();
  }
}
// #endregion

// #region loop
@Injectable()
export class Archive {
  constructor(private readonly template: RocketMQTemplate) {}

  async copy(count: number): Promise<void> {
    let copied = 0;
    // A message counts as processed when the loop asks for the next one. The loop ends when the
    // application closes; what it was working on when it was left comes again.
    for await (const { payload } of this.template.pullConsumer<Entry>('archive')) {
      lines.print(`archived: ${payload.id}`);
      copied += 1;
      if (copied === count) return;
    }
  }
}
// #endregion

const servers = await EmbeddedRocketMQ.start();

// #region module
@Module({
  imports: [
    RocketMQModule.forRoot({
      nameServers: servers.nameServers,
      producer: { group: 'shop' },
      pullConsumers: {
        report: { group: 'report', topic: 'entries', from: 'first' },
        archive: { group: 'archive', topic: { entries: 'old' }, from: 'first' },
      },
    }),
  ],
  providers: [NightlyReport, Archive],
})
export class AppModule {}
// #endregion

const app = await NestFactory.createApplicationContext(AppModule, { logger: ['error'] });
const template = app.get(RocketMQTemplate);
// One hash key, one queue, so that one pull has both.
await template.sendBatch('entries:old', [{ id: 'e1' }, { id: 'e2' }], { hashKey: 'one' });
await app.get(NightlyReport).run();
await app.get(Archive).copy(2);
await app.close();
await servers.close();

// Prints:
//   report: e1 of entries
//   report: e2 of entries
//   archived: e1
//   archived: e2
