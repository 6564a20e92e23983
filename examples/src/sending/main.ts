import 'reflect-metadata';
import { Injectable, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { EmbeddedRocketMQ } from '@nestjs-rocketmq/embedded';
import {
  InjectRocketMQTemplate,
  RocketMQContext,
  RocketMQListener,
  RocketMQModule,
  RocketMQTemplate,
  TimerRefusedError,
  type MessageConverter,
} from 'nestjs-rocketmq';
import { Lines } from '../lines.js';

const lines = new Lines();

// #region orders
interface Order {
  readonly id: string;
  readonly total: number;
}

@Injectable()
export class Orders {
  constructor(private readonly template: RocketMQTemplate) {}

  async place(order: Order): Promise<void> {
    // The promise resolves when the broker has stored the message.
    const { status, msgId } = await this.template.send('orders:placed', order, {
      keys: order.id,
      properties: { region: 'eu' },
      timeout: '2s',
    });
    lines.print(`placed: ${status}, ${msgId.length > 0 ? 'with an id' : 'without id'}`);
    // All messages with one hash key go to one queue, in this order.
    await this.template.sendOrderly('order-events', { step: 'placed' }, order.id);
    await this.template.sendOrderly('order-events', { step: 'paid' }, order.id);
    // One request for many; options may depend on the message.
    await this.template.sendBatch('audit', [order], { keys: (one) => one.id });
    // Without an answer of the broker: fast, and lost when it is not there.
    await this.template.sendOneWay('metrics', 'placed');
  }

  async closeLater(order: Order): Promise<void> {
    await this.template.sendDelayed('orders:close', order, '1s');
  }
}
// #endregion

// #region formats
@Injectable()
export class Formats {
  constructor(private readonly template: RocketMQTemplate) {}

  async show(): Promise<void> {
    await this.template.send('formats', { as: 'JSON' });
    await this.template.send('formats', 'as it is');
    await this.template.send('formats', Buffer.from([1, 2, 3]));
    await this.template.send(
      'formats',
      { as: 'MessagePack' },
      { contentType: 'application/msgpack' },
    );
  }
}
// #endregion

// #region own-format
export const csv: MessageConverter = {
  contentType: 'text/csv',
  write: (row) => Buffer.from((row as readonly string[]).join(';')),
  read: (body) => Buffer.from(body).toString().split(';'),
};

@Injectable()
export class Exports {
  constructor(@InjectRocketMQTemplate('rows') private readonly template: RocketMQTemplate) {}

  async add(row: readonly string[]): Promise<void> {
    await this.template.send('rows', row);
  }

  @RocketMQListener({ topic: 'rows', group: 'rows-reader', converters: [csv] })
  onRow(row: readonly string[]): void {
    lines.print(`row of ${row.length}: ${row.join(' ')}`);
  }
}

@Module({
  imports: [
    RocketMQModule.forFeature({
      templates: [{ name: 'rows', converters: [csv], contentType: csv.contentType }],
    }),
  ],
  providers: [Exports],
})
export class ExportsModule {}
// #endregion

// #region timers
@Injectable()
export class Reminders {
  constructor(private readonly template: RocketMQTemplate) {}

  async remind(order: Order): Promise<void> {
    try {
      // To the moment, not to the next delay level; 'deliverAt' with a Date does the same.
      const sent = await this.template.send('reminders', order, { delayMs: '2h', exact: true });
      // Paid in the meantime: nobody is to be reminded.
      await this.template.recall(sent);
    } catch (error) {
      // Brokers of Apache RocketMQ 5 have timers; the one of this program has delay levels only.
      if (!(error instanceof TimerRefusedError)) throw error;
      lines.print('no timers at this broker');
    }
  }
}
// #endregion

// #region second-cluster
@Injectable()
export class Archive {
  constructor(@InjectRocketMQTemplate('archive') private readonly template: RocketMQTemplate) {}

  async keep(order: Order): Promise<void> {
    await this.template.send('kept', order);
  }
}
// #endregion

// #region readers
@Injectable()
class Readers {
  @RocketMQListener({ topic: 'orders', group: 'orders-reader' })
  onOrder(order: Order, context: RocketMQContext): void {
    lines.print(`${context.tag} ${order.id}, region ${context.property('region') ?? 'unknown'}`);
  }

  @RocketMQListener({ topic: 'order-events', group: 'events-reader', mode: 'orderly' })
  onEvent(event: { step: string }): void {
    lines.print(`step ${event.step}`);
  }

  @RocketMQListener({ topic: ['audit', 'metrics'], group: 'small-reader' })
  onSmall(payload: unknown, context: RocketMQContext): void {
    lines.print(`${context.topic}: ${JSON.stringify(payload)}`);
  }

  @RocketMQListener({ topic: 'formats', group: 'formats-reader' })
  onFormat(payload: unknown, context: RocketMQContext): void {
    const shown =
      payload instanceof Uint8Array ? `${payload.length} bytes` : JSON.stringify(payload);
    lines.print(`${context.property('contentType') ?? 'no content type'}: ${shown}`);
  }

  @RocketMQListener({ topic: 'kept', group: 'archive', connection: 'archive' })
  onKept(order: Order): void {
    lines.print(`archived ${order.id}`);
  }
}
// #endregion

// #region module
const servers = await EmbeddedRocketMQ.start();
const others = await EmbeddedRocketMQ.start();

@Module({
  imports: [
    RocketMQModule.forRoot({
      nameServers: servers.nameServers,
      producer: { group: 'shop', sendTimeout: '3s', retries: 2 },
      consumer: { from: 'first' },
      connections: { archive: { nameServers: others.nameServers, consumer: { from: 'first' } } },
    }),
    ExportsModule,
  ],
  providers: [Orders, Reminders, Formats, Archive, Readers],
})
export class AppModule {}
// #endregion

const app = await NestFactory.createApplicationContext(AppModule, { logger: ['error'] });
const order = { id: 'o1', total: 30 };
await app.get(Orders).place(order);
await app.get(Orders).closeLater(order);
await app.get(Reminders).remind(order);
await app.get(Formats).show();
await app.get(Exports).add(['o1', '30']);
await app.get(Archive).keep(order);
await lines.until(14);
await app.close();
await servers.close();
await others.close();

// Prints:
//   placed: SEND_OK, with an id
//   placed o1, region eu
//   step placed
//   step paid
//   audit: {"id":"o1","total":30}
//   metrics: "placed"
//   close o1, region unknown
//   no timers at this broker
//   application/json: {"as":"JSON"}
//   text/plain;charset=UTF-8: "as it is"
//   application/octet-stream: 3 bytes
//   application/msgpack: {"as":"MessagePack"}
//   row of 2: o1 30
//   archived o1
