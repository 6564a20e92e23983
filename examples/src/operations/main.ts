import 'reflect-metadata';
import { Controller, Get, Injectable, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { HealthCheck, HealthCheckService, TerminusModule } from '@nestjs/terminus';
import { EmbeddedRocketMQ } from '@nestjs-rocketmq/embedded';
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-base';
import {
  NonRetryableError,
  OnRocketMQEvent,
  RocketMQHealthIndicator,
  RocketMQListener,
  RocketMQModule,
  RocketMQTemplate,
  type DeadLetterEvent,
} from 'nestjs-rocketmq';
import { Registry } from 'prom-client';
import { Lines } from '../lines.js';

const lines = new Lines();

// #region health
@Controller('health')
export class HealthController {
  constructor(
    private readonly health: HealthCheckService,
    private readonly rocketmq: RocketMQHealthIndicator,
  ) {}

  /** Takes traffic: servers are reached, groups run and do not lag. */
  @Get('ready')
  @HealthCheck()
  ready() {
    return this.health.check([() => this.rocketmq.readiness('rocketmq', { maxLag: 10_000 })]);
  }

  /** A restart would not help with servers that are gone, but with a consumer that is stuck. */
  @Get('live')
  @HealthCheck()
  live() {
    return this.health.check([() => this.rocketmq.liveness('rocketmq')]);
  }
}
// #endregion

// #region events
@Injectable()
class Payments {
  @RocketMQListener({ topic: 'orders', group: 'payments', from: 'first' })
  onOrder(order: { id: string }): void {
    if (order.id === 'bad') throw new NonRetryableError('no such order');
    lines.print(`paid ${order.id}`);
  }
}

@Injectable()
export class Pager {
  @OnRocketMQEvent('dead-letter')
  onDeadLetter(event: DeadLetterEvent): void {
    lines.print(`dead letter of ${event.group}: ${event.reason}`);
  }
}
// #endregion

const servers = await EmbeddedRocketMQ.start();
// #region module
const registry = new Registry();
const spans = new InMemorySpanExporter();
const tracerProvider = new BasicTracerProvider({
  spanProcessors: [new SimpleSpanProcessor(spans)],
});

@Module({
  imports: [
    TerminusModule,
    RocketMQModule.forRoot({
      nameServers: servers.nameServers,
      startup: { timeout: '10s', failFast: false },
      metrics: { registry }, // or true, for the default registry of prom-client
      telemetry: { tracerProvider }, // or true, for the provider that is registered
    }),
  ],
  controllers: [HealthController],
  providers: [Payments, Pager],
})
export class AppModule {}
// #endregion

const app = await NestFactory.createApplicationContext(AppModule, { logger: false });
const template = app.get(RocketMQTemplate);
await template.send('orders', { id: 'o1' });
await template.send('orders', { id: 'bad' });
await lines.until(2);
const { status } = await app.get(HealthController).live();
lines.print(`alive: ${status}`);
await app.close();
const names = new Set(spans.getFinishedSpans().map((span) => span.name));
lines.print(`spans: ${[...names].toSorted().join(', ')}`);
await servers.close();

// Prints:
//   paid o1
//   dead letter of payments: no such order
//   alive: ok
//   spans: process orders, receive orders, send orders
