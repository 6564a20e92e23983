import { Auditor } from './auditor.js';
import { Consumer } from './consumer.js';
import { History, type LifeEnd, type Violation } from './history.js';
import { Model } from './model.js';
import { Payer } from './payer.js';
import { Producer } from './producer.js';
import { type ClientName, isCalm, type Step, type Story } from './story.js';
import { delaySeconds } from './topics.js';
import { checkInterval, Verdict } from './verdict.js';
import { World } from './world.js';

export interface Played {
  readonly violation: Violation | undefined;
  /** Of everything that happened. */
  readonly digest: string;
  readonly lines: readonly string[];
  readonly counts: { readonly answered: number; readonly lives: number; readonly millis: number };
}

/** Long enough for every delay, retry and check that is still to come. */
const finaleMillis = 16_000;
const greetMillis = 2000;

/** Plays a story in a world of its own and judges it. */
export async function play(story: Story): Promise<Played> {
  const stage = new Stage(story);
  // What a handler or timer of the broker throws would end its process.
  const onThrown = (error: unknown): void => stage.threw(error);
  process.on('uncaughtException', onThrown);
  process.on('unhandledRejection', onThrown);
  try {
    return await stage.run();
  } finally {
    process.off('uncaughtException', onThrown);
    process.off('unhandledRejection', onThrown);
  }
}

class Stage {
  private readonly world: World;
  private readonly history = new History();
  private readonly model: Model;
  private readonly producers: Record<string, Producer>;
  private readonly payer: Payer;
  private readonly consumers: Consumer[];
  private readonly auditor: Auditor;
  private hasGoodDisk = true;
  private isSlow = false;

  constructor(private readonly story: Story) {
    const { history } = this;
    this.world = new World(story.seed, {
      ...story.settings,
      messageDelayLevel: delaySeconds.map((seconds) => `${seconds}s`).join(' '),
      transactionTimeOut: 2000,
      transactionCheckInterval: checkInterval,
      transactionCheckMax: 3,
      flushConsumerOffsetInterval: 1000,
      flushDelayOffsetInterval: 1000,
      maxTransferCountOnMessageInMemory: 1000,
    });
    const { world } = this;
    this.model = new Model(world, history, story.settings);
    this.payer = new Payer(world, history, this.model);
    this.producers = {
      one: new Producer('one', world, history, this.model),
      two: new Producer('two', world, history, this.model),
      payer: this.payer,
    };
    this.consumers = [
      new Consumer('all', '*', world, history, this.model),
      new Consumer('some', 'Aa || C', world, history, this.model),
    ];
    this.auditor = new Auditor(world, history, this.model);
  }

  /** Something was thrown that nobody caught. */
  threw(error: unknown): void {
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    this.history.broken('I11', `thrown and not caught: ${text}`);
  }

  async run(): Promise<Played> {
    const { history, world } = this;
    try {
      await this.tellSteps();
    } catch (error) {
      this.threw(error);
    }
    world.kill();
    if (history.violation !== undefined) {
      const { rule, sentence } = history.violation;
      history.note(world.clock.time, `${rule}: ${sentence}`);
    }
    return {
      violation: history.violation,
      digest: history.digest(),
      lines: history.lines,
      counts: {
        answered: [...history.messages.values()].filter(({ outcome }) => outcome === 'ok').length,
        lives: world.lives,
        millis: world.clock.time,
      },
    };
  }

  private async tellSteps(): Promise<void> {
    const { history, world } = this;
    await this.begin();
    for (const consumer of this.consumers) consumer.open();
    world.clock.of({ isAlive: true }).every(greetMillis, () => void this.payer.greet());
    for (const step of this.story.steps) {
      if (history.violation !== undefined) break;
      history.note(world.clock.time, `> ${JSON.stringify(step)}`);
      await this.take(step);
      if (world.storeFailure !== undefined) await this.restartFailed();
    }
    if (history.violation === undefined) await this.finale();
  }

  private async take(step: Step): Promise<void> {
    const { world, model } = this;
    switch (step.do) {
      case 'send':
        return this.producers[step.by]?.send(step);
      case 'half':
        return this.payer.half(step);
      case 'decide':
        return void this.payer.decide(step);
      case 'hop':
        for (let i = 0; i < step.count; i += 1) await world.tasks.hop();
        return;
      case 'pass':
        await world.clock.advance(step.ms);
        return model.atRest(this.consumers);
      case 'kill':
        return this.revive(this.kill(), step.pause);
      case 'crash':
        return this.revive(this.crash(step.seed), step.pause);
      case 'stop':
        return this.stop(step.pause);
      case 'dieStarting':
        return this.dieStarting(step.hops, step.crashSeed);
      case 'jump':
        world.clock.jump(step.ms);
        if (step.ms < 0) model.wasSetBack = true;
        return;
      default:
        return this.break(step);
    }
  }

  private break(step: Step): void {
    const { world } = this;
    const { disk, network } = world;
    switch (step.do) {
      case 'failDisk':
        this.hasGoodDisk = false;
        disk.reseed(step.seed);
        return disk.fail({ call: step.call, path: step.path, times: step.times, code: step.code });
      case 'fillDisk': {
        this.hasGoodDisk = false;
        const { total, free } = disk.diskUse();
        disk.capacity = total - free + step.pages * 4096;
        this.later(step.ms, () => (disk.capacity = Number.MAX_SAFE_INTEGER));
        return;
      }
      case 'slowDisk':
        return this.slowDown(step.ms);
      case 'reset':
        return network.breakAfter(this.addressOf(step.client), step.bytes, step.isFromBroker);
      case 'crumble':
        return network.crumble(this.addressOf(step.client), step.delivery, step.seed);
      case 'double':
        return network.double(this.addressOf(step.client), step.frames);
    }
  }

  private slowDown(ms: number): void {
    if (this.isSlow) return;
    const { disk, clock } = this.world;
    const slow = { from: clock.time, to: Number.POSITIVE_INFINITY };
    this.isSlow = true;
    this.hasGoodDisk = false;
    this.model.slow.push(slow);
    disk.holdSyncs();
    this.later(ms, () => {
      disk.releaseSyncs();
      slow.to = clock.time;
      this.isSlow = false;
    });
  }

  private addressOf(name: ClientName): string {
    const client = this.producers[name] ?? this.consumers.find(({ group }) => group === name);
    return client?.localAddress ?? '';
  }

  private later(ms: number, task: () => void): void {
    this.world.clock.of({ isAlive: true }).after(ms, task);
  }

  private kill(): LifeEnd {
    const end = this.endOfLife('kill');
    this.world.kill();
    return end;
  }

  private crash(seed: number): LifeEnd {
    const end = this.endOfLife('crash');
    this.world.crash(seed);
    return end;
  }

  private async stop(pause: number): Promise<void> {
    const { disk } = this.world;
    disk.heal();
    disk.capacity = Number.MAX_SAFE_INTEGER;
    const failure = await this.world.stop();
    await this.revive(this.endOfLife(failure === undefined ? 'stop' : 'kill'), pause);
  }

  /** The process dies before it serves, and perhaps the power with it. */
  private async dieStarting(hops: number, crashSeed: number | undefined): Promise<void> {
    const first = this.kill();
    void this.world.start();
    for (let i = 0; i < hops; i += 1) await this.world.tasks.hop();
    const second = crashSeed === undefined ? this.kill() : this.crash(crashSeed);
    await this.revive({ ...second, at: first.at }, 0);
  }

  /** The store has stopped, so an operator starts it again. */
  private async restartFailed(): Promise<void> {
    this.model.isDoubtful = true;
    this.hasGoodDisk = false;
    await this.revive(this.kill(), 100);
  }

  private endOfLife(how: LifeEnd['how']): LifeEnd {
    const { world, history } = this;
    const end = { life: world.lives, how, at: world.clock.time, hadGoodDisk: this.hasGoodDisk };
    history.ends.push(end);
    history.note(end.at, `life ${end.life} ends: ${how}`);
    return end;
  }

  private async begin(): Promise<void> {
    this.hasGoodDisk = true;
    const starting = this.world.start();
    await this.world.advanceUntil(starting, 60_000);
    const failure = await starting;
    if (failure === undefined) return;
    const text = failure instanceof Error ? failure.message : String(failure);
    this.history.broken('I1', `the broker does not start: ${text}`);
  }

  private async revive(end: LifeEnd, pause: number): Promise<void> {
    const { world, history } = this;
    world.disk.heal();
    world.disk.releaseSyncs();
    world.disk.capacity = Number.MAX_SAFE_INTEGER;
    await world.clock.advance(pause);
    await this.begin();
    if (history.violation !== undefined) return;
    await this.audit(end);
    void this.payer.greet();
  }

  private async audit(end: LifeEnd): Promise<void> {
    const reading = this.auditor.readAll();
    await this.world.advanceUntil(reading, 60_000);
    if (this.history.violation === undefined) this.model.compare(await reading, end);
  }

  private async finale(): Promise<void> {
    const { world, history } = this;
    world.disk.heal();
    world.disk.capacity = Number.MAX_SAFE_INTEGER;
    world.disk.releaseSyncs();
    await world.clock.advance(finaleMillis);
    if (world.storeFailure !== undefined) {
      await this.restartFailed();
      await world.clock.advance(finaleMillis);
    }
    this.model.atRest(this.consumers);
    if (history.violation !== undefined) return;
    const reading = this.auditor.readAll();
    await world.advanceUntil(reading, 60_000);
    if (history.violation !== undefined) return;
    new Verdict(history, this.model, await reading, isCalm(this.story)).judge(this.consumers);
    if (history.violation === undefined) await this.stop(0);
  }
}
