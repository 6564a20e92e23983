// The application under test: node application.mjs '{"nameServers": ..., "orders": ..., "life": ...}'
import 'reflect-metadata';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import {
  MessageContext,
  MessagePayload,
  RocketMQContext,
  RocketMQListener,
  RocketMQModule,
  RocketMQTemplate,
} from 'nestjs-rocketmq';
import {
  Idempotent,
  MessageTransaction,
  RocketMQConsistencyModule,
  pgStorage,
} from 'nestjs-rocketmq/consistency';
import { remotePool } from './remote-pool.mjs';

const { nameServers, orders, notes, life, offsetDirectory } = JSON.parse(process.argv[2]);
const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const tell = (kind, more = {}) => process.send({ kind, ...more });

/** Consumes the orders; the effect of each is a row. */
class Orders {
  async onOrder(order, tx, context) {
    if (order.failsFirst && context.reconsumeTimes === 0) throw new Error('not at the first try');
    await tx.query('INSERT INTO effects (topic, id) VALUES ($1, $2)', [orders, order.id]);
    await wait(order.ms);
  }
}

/** Sends notes as long as it can, and consumes them. */
class Notes {
  constructor(template) {
    this.template = template;
  }

  async onApplicationBootstrap() {
    void this.write();
  }

  async write() {
    for (let n = 0; ; n += 1) {
      const id = `${life}-${n}`;
      try {
        await this.template.send(notes, { id });
      } catch (error) {
        tell('refused', { code: error.code ?? error.name });
        return;
      }
      tell('noted', { id });
      await wait(15);
    }
  }

  onNote(note) {
    tell('read', { id: note.id });
  }
}

// Decorators by hand: this file runs as it is, without a compiler.
function decorate(type, name, types, ...decorators) {
  const { prototype } = type;
  const descriptor = Object.getOwnPropertyDescriptor(prototype, name);
  Reflect.defineMetadata('design:paramtypes', types, prototype, name);
  for (const decorator of decorators) decorator(prototype, name, descriptor);
}
MessagePayload()(Orders.prototype, 'onOrder', 0);
MessageTransaction()(Orders.prototype, 'onOrder', 1);
MessageContext()(Orders.prototype, 'onOrder', 2);
decorate(
  Orders,
  'onOrder',
  [Object, Object, RocketMQContext],
  Idempotent({ key: 'id' }),
  RocketMQListener({ topic: orders, group: `${orders}-group`, concurrency: 8 }),
);
MessagePayload()(Notes.prototype, 'onNote', 0);
const noteListener = RocketMQListener({ topic: notes, group: `${notes}-group` });
decorate(Notes, 'onNote', [Object], noteListener);
Reflect.defineMetadata('design:paramtypes', [RocketMQTemplate], Notes);

class Application {}
Module({
  imports: [
    RocketMQModule.forRoot({
      nameServers,
      producer: { group: `${orders}-service`, sendTimeout: '30s' },
      consumer: { from: 'first', shutdownTimeout: '1s', offsetDirectory },
    }),
    RocketMQConsistencyModule.forRoot({ storage: pgStorage(remotePool), migrate: true }),
  ],
  providers: [Orders, Notes],
})(Application);

const app = await NestFactory.create(Application, { logger: ['error', 'warn'] }).catch((error) => {
  console.error(error);
  process.exit(3);
});
// Without this a signal ends the process at once; with `useProcessExit` the code says how it went.
app.enableShutdownHooks(['SIGTERM'], { useProcessExit: true });
tell('armed');
await app.init();
tell('running');
