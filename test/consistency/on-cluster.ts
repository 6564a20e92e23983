import type { DynamicModule, Provider } from '@nestjs/common';
import { ROCKETMQ_CLIENT_FACTORY, RocketMQModule, type ClientFactory } from 'nestjs-rocketmq';

/** The module with its client factory replaced, wherever `RocketMQModule` stands in it. */
export function onCluster(module: DynamicModule, clients: ClientFactory): DynamicModule {
  const replaced: Provider = { provide: ROCKETMQ_CLIENT_FACTORY, useValue: clients };
  const imports = (module.imports ?? []).map((one) => {
    const inner = one as DynamicModule;
    if (inner.module !== RocketMQModule) return inner;
    const [core, ...others] = (inner.imports ?? []) as DynamicModule[];
    const changed = { ...core, providers: [...(core?.providers ?? []), replaced] };
    return { ...inner, imports: [changed as DynamicModule, ...others] };
  });
  return { ...module, imports };
}
