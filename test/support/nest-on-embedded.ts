import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import type { INestApplicationContext, LoggerService, ModuleMetadata } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { EmbeddedRocketMQ, silentLogger } from '@nestjs-rocketmq/embedded';
import { createTopic } from './registration.js';
import { RocketMQModule, type RocketMQModuleOptions } from 'nestjs-rocketmq';

/** Short times, so that retries, delays and check-backs come within a second or two. */
export const quickBroker = {
  messageDelayLevel: '1s 1s 1s 1s 1s 1s',
  transactionTimeOut: 500,
  transactionCheckInterval: 500,
};

/** Servers with topics of four queues each, so that consumers need not wait for the first send. */
export async function startEmbedded(
  topics: readonly string[],
  broker: Record<string, unknown> = {},
  nameserver: Record<string, unknown> = {},
  dir?: string,
): Promise<EmbeddedRocketMQ> {
  const embedded = await EmbeddedRocketMQ.start({
    broker: { ...quickBroker, ...broker },
    nameserver,
    ...(dir === undefined ? {} : { dir }),
    logger: silentLogger,
  });
  for (const topic of topics) await createTopic(embedded.brokerAddress, topic, 4);
  return embedded;
}

/** Nest's log as lines. */
export class LogLines implements LoggerService {
  readonly lines: string[] = [];
  log(text: unknown): void {
    this.lines.push(`log ${String(text)}`);
  }
  warn(text: unknown): void {
    this.lines.push(`warn ${String(text)}`);
  }
  error(text: unknown): void {
    this.lines.push(`error ${String(text)}`);
  }
}

/** A running application with the module on the embedded servers. */
export async function startNest(
  embedded: { readonly nameServers: string | readonly string[]; readonly dir: string },
  metadata: ModuleMetadata,
  options: Partial<RocketMQModuleOptions> = {},
  logger: LoggerService = new LogLines(),
): Promise<INestApplicationContext> {
  const root = RocketMQModule.forRoot({
    nameServers: embedded.nameServers,
    // How slow the machine is, is not what specs ask about.
    producer: { group: 'spec', sendTimeout: '60s' },
    consumer: { from: 'first', offsetDirectory: join(embedded.dir, randomUUID()) },
    ...options,
  });
  const module = await Test.createTestingModule({
    ...metadata,
    imports: [root, ...(metadata.imports ?? [])],
  })
    .setLogger(logger)
    .compile();
  return module.init();
}
