import { Module } from '@nestjs/common';
import type { DynamicModule } from '@nestjs/common';
import { RocketMQModule } from 'nestjs-rocketmq';
import { RocketMQConsistencyModule, typeOrmStorage } from 'nestjs-rocketmq/consistency';
import { DataSource } from 'typeorm';
import { Groups } from './contracts.js';
import { DatabaseModule, MESSAGING_SCHEMA } from './database/database.module.js';
import { SETTINGS } from './settings.js';
import type { Settings } from './settings.js';
import { WebModule } from './web/web.module.js';

/** The settings, for everybody. */
@Module({})
class SettingsModule {
  static with(settings: Settings): DynamicModule {
    return {
      module: SettingsModule,
      global: true,
      providers: [{ provide: SETTINGS, useValue: settings }],
      exports: [SETTINGS],
    };
  }
}

/** Orders, inventory, payments, points and the broker they talk through, in one application. */
@Module({})
export class AppModule {
  /** @param nameServers the cluster to use: `settings.nameServers`, or that of an embedded one. */
  static with(settings: Settings, nameServers: string): DynamicModule {
    return {
      module: AppModule,
      imports: [
        SettingsModule.with(settings),
        DatabaseModule,
        RocketMQModule.forRoot({ nameServers, producer: { group: Groups.Producer } }),
        RocketMQConsistencyModule.forRootAsync({
          inject: [DataSource],
          useFactory: (dataSource: DataSource) => ({
            storage: typeOrmStorage(dataSource, { schema: MESSAGING_SCHEMA }),
            localDeadline: settings.localDeadline,
            outbox: { pollInterval: settings.outboxRetry, lease: '10s', maxRetryDelay: '5s' },
          }),
        }),
        WebModule,
      ],
    };
  }
}
