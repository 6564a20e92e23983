import type {
  DynamicModule,
  INestApplicationContext,
  LoggerService,
  ModuleMetadata,
} from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ROCKETMQ_CLIENT_FACTORY, RocketMQModule, type RocketMQModuleOptions } from '../index.js';
import { FakeClients } from './fake-client.js';

/** Keeps what is logged instead of printing it. */
export class LinesLogger implements LoggerService {
  readonly lines: string[] = [];

  log(message: unknown): void {
    this.lines.push(`log ${String(message)}`);
  }

  warn(message: unknown): void {
    this.lines.push(`warn ${String(message)}`);
  }

  error(message: unknown): void {
    this.lines.push(`error ${String(message)}`);
  }

  of(level: string): string[] {
    return this.lines.filter((line) => line.startsWith(`${level} `));
  }
}

export interface TestApplication {
  readonly app: INestApplicationContext;
  readonly clients: FakeClients;
  readonly logger: LinesLogger;
}

export const testOptions: RocketMQModuleOptions = {
  nameServers: 'localhost:9876',
  producer: { group: 'orders-service' },
};

/** The module with its client factory replaced. */
export function onFakeClients(module: DynamicModule, clients: FakeClients): DynamicModule {
  const replaced = (inner: DynamicModule): DynamicModule => ({
    ...inner,
    providers: [
      ...(inner.providers ?? []),
      { provide: ROCKETMQ_CLIENT_FACTORY, useValue: clients },
    ],
  });
  const [core, ...others] = (module.imports ?? []) as DynamicModule[];
  return { ...module, imports: [replaced(core as DynamicModule), ...others] };
}

/** An application on fake clients, initialised. */
export async function startApplication(
  metadata: ModuleMetadata,
  options: RocketMQModuleOptions = testOptions,
  clients: FakeClients = new FakeClients(),
): Promise<TestApplication> {
  const root = RocketMQModule.forRoot(options);
  return startWith(
    { ...metadata, imports: [onFakeClients(root, clients), ...(metadata.imports ?? [])] },
    clients,
  );
}

/** The same with modules as they are given. */
export async function startWith(
  metadata: ModuleMetadata,
  clients: FakeClients,
): Promise<TestApplication> {
  class RootModule {}
  const logger = new LinesLogger();
  const module: DynamicModule = { module: RootModule, ...metadata };
  const app = await NestFactory.createApplicationContext(module, { logger, abortOnError: false });
  return { app, clients, logger };
}

/** The error with which an application refuses to start. */
export async function refusal(
  metadata: ModuleMetadata,
  options: RocketMQModuleOptions = testOptions,
): Promise<{ readonly message: string; readonly code: string; readonly codes: string[] }> {
  try {
    const { app } = await startApplication(metadata, options);
    await app.close();
  } catch (error) {
    const { message, code, problems } = error as {
      message: string;
      code: string;
      problems: { code: string }[];
    };
    return { message, code, codes: problems.map((problem) => problem.code) };
  }
  throw new Error('the application started');
}
