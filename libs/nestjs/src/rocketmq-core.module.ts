import {
  Inject,
  Module,
  type DynamicModule,
  type ModuleMetadata,
  type OnApplicationShutdown,
  type OnModuleInit,
  type Provider,
} from '@nestjs/common';
import { DiscoveryModule } from '@nestjs/core';
import { rocketMQClientFactory } from './client-factory.js';
import { EntryPoints } from './listener/entry-points.js';
import { HostResolver } from './listener/handler-host.js';
import { HandlerEnhancers } from './listener/handler-enhancers.js';
import { HandlerInvokers } from './listener/handler-invoker.js';
import { RocketMQListenerRegistry } from './listener/listener-registry.js';
import { RocketMQExplorer } from './listener/rocketmq.explorer.js';
import { EventBinder } from './operations/event-binder.js';
import { OutboxProbe } from './operations/outbox-probe.js';
import { RocketMQEvents } from './operations/rocketmq-events.js';
import { RocketMQHealthIndicator } from './operations/rocketmq.health-indicator.js';
import { RocketMQOperations } from './operations/rocketmq-operations.js';
import { DEFAULT_CONNECTION } from './rocketmq.constants.js';
import { RocketMQConnections } from './rocketmq.connections.js';
import { RocketMQSetup } from './rocketmq.setup.js';
import { ROCKETMQ_CLIENT_FACTORY, getRocketMQTemplateToken } from './rocketmq.tokens.js';
import { RocketMQTemplate } from './template/rocketmq.template.js';

/** The provider of a connection's template. */
export function templateProvider(connection: string) {
  // An application may do without a default connection, so that one is missed when it is used.
  const name = connection === DEFAULT_CONNECTION ? undefined : connection;
  return {
    provide: getRocketMQTemplateToken(connection),
    inject: [RocketMQConnections],
    useFactory: (connections: RocketMQConnections) =>
      new RocketMQTemplate(connections.sender(connection, name)),
  };
}

const plumbing: readonly Provider[] = [
  { provide: ROCKETMQ_CLIENT_FACTORY, useValue: rocketMQClientFactory },
  RocketMQConnections,
  RocketMQEvents,
  EventBinder,
  OutboxProbe,
  RocketMQOperations,
  RocketMQHealthIndicator,
  RocketMQListenerRegistry,
  RocketMQExplorer,
  RocketMQSetup,
  HostResolver,
  EntryPoints,
  HandlerEnhancers,
  HandlerInvokers,
];

/**
 * Options, connections and templates. Global, so that Nest initialises it before every other module
 * and shuts it down after them: producers work in everybody's `onModuleInit` and
 * `onModuleDestroy`.
 */
@Module({})
export class RocketMQCoreModule implements OnModuleInit, OnApplicationShutdown {
  constructor(
    @Inject(RocketMQConnections) private readonly connections: RocketMQConnections,
    @Inject(RocketMQSetup) private readonly setup: RocketMQSetup,
    @Inject(RocketMQOperations) private readonly operations: RocketMQOperations,
  ) {}

  /** `options` are the providers of `ROCKETMQ_OPTIONS`, `templates` those that all may inject. */
  static register(
    options: readonly Provider[],
    imports: ModuleMetadata['imports'],
    templates: readonly ReturnType<typeof templateProvider>[],
  ): DynamicModule {
    return {
      module: RocketMQCoreModule,
      global: true,
      imports: [DiscoveryModule, ...(imports ?? [])],
      providers: [...options, ...plumbing, ...templates],
      exports: [
        RocketMQConnections,
        RocketMQEvents,
        OutboxProbe,
        RocketMQHealthIndicator,
        RocketMQListenerRegistry,
        ...templates.map(({ provide }) => provide),
      ],
    };
  }

  async onModuleInit(): Promise<void> {
    try {
      this.setup.prepare(RocketMQCoreModule);
      await this.operations.start();
      await this.connections.start();
    } catch (error) {
      // An application that does not start leaves nothing open: Nest calls no hook for it.
      await this.onApplicationShutdown();
      throw error;
    }
  }

  async onApplicationShutdown(): Promise<void> {
    await this.connections.close();
    this.operations.close();
  }
}
