import {
  type DynamicModule,
  Module,
  type OnApplicationBootstrap,
  type OnApplicationShutdown,
} from '@nestjs/common';
import { BrokerStartError } from './broker.errors.js';
import { type BrokerOptions, type RunningBroker, startBroker } from './broker.server.js';

/** The broker of a Nest application: serves from its bootstrap to its shutdown. */
export class BrokerServer implements OnApplicationBootstrap, OnApplicationShutdown {
  private current: RunningBroker | undefined;

  constructor(private readonly options: BrokerOptions) {}

  /** Throws `BrokerStartError` before the application has bootstrapped and after its shutdown. */
  get running(): RunningBroker {
    if (this.current !== undefined) return this.current;
    throw new BrokerStartError('The broker runs from the bootstrap of the application on.');
  }

  async onApplicationBootstrap(): Promise<void> {
    this.current = await startBroker(this.options);
  }

  async onApplicationShutdown(): Promise<void> {
    const running = this.current;
    this.current = undefined;
    await running?.close();
  }
}

/**
 * A broker inside a Nest application. The process `mqbroker` composes the same broker without Nest,
 * which would take most of its start and forty percent of its memory.
 */
@Module({})
export class BrokerModule {
  static forRoot(options: BrokerOptions = {}): DynamicModule {
    return {
      module: BrokerModule,
      providers: [{ provide: BrokerServer, useFactory: () => new BrokerServer(options) }],
      exports: [BrokerServer],
    };
  }
}
