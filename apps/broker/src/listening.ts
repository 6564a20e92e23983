import type { Clock, Logger, Resource, Turn } from '@nestjs-rocketmq/foundation';
import { requestCodes, type RequestName } from '@nestjs-rocketmq/protocol';
import {
  type ListenAddress,
  ListenError,
  type Network,
  RemotingServer,
  type RemotingServerOptions,
  type RequestLatencies,
  type Router,
  type StorageGate,
} from '@nestjs-rocketmq/remoting';
import type { BrokerConfig } from './broker.config.js';

export interface ListeningParts {
  readonly config: BrokerConfig;
  readonly router: Router;
  readonly turn: Turn;
  readonly gate: StorageGate;
  readonly network: Network | undefined;
  /** Counts how long requests take, on both ports. */
  readonly latencies: RequestLatencies | undefined;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** What a Java broker may keep for a message beside its body. */
const frameOverhead = 1024 * 1024;
const usualFrameBytes = 16 * 1024 * 1024;
const drainMillis = 3000;
/** The second port lies so far below the first. */
const secondPortBelow = 2;

/** What Java's broker does not serve on its second port: whatever may be held for long. */
const mainPortNames: readonly RequestName[] = [
  'PULL_MESSAGE',
  'LITE_PULL_MESSAGE',
  'PEEK_MESSAGE',
  'POP_MESSAGE',
  'NOTIFICATION',
  'POLLING_INFO',
];
const mainPortOnly = new Map(mainPortNames.map((name) => [requestCodes[name], name]));
const mainPortReason = 'it is served on the first port of a broker only';

const frameBytes = (messageBytes: number): number =>
  Math.max(usualFrameBytes, messageBytes + frameOverhead);

/** Both ports of a broker: `listenPort` for everything, and two below it for all but pulls. */
export class Listening implements Resource {
  private constructor(
    private readonly main: RemotingServer,
    private readonly second: RemotingServer | undefined,
  ) {}

  /** Rejects with `ListenError` when a port that is set cannot be taken; none is open then. */
  static async open(parts: ListeningParts): Promise<Listening> {
    const { config } = parts;
    const main = await RemotingServer.listen(optionsOf(parts, config.listenPort, parts.router));
    try {
      return new Listening(main, await listenBelow(parts, main.address.port));
    } catch (error) {
      await main.close();
      throw error;
    }
  }

  /** Of the first port. */
  get address(): ListenAddress {
    return this.main.address;
  }

  /** The second port, when it is open. */
  get secondPort(): number | undefined {
    return this.second?.address.port;
  }

  /** Connections to both ports. */
  get connections(): number {
    return this.main.peers().size + (this.second?.peers().size ?? 0);
  }

  /** `maxMessageSize` was changed. */
  limitMessages(bytes: number): void {
    this.main.limitFrames(frameBytes(bytes));
    this.second?.limitFrames(frameBytes(bytes));
  }

  async close(): Promise<void> {
    await Promise.all([
      this.second?.close({ deadlineMs: drainMillis }),
      this.main.close({ deadlineMs: drainMillis }),
    ]);
  }
}

function optionsOf(parts: ListeningParts, port: number, router: Router): RemotingServerOptions {
  const { config, turn, gate, network, latencies, clock, logger } = parts;
  return {
    host: config.bindAddress,
    port,
    router,
    turn,
    gate,
    network,
    latencies,
    clock,
    logger: logger.child('remoting'),
    limits: {
      maxFrameBytes: frameBytes(config.maxMessageSize),
      idleMs: config.serverChannelMaxIdleTimeSeconds * 1000,
    },
  };
}

/** A broker that took any free port has a neighbour below it by luck only, and does without. */
async function listenBelow(
  parts: ListeningParts,
  mainPort: number,
): Promise<RemotingServer | undefined> {
  const port = mainPort - secondPortBelow;
  if (port <= 0) return undefined;
  try {
    return await RemotingServer.listen(
      optionsOf(parts, port, parts.router.without(mainPortOnly, mainPortReason)),
    );
  } catch (error) {
    if (!(error instanceof ListenError) || parts.config.listenPort !== 0) throw error;
    parts.logger.debug('the second port is taken by somebody else; doing without', { port });
    return undefined;
  }
}
