import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { RunningProgram } from '../support/java-process.js';
import { freePorts } from '../support/java-servers.js';

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..');
const failpoints = join(root, 'test/fault/failpoints.mjs');
const READY_WITHIN_MS = 120_000;

/** Short times, so that a check-back, a time-out and a repetition happen within seconds. */
const brokerTimes = {
  transactionTimeOut: 2000,
  transactionCheckInterval: 3000,
  transactionCheckMax: 100,
};
const sampleTimes = {
  PAYMENT_TIME_LIMIT: '10s',
  LOCAL_DEADLINE: '1500ms',
  LIVENESS_BOUND: '500ms',
  GATEWAY_RETRY: '500ms',
  GATEWAY_LATE: '1s',
  RECONCILE_AFTER: '2s',
  OUTBOX_RETRY: '1s',
};

/** Nameserver, broker and order service as three processes on one temporary folder, for killing. */
export class ShopProcesses {
  private nameserver: RunningProgram | undefined;
  private broker: RunningProgram | undefined;
  private sample: RunningProgram | undefined;

  private constructor(
    private readonly folder: string,
    private readonly ports: { nameserver: number; broker: number; sample: number },
  ) {}

  /** @param failpoint where the order service kills itself, as `name:times`. */
  static async start(failpoint?: string): Promise<ShopProcesses> {
    const folder = mkdtempSync(join(tmpdir(), 'shop-'));
    const ports = {
      nameserver: await freePorts(),
      broker: await freePorts([-2, 0, 1]),
      sample: await freePorts(),
    };
    const shop = new ShopProcesses(folder, ports);
    await shop.startNameserver();
    await shop.startBroker();
    await shop.startSample(failpoint);
    return shop;
  }

  get url(): string {
    return `http://127.0.0.1:${this.ports.sample}`;
  }

  /** Resolves when the order service has ended, by whatever means. */
  get sampleEnded(): Promise<unknown> {
    return this.sample?.exited ?? Promise.resolve();
  }

  /** @param failpoint where the service kills itself, as `name:times`. */
  async startSample(failpoint?: string): Promise<void> {
    const main = join(root, 'sample-order-service/dist/main.js');
    const loaded = failpoint === undefined ? [] : ['--import', failpoints];
    this.sample = RunningProgram.start('sample', process.execPath, [...loaded, main], {
      cwd: this.folder,
      env: {
        ...sampleTimes,
        PORT: String(this.ports.sample),
        NAMESRV_ADDR: `127.0.0.1:${this.ports.nameserver}`,
        DATA_DIR: join(this.folder, 'sample'),
        FAILPOINT: failpoint ?? '',
        NO_COLOR: '1',
        FORCE_COLOR: '0',
      },
    });
    const sample = this.sample;
    await sample.untilLine('is ready', READY_WITHIN_MS).catch((error: unknown) => {
      // a service that is to kill itself may do so while it starts
      if (failpoint === undefined || !sample.ended) throw error;
    });
  }

  async startBroker(): Promise<void> {
    const file = this.write('broker.properties', {
      ...brokerTimes,
      brokerName: 'broker-a',
      brokerIP1: '127.0.0.1',
      listenPort: this.ports.broker,
      // What a slow disk refuses is no matter of these specs.
      brokerFastFailureEnable: 'false',
      namesrvAddr: `127.0.0.1:${this.ports.nameserver}`,
      storePathRootDir: join(this.folder, 'broker'),
    });
    this.broker = this.launch('apps/broker', 'broker', file);
    await this.broker.untilLine('boot success', READY_WITHIN_MS);
  }

  async killSample(): Promise<void> {
    await this.sample?.kill();
  }

  async killBroker(): Promise<void> {
    await this.broker?.kill();
  }

  /** The last lines of the three, for a failing test. */
  output(): string {
    return [this.nameserver, this.broker, this.sample]
      .map((program) => `--- ${program?.name}\n${program?.output()}`)
      .join('\n');
  }

  async close(): Promise<void> {
    await this.sample?.stop();
    await this.broker?.stop();
    await this.nameserver?.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }

  private async startNameserver(): Promise<void> {
    const file = this.write('namesrv.properties', { listenPort: this.ports.nameserver });
    this.nameserver = this.launch('apps/nameserver', 'nameserver', file);
    await this.nameserver.untilLine('boot success', READY_WITHIN_MS);
  }

  private launch(app: string, name: string, configFile: string): RunningProgram {
    const main = join(root, app, 'dist/main.js');
    const args = [main, '-c', configFile];
    return RunningProgram.start(name, process.execPath, args, { cwd: this.folder });
  }

  private write(name: string, values: Record<string, string | number>): string {
    const file = join(this.folder, 'conf', name);
    mkdirSync(dirname(file), { recursive: true });
    const lines = Object.entries(values).map(([key, value]) => `${key}=${value}`);
    writeFileSync(file, `${lines.join('\n')}\n`);
    return file;
  }
}
