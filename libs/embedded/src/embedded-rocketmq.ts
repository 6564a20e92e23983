import { randomUUID } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startBroker, type RunningBroker } from '@nestjs-rocketmq/broker';
import {
  OptionsError,
  ResourceStack,
  consoleLogger,
  nearestName,
  nodeFileSystem,
  type Clock,
  type FileSystem,
  type Logger,
  type Resource,
} from '@nestjs-rocketmq/foundation';
import { startNameserver } from '@nestjs-rocketmq/nameserver';
import type { Network } from '@nestjs-rocketmq/remoting';

export interface EmbeddedOptions {
  /** Folder of everything the two keep. Default: a temporary one, removed by `close`. */
  readonly dir?: string;
  /** Options of the broker under Apache's names. Ports are free ones unless they are given. */
  readonly broker?: Readonly<Record<string, unknown>>;
  /** Options of the nameserver under Apache's names. */
  readonly nameserver?: Readonly<Record<string, unknown>>;
  readonly clock?: Clock;
  readonly fileSystem?: FileSystem;
  readonly network?: Network;
  /** Default: warnings and errors to the console. */
  readonly logger?: Logger;
}

const local = '127.0.0.1';
const optionNames = ['dir', 'broker', 'nameserver', 'clock', 'fileSystem', 'network', 'logger'];

/** A misspelt `dir` would put a store into a folder that `close` removes. */
function checkNames(options: EmbeddedOptions): void {
  const problems = Object.keys(options)
    .filter((name) => !optionNames.includes(name))
    .map((name) => {
      const near = nearestName(name, optionNames);
      const hint =
        near === undefined ? `known are ${optionNames.join(', ')}` : `did you mean '${near}'?`;
      return `'${name}' is not a known option; ${hint}`;
    });
  if (problems.length > 0) throw new OptionsError('EmbeddedRocketMQ.start', problems);
}

/**
 * A nameserver and a broker inside this process, for applications that need no server and for
 * tests. Several may live at once. `await using` closes it.
 *
 * @example
 * ```ts
 * await using rocketmq = await EmbeddedRocketMQ.start();
 * RocketMQModule.forRoot({ nameServers: rocketmq.nameServers });
 * ```
 */
export class EmbeddedRocketMQ implements Resource, AsyncDisposable {
  private constructor(
    /** What clients take as `nameServers`. */
    readonly nameServers: string,
    /** `host:port` of the broker. */
    readonly brokerAddress: string,
    /** The folder in use. */
    readonly dir: string,
    private readonly broker: RunningBroker,
    private readonly resources: ResourceStack,
  ) {}

  /**
   * Resolves when the broker is registered and takes messages. Rejects with `OptionsError` for an
   * unknown option, or what `startNameserver` and `startBroker` reject with; nothing is left open.
   */
  static async start(options: EmbeddedOptions = {}): Promise<EmbeddedRocketMQ> {
    checkNames(options);
    const { clock, network, fileSystem = nodeFileSystem } = options;
    const logger = options.logger ?? consoleLogger('embedded', { level: 'warn' });
    const resources = new ResourceStack();
    const dir = options.dir ?? join(tmpdir(), `rocketmq-${randomUUID()}`);
    try {
      fileSystem.makeDirectory(dir);
      if (options.dir === undefined) resources.defer(() => fileSystem.remove(dir));
      const nameserver = await startNameserver({
        listenPort: 0,
        bindAddress: local,
        ...options.nameserver,
        dir: join(dir, 'namesrv'),
        fileSystem,
        logger: logger.child('nameserver'),
        ...(clock === undefined ? {} : { clock }),
        ...(network === undefined ? {} : { network }),
      });
      resources.use(nameserver);
      const broker = await startBroker({
        properties: {
          brokerName: 'embedded',
          brokerIP1: local,
          bindAddress: local,
          listenPort: 0,
          // Who asks and who answers share a thread: nobody else gets in while the disk is slow.
          brokerFastFailureEnable: false,
          ...options.broker,
        },
        dir: join(dir, 'store'),
        nameServers: nameserver.address,
        clock,
        network,
        fileSystem,
        logger: logger.child('broker'),
      });
      resources.use(broker);
      return new EmbeddedRocketMQ(nameserver.address, broker.address, dir, broker, resources);
    } catch (error) {
      await resources.close().catch((second: unknown) => {
        logger.error('Not everything could be closed after a start that failed.', {
          error: second,
        });
      });
      throw error;
    }
  }

  /** Called once when the broker's store had to stop, for example because the disk is full. */
  onFailure(listener: (error: Error) => void): void {
    this.broker.onFailure(listener);
  }

  /** Saves everything and closes both; removes the folder when it was a temporary one. */
  close(): Promise<void> {
    return this.resources.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
