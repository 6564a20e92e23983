import {
  Module,
  type DynamicModule,
  type ModuleMetadata,
  type Provider,
  type Type,
} from '@nestjs/common';
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
import { RocketMQCoreModule, templateProvider } from './rocketmq-core.module.js';
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
    const names = Object.keys(options?.connections ?? {});
    return compose([provider], [], names, options?.isGlobal);
  }

  /**
   * Options from a factory. Templates of named connections are injectable everywhere when their
   * names stand in `templates`, otherwise in the modules that import `forFeature`.
   */
  static forRootAsync(options: RocketMQModuleAsyncOptions): DynamicModule {
    const { imports, templates = [], isGlobal } = options;
    return compose(asyncProviders(options), imports, templates, isGlobal);
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

function compose(
  options: Provider[],
  imports: ModuleMetadata['imports'],
  names: readonly string[],
  isGlobal = true,
): DynamicModule {
  const templates = [...new Set([DEFAULT_CONNECTION, ...names])].map(templateProvider);
  // Connections and listeners are the application's in any case; only templates are kept apart.
  const core = RocketMQCoreModule.register(options, imports, isGlobal ? templates : []);
  const here = isGlobal ? [] : templates;
  return {
    module: RocketMQModule,
    imports: [core, RocketMQListenerModule],
    providers: here,
    exports: here.map(({ provide }) => provide),
  };
}

function asyncProviders(options: RocketMQModuleAsyncOptions): Provider[] {
  const { inject = [], useFactory, useClass, useExisting } = options;
  const given = [useFactory, useClass, useExisting].filter((one) => one !== undefined);
  if (given.length !== 1) {
    const many = given.length === 0 ? 'none is given' : `${given.length} are given`;
    const sentence = `RocketMQModule.forRootAsync: give one of useFactory, useClass and useExisting; ${many}`;
    throw new RocketMQSetupError([{ code: 'ROCKETMQ_OPTION_INVALID', sentence }]);
  }
  if (useFactory !== undefined) {
    return [{ provide: ROCKETMQ_OPTIONS, inject: [...inject] as never[], useFactory }];
  }
  const factory = (useClass ?? useExisting) as Type<RocketMQOptionsFactory>;
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
      new RocketMQTemplate(connections.featureSender(feature)),
  };
}
