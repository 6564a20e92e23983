import { Module } from '@nestjs/common';
import type { DynamicModule } from '@nestjs/common';
import { NameserverServer } from './nameserver.server.js';
import { prepareNameserver } from './start-nameserver.js';
import type { StartNameserverOptions } from './start-nameserver.js';

/**
 * A nameserver inside a Nest application: it opens when the application has bootstrapped and
 * closes when it shuts down. The process `mqnamesrv` composes the same server without Nest, which
 * would take three quarters of its start and forty percent of its memory.
 */
@Module({})
export class NameserverModule {
  /** Wrong options reject where the application is created, with `OptionsError`. */
  static forRoot(options: StartNameserverOptions = {}): DynamicModule {
    const useFactory = (): NameserverServer => prepareNameserver(options);
    return {
      module: NameserverModule,
      providers: [{ provide: NameserverServer, useFactory }],
      exports: [NameserverServer],
    };
  }
}
