import {
  Inject,
  Injectable,
  Module,
  type OnApplicationBootstrap,
  type OnModuleDestroy,
} from '@nestjs/common';
import { ModulesContainer } from '@nestjs/core';
import { RocketMQConnections } from '../rocketmq.connections.js';
import { RocketMQListenerRegistry } from './listener-registry.js';

/** Starts the listeners when everything else has started, and stops them before anything else. */
@Injectable()
class ListenerRunner implements OnApplicationBootstrap, OnModuleDestroy {
  constructor(
    @Inject(RocketMQListenerRegistry) private readonly registry: RocketMQListenerRegistry,
    @Inject(RocketMQConnections) private readonly connections: RocketMQConnections,
    @Inject(ModulesContainer) modules: ModulesContainer,
  ) {
    // Nest calls hooks by a module's distance from the root, the root's own (0) last on start and
    // first on stop. Below zero comes after the root, and before it on the way down.
    for (const module of modules.values()) {
      if (module.metatype === RocketMQListenerModule) module.distance = -1;
    }
  }

  async onApplicationBootstrap(): Promise<void> {
    try {
      await this.registry.startAll();
      await this.connections.startPulling();
    } catch (error) {
      // An application that does not start leaves nothing open: Nest calls no hook for it.
      await this.registry.stopAll();
      await this.connections.stopPulling();
      await this.connections.close();
      throw error;
    }
  }

  async onModuleDestroy(): Promise<void> {
    await Promise.all([this.registry.stopAll(), this.connections.stopPulling()]);
  }
}

/** Not global, so that its place in the order of hooks is its own; see `ListenerRunner`. */
@Module({ providers: [ListenerRunner] })
export class RocketMQListenerModule {}
