import type { DynamicModule, Provider } from '@nestjs/common';
import {
  ROCKETMQ_CLIENT_FACTORY,
  RocketMQModule,
  type RocketMQModuleOptions,
} from 'nestjs-rocketmq';
import type { TestKitOptions } from './kit-options.js';
import { RocketMQTestKit } from './test-kit.js';

/** Options of `RocketMQTestingModule.forTest`. */
export interface TestingModuleOptions extends Omit<Partial<RocketMQModuleOptions>, 'clock'> {
  /** A kit that is already there and outlives the application, or options of one that goes with it. */
  readonly kit?: RocketMQTestKit | TestKitOptions;
}

/**
 * `RocketMQModule.forRoot` on an embedded broker with virtual time, for tests that put their module
 * together themselves.
 *
 * @example
 * ```ts
 * const moduleRef = await Test.createTestingModule({
 *   imports: [RocketMQTestingModule.forTest(), OrdersModule],
 * }).compile();
 * const app = await moduleRef.createNestApplication().init();
 * const mq = app.get(RocketMQTestKit);
 * ```
 */
export class RocketMQTestingModule {
  /** The kit can be injected as `RocketMQTestKit`; it is closed with the application. */
  static forTest({ kit, ...options }: TestingModuleOptions = {}): DynamicModule {
    // The kit has its own addresses; these only say which connections there are.
    const module = RocketMQModule.forRoot({ nameServers: '127.0.0.1:9876', ...options });
    const [core, ...others] = (module.imports ?? []) as DynamicModule[];
    const own: Provider[] = [
      {
        provide: RocketMQTestKit,
        useFactory: () =>
          kit instanceof RocketMQTestKit ? kit : RocketMQTestKit.open(kit ?? {}, 'close'),
      },
      {
        provide: ROCKETMQ_CLIENT_FACTORY,
        inject: [RocketMQTestKit],
        useFactory: (started: RocketMQTestKit) => started.clients,
      },
    ];
    const redirected = {
      ...(core as DynamicModule),
      providers: [...(core?.providers ?? []), ...own],
      exports: [...(core?.exports ?? []), RocketMQTestKit],
    };
    return { ...module, imports: [redirected, ...others] };
  }
}
