import { ResourceStack } from '@nestjs-rocketmq/foundation';
import type { Clock, LogSinks, Resource, StatusServer } from '@nestjs-rocketmq/foundation';
import { Turn } from '@nestjs-rocketmq/foundation';
import { RemotingServer } from '@nestjs-rocketmq/remoting';
import type { ListenAddress, Network, Router } from '@nestjs-rocketmq/remoting';
import type { NameserverOptions } from './nameserver.config.js';
import type { BrokerLiveness } from './registration/broker-liveness.js';
import type { RouteTable } from './route/route-table.js';

export interface NameserverServerParts {
  readonly options: NameserverOptions;
  readonly router: Router;
  readonly liveness: BrokerLiveness;
  readonly clock: Clock;
  readonly log: LogSinks;
  readonly table: RouteTable;
  readonly servesRoutes: () => boolean;
  /** Undefined means the network of this machine. */
  readonly network: Network | undefined;
}

/** Opens the port on the routes and closes it: the one place with a life cycle. */
export class NameserverServer implements Resource {
  private readonly resources = new ResourceStack();
  private server: RemotingServer | undefined;
  private status: StatusServer | undefined;

  constructor(private readonly parts: NameserverServerParts) {}

  /** With the port really taken. Throws before the server is open. */
  get address(): ListenAddress {
    if (this.server === undefined) throw new TypeError('The nameserver is not open.');
    return this.server.address;
  }

  /** Port of metrics and health, when they are served. */
  get statusPort(): number | undefined {
    return this.status?.port;
  }

  /** Rejects with `ListenError` or `StatusPortError` when a port cannot be taken. */
  async open(): Promise<void> {
    const { options, router, liveness, clock, log, network } = this.parts;
    this.resources.use(log);
    const server = await RemotingServer.listen({
      host: options.bindAddress,
      port: options.listenPort,
      router,
      turn: new Turn(),
      network,
      clock,
      logger: log.logger,
      limits: { idleMs: options.serverChannelMaxIdleTimeSeconds * 1000 },
    });
    this.server = server;
    this.resources.defer(() => server.close());
    const sweep = clock.every(options.scanNotActiveBrokerInterval, () => liveness.sweep());
    this.resources.defer(() => sweep.cancel());
    if (options.metricsExporterType === 'PROM') await this.openStatus(server);
  }

  /** Metrics and health are loaded when they are wanted. */
  private async openStatus(server: RemotingServer): Promise<void> {
    const { openStatus } = await import('./status/open-status.js');
    try {
      const connections = (): number => server.peers().size;
      this.status = this.resources.use(await openStatus({ ...this.parts, connections }));
    } catch (error) {
      await this.resources.close();
      throw error;
    }
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
