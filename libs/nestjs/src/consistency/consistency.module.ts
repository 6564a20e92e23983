import {
  Inject,
  Module,
  type BeforeApplicationShutdown,
  type DynamicModule,
  type ModuleMetadata,
  type OnApplicationBootstrap,
  type OnModuleInit,
  type Provider,
  type Type,
} from '@nestjs/common';
import { DiscoveryModule } from '@nestjs/core';
import { OutboxProbe } from '../operations/outbox-probe.js';
import { ConsistencySetupError } from './consistency.errors.js';
import {
  readConsistencyOptions,
  type ConsistencySettings,
  type RocketMQConsistencyAsyncOptions,
  type RocketMQConsistencyOptions,
  type RocketMQConsistencyOptionsFactory,
} from './consistency.options.js';
import {
  CONSISTENCY_OPTIONS,
  CONSISTENCY_SETTINGS,
  CONSISTENCY_STORAGE,
} from './consistency.tokens.js';
import { IdempotencyService } from './idempotency.service.js';
import { IdempotentChecks } from './idempotent-checks.js';
import { OutboxRelay } from './outbox/outbox-relay.js';
import { OutboxService } from './outbox/outbox.service.js';
import { RetentionSweeper } from './retention-sweeper.js';
import { CONSISTENCY_VERSION } from './storage/sql-migrations.js';
import { TransactionFence } from './transaction-fence.js';

/**
 * What an application needs beside messages to stay consistent: effects that happen once, local
 * transactions that agree with their messages, and an outbox. Import it once, in the root module,
 * beside `RocketMQModule`; its services can be injected everywhere.
 *
 * It uses no database of its own but yours, in your transactions. Who made the connection closes it;
 * the relay ends before Nest's `onApplicationShutdown`, where it is usually closed.
 */
@Module({})
export class RocketMQConsistencyModule
  implements OnModuleInit, OnApplicationBootstrap, BeforeApplicationShutdown
{
  constructor(
    @Inject(CONSISTENCY_SETTINGS) private readonly settings: ConsistencySettings,
    @Inject(OutboxRelay) private readonly relay: OutboxRelay,
    @Inject(RetentionSweeper) private readonly sweeper: RetentionSweeper,
    @Inject(IdempotentChecks) private readonly checks: IdempotentChecks,
    @Inject(OutboxProbe) probe: OutboxProbe,
  ) {
    probe.register(() => settings.storage.lag());
  }

  static forRoot<Tx>(options: RocketMQConsistencyOptions<Tx>): DynamicModule {
    return compose([{ provide: CONSISTENCY_OPTIONS, useValue: options }]);
  }

  /** Options from a factory: the way to take a `DataSource` or `Pool` out of the container. */
  static forRootAsync(options: RocketMQConsistencyAsyncOptions): DynamicModule {
    return compose(asyncProviders(options), options.imports);
  }

  /** Makes or checks the tables, before anything consumes. */
  async onModuleInit(): Promise<void> {
    this.checks.check();
    const { storage, migrate } = this.settings;
    if (migrate) await storage.migrate();
    const version = await storage.version();
    if (version >= CONSISTENCY_VERSION) return;
    const found = version === 0 ? 'are not there' : `are of version ${version}`;
    throw new ConsistencySetupError(
      `The tables of the consistency toolkit ${found}, version ${CONSISTENCY_VERSION} is needed. ` +
        'With TypeORM add ...consistencyMigrations() to the migrations of the DataSource and run ' +
        "them; else set 'migrate: true' in RocketMQConsistencyModule.forRoot, or call " +
        'storage.migrate() when you deploy.',
      { details: { version, needed: CONSISTENCY_VERSION } },
    );
  }

  onApplicationBootstrap(): void {
    if (this.settings.outbox.relay) this.relay.start();
    this.sweeper.start();
  }

  /** After the listeners have drained, before databases and producers close. */
  async beforeApplicationShutdown(): Promise<void> {
    await this.relay.stop();
    await this.sweeper.stop();
  }
}

const services = [IdempotencyService, TransactionFence, OutboxService, OutboxRelay];

function compose(options: Provider[], imports: ModuleMetadata['imports'] = []): DynamicModule {
  return {
    module: RocketMQConsistencyModule,
    global: true,
    imports: [DiscoveryModule, ...imports],
    providers: [
      ...options,
      {
        provide: CONSISTENCY_SETTINGS,
        inject: [CONSISTENCY_OPTIONS],
        useFactory: readConsistencyOptions,
      },
      {
        provide: CONSISTENCY_STORAGE,
        inject: [CONSISTENCY_SETTINGS],
        useFactory: ({ storage }: ConsistencySettings) => storage,
      },
      ...services,
      RetentionSweeper,
      IdempotentChecks,
    ],
    exports: [CONSISTENCY_STORAGE, CONSISTENCY_SETTINGS, ...services],
  };
}

function asyncProviders(options: RocketMQConsistencyAsyncOptions): Provider[] {
  const { inject = [], useFactory, useClass, useExisting } = options;
  if (useFactory !== undefined) {
    return [{ provide: CONSISTENCY_OPTIONS, inject: [...inject] as never[], useFactory }];
  }
  const factory = useClass ?? useExisting;
  if (factory === undefined) {
    throw new ConsistencySetupError(
      'RocketMQConsistencyModule.forRootAsync: give useFactory, useClass or useExisting.',
    );
  }
  const provider: Provider = {
    provide: CONSISTENCY_OPTIONS,
    inject: [factory],
    useFactory: (made: RocketMQConsistencyOptionsFactory) => made.createConsistencyOptions(),
  };
  return useClass === undefined ? [provider] : [useClass as Type, provider];
}
