import { type RunningBroker, startBroker } from '@nestjs-rocketmq/broker';
import { type FileSystem, type LogFields, type Logger, Turn } from '@nestjs-rocketmq/foundation';
import type { Network } from '@nestjs-rocketmq/remoting';
import { type Fault, FaultyFileSystem } from '@nestjs-rocketmq/store/testing';
import { Macrotasks } from './macrotasks.js';
import { type Life, SimulatedClock, whileAlive } from './simulated-clock.js';
import { SimulatedNetwork } from './simulated-network.js';

export const brokerPort = 10_911;
export const brokerAddress = `127.0.0.1:${brokerPort}`;

export interface LogLine {
  readonly level: string;
  readonly sentence: string;
  readonly fields: LogFields;
}

/** How and when a process died in the middle of a call. */
export interface Death {
  readonly how: 'kill' | 'crash';
  readonly at: number;
}

/** Disk, network, clock and one broker; the broker lives, is killed, and lives again. */
export class World {
  readonly tasks = new Macrotasks();
  readonly clock: SimulatedClock;
  readonly network: SimulatedNetwork;
  readonly disk: FaultyFileSystem;
  readonly log: LogLine[] = [];
  broker: RunningBroker | undefined;
  /** Set when the store of this life has stopped. */
  storeFailure: Error | undefined;
  /** The process of this life died in the middle of a call to the disk. */
  death: Death | undefined;
  /** How many lives the broker had. */
  lives = 0;
  private life: Life = { isAlive: false };
  private onDeath: () => void = () => undefined;
  /** Resolves when there is a `death`. */
  private dying: Promise<void> = Promise.resolve();

  constructor(
    seed: number,
    private readonly properties: Readonly<Record<string, unknown>>,
  ) {
    this.clock = new SimulatedClock(this.tasks, Date.UTC(2026, 0, 1));
    this.network = new SimulatedNetwork(this.tasks.later, (what) => this.count(what));
    this.disk = new FaultyFileSystem(seed, this.tasks.later);
    this.disk.tearsBytesIn = 'commitlog';
  }

  count(what: string): void {
    this.disk.calls.count(what);
  }

  get isAlive(): boolean {
    return this.life.isAlive;
  }

  /** What broke, and how often. */
  get happened(): ReadonlyMap<string, number> {
    return this.disk.calls.happened;
  }

  /** Starts the broker on what its last life left behind; gives back the error if it cannot. */
  async start(): Promise<unknown> {
    const life: Life = { isAlive: true };
    this.life = life;
    this.lives += 1;
    this.storeFailure = undefined;
    this.death = undefined;
    this.dying = new Promise((resolve) => (this.onDeath = resolve));
    try {
      const broker = await startBroker({
        dir: '/store',
        properties: {
          listenPort: brokerPort,
          bindAddress: '127.0.0.1',
          brokerIP1: '127.0.0.1',
          brokerName: 'broker-a',
          ...this.properties,
        },
        clock: this.clock.of(life),
        fileSystem: mortal(this.disk, life),
        network: mortalNetwork(this.network, life),
        turn: new Turn((end) => this.tasks.later(() => whileAlive(life, end))),
        logger: this.logger(life),
      });
      if (!life.isAlive) return undefined;
      broker.onFailure((error) => {
        if (life.isAlive) this.storeFailure = error;
      });
      this.broker = broker;
      return undefined;
    } catch (error) {
      if (life.isAlive) this.end(life);
      return error;
    }
  }

  /** The process dies; what it wrote stays. */
  kill(): void {
    this.end(this.life);
    this.disk.kill();
  }

  /** The power fails. */
  crash(seed: number): void {
    this.end(this.life);
    this.disk.reseed(seed);
    this.disk.crash();
  }

  /**
   * The process will die in the middle of a call to the disk, and with a seed for the crash the
   * power fails with it.
   */
  dieAt(call: Pick<Fault, 'call' | 'path' | 'after'>, crashSeed: number | undefined): void {
    const { life, disk } = this;
    const hit = (): void => {
      if (!life.isAlive) return;
      this.death = { how: crashSeed === undefined ? 'kill' : 'crash', at: this.clock.time };
      if (crashSeed === undefined) this.kill();
      else this.crash(crashSeed);
      this.onDeath();
    };
    disk.fail({ ...call, code: 'death', hit });
  }

  /** Starts as `start`; `arm` may set a death for the meantime. */
  async startOrDie(arm: () => void): Promise<unknown> {
    const starting = this.start();
    arm();
    const ended = Promise.race([starting, this.dying]);
    await this.advanceUntil(ended, 60_000);
    return ended;
  }

  /** From now on the disk does what it shall. */
  heal(): void {
    this.disk.heal();
    this.disk.releaseSyncs();
    this.disk.capacity = Number.MAX_SAFE_INTEGER;
  }

  /** A clean stop; gives back the error if it was none, and then the process ends all the same. */
  async stop(): Promise<unknown> {
    const broker = this.broker;
    let failure: unknown;
    const closing = broker?.close().catch((error: unknown) => (failure = error));
    await this.advanceUntil(Promise.race([closing, this.dying]), 10_000);
    if (this.isAlive) this.kill();
    return failure;
  }

  /** Lets time go on until a promise has settled; throws when it takes too long. */
  async advanceUntil(promise: Promise<unknown>, most: number): Promise<void> {
    let isDone = false;
    const mark = (): void => void (isDone = true);
    promise.then(mark, mark);
    const end = this.clock.time + most;
    await this.tasks.idle();
    while (!isDone) {
      if (this.clock.time >= end) throw new Error(`nothing came of it within ${most} ms`);
      await this.clock.advance(25);
    }
  }

  private end(life: Life): void {
    life.isAlive = false;
    this.broker = undefined;
    for (const port of [brokerPort, brokerPort - 2]) this.network.kill(port);
  }

  private logger(life: Life): Logger {
    const line =
      (level: string) =>
      (sentence: string, fields: LogFields = {}): void => {
        if (life.isAlive) this.log.push({ level, sentence, fields });
      };
    const logger: Logger = {
      debug: () => undefined,
      info: line('info'),
      warn: line('warn'),
      error: line('error'),
      child: () => logger,
    };
    return logger;
  }
}

/** The network as one process sees it: a dead one listens and connects nowhere any more. */
function mortalNetwork(network: Network, life: Life): Network {
  const never = new Promise<never>(() => undefined);
  return {
    connect: (target) => (life.isAlive ? network.connect(target) : never),
    listen: (address, onWire) => (life.isAlive ? network.listen(address, onWire) : never),
  };
}

/** The disk as one process sees it: when it has died, nothing it still calls does anything. */
function mortal(disk: FileSystem, life: Life): FileSystem {
  return new Proxy(disk, {
    get(target, name) {
      const member = Reflect.get(target, name) as unknown;
      if (typeof member !== 'function') return member;
      return (...args: unknown[]): unknown => {
        if (!life.isAlive) throw new Error('this process is dead');
        return Reflect.apply(member, target, args) as unknown;
      };
    },
  });
}
