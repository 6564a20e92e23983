import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { messageOf } from '@nestjs-rocketmq/foundation';
import { chanceSeed, SeededRandom, seedOfRun } from '@nestjs-rocketmq/foundation/testing';
import { freePorts } from '../support/java-servers.js';
import { BrokerProcess } from './broker-process.js';
import { Ledger } from './ledger.js';
import { Load, paymentTopic, plainTopic, Reader } from './load.js';
import { chooseDeath, type Death } from './points.js';

/*
 * npm run test:kills -- --cycles N [--seed S]
 *
 * A broker process under load is killed with SIGKILL, N times: at any time, while it starts, or at a
 * named point. After each start everything that was answered is looked for. ASYNC_FLUSH and
 * SYNC_FLUSH by seed; the same store lives through a few cycles. Ends with `N passed, N failed`.
 */

/** Cycles that share a store. */
const cyclesOfStore = 20;
/** Messages answered in a cycle, about. */
const messagesOfCycle = 3000;
/** Before anything dies, so many are answered. */
const leastOfCycle = 1200;
/** A point that is not reached within this ends like any other time. */
const longestLoadMs = 3000;
/** Delayed messages wait a second; the last ones may take so long on a slow machine. */
const settleMs = 120_000;

interface Sum {
  cycles: number;
  failed: number;
  acknowledged: number;
  checked: number;
  repeated: number;
  readonly deaths: Map<string, number>;
}

class Campaign {
  private readonly sum: Sum = {
    cycles: 0,
    failed: 0,
    acknowledged: 0,
    checked: 0,
    repeated: 0,
    deaths: new Map(),
  };
  private readonly random: SeededRandom;
  /** How often there was load; names its messages. */
  private loads = 0;

  constructor(
    private readonly seed: number,
    private readonly cycles: number,
  ) {
    this.random = new SeededRandom(seed);
  }

  async run(): Promise<Sum> {
    while (this.sum.cycles < this.cycles && this.sum.failed === 0) {
      await this.store(Math.min(cyclesOfStore, this.cycles - this.sum.cycles));
    }
    return this.sum;
  }

  /** One store through some cycles, and a last look at all of it. */
  private async store(cycles: number): Promise<void> {
    const folder = mkdtempSync(join(tmpdir(), 'kills-'));
    const port = await freePorts([-2, 0, 1]);
    const ledger = new Ledger();
    const reader = new Reader(`127.0.0.1:${port}`, ledger);
    let done = 0;
    try {
      for (; done < cycles && ledger.violations.length === 0; done += 1) {
        await this.cycle(folder, port, ledger, reader);
      }
      if (ledger.violations.length === 0) await this.last(folder, port, ledger, cycles);
    } catch (error) {
      ledger.violation(messageOf(error));
    } finally {
      this.sum.cycles += Math.max(1, done);
      this.sum.acknowledged += ledger.acknowledged;
      this.sum.checked += ledger.checked;
      this.sum.repeated += ledger.repeated;
      if (ledger.violations.length === 0) rmSync(folder, { recursive: true, force: true });
      else {
        this.sum.failed += 1;
        console.log(`seed ${this.seed}, store ${folder}, cycle ${this.sum.cycles}:`);
        console.log(ledger.violations.slice(0, 20).join('\n'));
      }
    }
  }

  private async cycle(folder: string, port: number, ledger: Ledger, reader: Reader): Promise<void> {
    const { random } = this;
    const settings = this.settings(folder, port);
    const death = chooseDeath(random);
    const name = death.at === 'point' ? death.point : death.at;
    this.sum.deaths.set(name, (this.sum.deaths.get(name) ?? 0) + 1);
    if (death.at === 'start') {
      const early = BrokerProcess.spawn(settings);
      await sleep(death.afterMs);
      await early.kill();
    }
    const broker = BrokerProcess.spawn(settings);
    try {
      await broker.ready();
      await reader.readAll(200);
      await this.loadUntilDead(broker, port, ledger, death);
    } finally {
      await broker.kill();
    }
  }

  private async loadUntilDead(
    broker: BrokerProcess,
    port: number,
    ledger: Ledger,
    death: Death,
  ): Promise<void> {
    this.loads += 1;
    const address = `127.0.0.1:${port}`;
    const load = new Load(address, this.loads, this.random, ledger, messagesOfCycle);
    const running = load.run();
    await ledger.until(ledger.acknowledged + leastOfCycle, longestLoadMs);
    if (death.at === 'point') {
      broker.arm(death.point, death.hits);
      await Promise.race([broker.ended, sleep(longestLoadMs)]);
    } else await sleep(death.afterMs);
    await broker.kill();
    load.stop();
    await running;
  }

  /** After the last kill: everything is read from the beginning, twice, with a clean stop between. */
  private async last(folder: string, port: number, ledger: Ledger, kills: number): Promise<void> {
    const reader = new Reader(`127.0.0.1:${port}`, ledger);
    const broker = BrokerProcess.spawn(this.settings(folder, port));
    try {
      await broker.ready();
      ledger.beginCount();
      const end = Date.now() + settleMs;
      do {
        await reader.readAll(0);
        await sleep(200);
      } while (ledger.waiting(plainTopic) > 0 && Date.now() < end);
      await reader.readAll(0);
      // Each cycle kills at most two processes.
      ledger.settle(plainTopic, paymentTopic, 2 * kills);
      await broker.stop();
    } finally {
      await broker.kill();
    }
    const again = BrokerProcess.spawn(this.settings(folder, port));
    try {
      await again.ready();
      await reader.readAll(Number.MAX_SAFE_INTEGER);
      await again.stop();
    } finally {
      await again.kill();
    }
  }

  private settings(folder: string, port: number): string {
    const properties = {
      listenPort: port,
      // What a slow disk refuses is no matter of this campaign.
      brokerFastFailureEnable: false,
      bindAddress: '127.0.0.1',
      brokerIP1: '127.0.0.1',
      brokerName: 'broker-a',
      storePathRootDir: join(folder, 'store'),
      flushDiskType: this.random.pick(['ASYNC_FLUSH', 'SYNC_FLUSH']),
      mappedFileSizeCommitLog: 1024 * 1024,
      mappedFileSizeConsumeQueue: 20_000,
      flushConsumeQueueThoroughInterval: 100,
      flushConsumerOffsetInterval: 50,
      flushDelayOffsetInterval: 100,
      messageDelayLevel: '1s 2s',
      transactionCheckInterval: 60_000,
      maxTransferCountOnMessageInMemory: 1000,
      maxTransferBytesOnMessageInMemory: 4_000_000,
    };
    const file = join(folder, 'broker.conf');
    const lines = Object.entries(properties).map(([key, value]) => `${key}=${value}`);
    writeFileSync(file, `${lines.join('\n')}\n`);
    return file;
  }
}

function sleep(ms: number): Promise<void> {
  return new Promise((done) => void setTimeout(done, ms));
}

function wanted(name: string, otherwise: number): number {
  const at = process.argv.indexOf(`--${name}`);
  const value = at < 0 ? otherwise : Number(process.argv[at + 1]);
  if (!Number.isInteger(value) || value < 1) throw new Error(`--${name} needs a number from 1 on`);
  return value;
}

async function run(): Promise<number> {
  const seed = wanted('seed', seedOfRun(chanceSeed()));
  const start = performance.now();
  const sum = await new Campaign(seed, wanted('cycles', Number(process.env['CYCLES'] ?? 40))).run();
  const seconds = Math.round((performance.now() - start) / 1000);
  const deaths = [...sum.deaths].sort(([one], [other]) => (one < other ? -1 : 1));
  console.log(deaths.map(([name, count]) => `${name} ${count}`).join(', '));
  console.log(
    `seed ${seed}: ${sum.cycles} cycles in ${seconds} s, ${sum.acknowledged} messages ` +
      `acknowledged, ${sum.checked} read and checked, ${sum.repeated} delayed ones came again, ` +
      `${sum.failed} broken promises`,
  );
  console.log(`${sum.cycles - sum.failed} passed, ${sum.failed} failed`);
  return sum.failed === 0 ? 0 : 1;
}

run().then(
  (status) => process.exit(status),
  (error: unknown) => {
    console.error(messageOf(error), error);
    console.log('0 passed, 1 failed');
    process.exit(1);
  },
);
