import { Module, type DynamicModule, type Provider, type Type } from '@nestjs/common';
import { RocketMQListenerModule } from './listener/rocketmq-listener.module.js';
import { RocketMQSetupError } from './nestjs.errors.js';
import type {
  FeatureTemplate,
  RocketMQFeatureOptions,
  RocketMQModuleAsyncOptions,
  RocketMQModuleOptions,
  RocketMQOptionsFactory,
} from './options/module-options.js';
import { DEFAULT_CONNECTION } from './rocketmq.constants.js';
import { RocketMQConnections } from './rocketmq.connections.js';
import { RocketMQCoreModule } from './rocketmq-core.module.js';
import { ROCKETMQ_OPTIONS, getRocketMQTemplateToken } from './rocketmq.tokens.js';
import { RocketMQTemplate } from './template/rocketmq.template.js';

/**
 * RocketMQ for a Nest application: import `forRoot` or `forRootAsync` once, in the root module.
 * Templates can then be injected everywhere, and every `@RocketMQListener` of a provider consumes.
 */
@Module({})
export class RocketMQModule {
  static forRoot(options: RocketMQModuleOptions): DynamicModule {
    const provider = { provide: ROCKETMQ_OPTIONS, useValue: options };
    const templates = Object.keys(options.connections ?? {});
    return compose(RocketMQCoreModule.register([provider], [], templates));
  }

  /**
   * Options from a factory. Templates of named connections are injectable everywhere when their
   * names stand in `templates`, otherwise in the modules that import `forFeature`.
   */
  static forRootAsync(options: RocketMQModuleAsyncOptions): DynamicModule {
    const { imports, templates = [] } = options;
    return compose(RocketMQCoreModule.register(asyncProviders(options), imports, templates));
  }

  /** Templates for the importing module: connections by name, or producers of their own. */
  static forFeature(options: RocketMQFeatureOptions): DynamicModule {
    const providers = options.templates.map(featureProvider);
    return {
      module: RocketMQModule,
      providers,
      exports: providers.map((provider) => provider.provide),
    };
  }
}

function compose(core: DynamicModule): DynamicModule {
  return { module: RocketMQModule, imports: [core, RocketMQListenerModule] };
}

function asyncProviders(options: RocketMQModuleAsyncOptions): Provider[] {
  const { inject = [], useFactory, useClass, useExisting } = options;
  if (useFactory !== undefined) {
    return [{ provide: ROCKETMQ_OPTIONS, inject: [...inject] as never[], useFactory }];
  }
  const factory = useClass ?? useExisting;
  if (factory === undefined) {
    const sentence = 'RocketMQModule.forRootAsync: give useFactory, useClass or useExisting';
    throw new RocketMQSetupError([{ code: 'ROCKETMQ_OPTION_INVALID', sentence }]);
  }
  const provider: Provider = {
    provide: ROCKETMQ_OPTIONS,
    inject: [factory],
    useFactory: (made: RocketMQOptionsFactory) => made.createRocketMQOptions(),
  };
  return useClass === undefined ? [provider] : [useClass as Type, provider];
}

function featureProvider(given: string | FeatureTemplate) {
  const feature: FeatureTemplate =
    typeof given === 'string' ? { name: given, connection: given } : given;
  return {
    provide: getRocketMQTemplateToken(feature.name),
    inject: [RocketMQConnections],
    useFactory: (connections: RocketMQConnections) =>
      new RocketMQTemplate(
        connections.sender(
          feature.connection ?? DEFAULT_CONNECTION,
          feature.name,
          feature.producer,
        ),
      ),
  };
}
