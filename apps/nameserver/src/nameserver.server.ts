import { ResourceStack } from '@nestjs-rocketmq/foundation';
import type { Clock, Logger, Resource } from '@nestjs-rocketmq/foundation';
import { Turn } from '@nestjs-rocketmq/foundation';
import { RemotingServer } from '@nestjs-rocketmq/remoting';
import type { ListenAddress, Network, Router } from '@nestjs-rocketmq/remoting';
import type { NameserverOptions } from './nameserver.config.js';
import type { BrokerLiveness } from './registration/broker-liveness.js';

export interface NameserverServerParts {
  readonly options: NameserverOptions;
  readonly router: Router;
  readonly liveness: BrokerLiveness;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Undefined means the network of this machine. */
  readonly network: Network | undefined;
}

/** Opens the port on the routes and closes it: the one place with a life cycle. */
export class NameserverServer implements Resource {
  private readonly resources = new ResourceStack();
  private server: RemotingServer | undefined;

  constructor(private readonly parts: NameserverServerParts) {}

  /** With the port really taken. Throws before the server is open. */
  get address(): ListenAddress {
    if (this.server === undefined) throw new TypeError('The nameserver is not open.');
    return this.server.address;
  }

  /** Rejects with `ListenError` when the port cannot be taken. */
  async open(): Promise<void> {
    const { options, router, liveness, clock, logger, network } = this.parts;
    const server = await RemotingServer.listen({
      host: options.bindAddress,
      port: options.listenPort,
      router,
      turn: new Turn(),
      network,
      clock,
      logger,
      limits: { idleMs: options.serverChannelMaxIdleTimeSeconds * 1000 },
    });
    this.server = server;
    this.resources.defer(() => server.close());
    const sweep = clock.every(options.scanNotActiveBrokerInterval, () => liveness.sweep());
    this.resources.defer(() => sweep.cancel());
  }

  /** Answers what is being worked on, then closes. */
  close(): Promise<void> {
    return this.resources.close();
  }

  /** Called by Nest. */
  onApplicationBootstrap(): Promise<void> {
    return this.open();
  }

  /** Called by Nest. */
  onApplicationShutdown(): Promise<void> {
    return this.close();
  }
}
