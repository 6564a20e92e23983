import { Auditor } from './auditor.js';
import { Consumer } from './consumer.js';
import { History, type Violation } from './history.js';
import { Lives } from './lives.js';
import { Model } from './model.js';
import { Payer } from './payer.js';
import { Producer } from './producer.js';
import { choosingGroup, type ClientName, isCalm, type Step, type Story } from './story.js';
import { all, bySql, byTags } from './subscription.js';
import { delaySeconds } from './topics.js';
import { checkInterval, Verdict } from './verdict.js';
import { World } from './world.js';

export interface Played {
  readonly violation: Violation | undefined;
  /** Of everything that happened. */
  readonly digest: string;
  readonly lines: readonly string[];
  readonly counts: { readonly answered: number; readonly lives: number; readonly millis: number };
  /** What broke, and how often. */
  readonly happened: ReadonlyMap<string, number>;
}

type Confusing = Extract<Step, { do: 'mislead' | 'shuffle' | 'cutOff' | 'stall' }>;

/** How long answers are kept back, to come in another order. */
const shuffleMillis = 200;
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
  private readonly lives: Lives;
  private isSlow = false;
  /** What makes the network whole again. */
  private readonly mends = new Set<() => void>();

  constructor(private readonly story: Story) {
    const { history } = this;
    const { isSql, ...settings } = story.settings;
    this.world = new World(story.seed, {
      enablePropertyFilter: true,
      messageDelayLevel: delaySeconds.map((seconds) => `${seconds}s`).join(' '),
      transactionTimeOut: 2000,
      transactionCheckInterval: checkInterval,
      transactionCheckMax: 3,
      flushConsumerOffsetInterval: 1000,
      flushDelayOffsetInterval: 1000,
      maxTransferCountOnMessageInMemory: 1000,
      fileReservedTime: 1,
      maxHashSlotNum: 100,
      maxIndexNum: 61,
      ...settings,
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
      new Consumer('all', all, world, history, this.model),
      new Consumer(choosingGroup, isSql ? bySql : byTags, world, history, this.model),
    ];
    this.auditor = new Auditor(world, history, this.model);
    this.lives = new Lives(world, history, this.model, this.auditor, this.payer, story.settings);
  }

  /** Something was thrown that nobody caught. What a dead process still throws harms nobody. */
  threw(error: unknown): void {
    if (this.world.death !== undefined) return;
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
      happened: world.happened,
    };
  }

  private async tellSteps(): Promise<void> {
    const { history, world } = this;
    await this.lives.begin();
    await world.advanceUntil(this.auditor.createGroup(choosingGroup), 60_000);
    for (const consumer of this.consumers) consumer.open();
    world.clock.of({ isAlive: true }).every(greetMillis, () => void this.payer.greet());
    for (const step of this.story.steps) {
      if (history.violation !== undefined) break;
      history.note(world.clock.time, `> ${JSON.stringify(step)}`);
      await this.take(step);
      if (world.death !== undefined) await this.lives.afterDeath();
      if (world.storeFailure !== undefined) await this.lives.restartFailed();
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
        return model.atRest(this.undisturbed());
      case 'kill':
      case 'crash':
      case 'stop':
      case 'dieStarting':
      case 'dieAt':
      case 'damage':
        return this.lives.end(step);
      case 'jump':
        world.clock.jump(step.ms);
        if (step.ms < 0) model.wasSetBack = true;
        return;
      case 'expire':
        world.clock.jump(step.ms);
        return this.auditor.removeExpired();
      default:
        return this.break(step);
    }
  }

  private break(step: Step): void {
    const { world } = this;
    const { disk, network } = world;
    switch (step.do) {
      case 'failDisk':
        this.lives.hasGoodDisk = false;
        disk.reseed(step.seed);
        return disk.fail({ call: step.call, path: step.path, times: step.times, code: step.code });
      case 'fillDisk': {
        this.lives.hasGoodDisk = false;
        this.model.wasFull = true;
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
      case 'mislead':
      case 'shuffle':
      case 'cutOff':
      case 'stall':
        return this.confuse(step, this.addressOf(step.client));
    }
  }

  private confuse(step: Confusing, address: string): void {
    const { network } = this.world;
    switch (step.do) {
      case 'mislead':
        return network.mislead(address, step.frames, step.seed);
      case 'shuffle':
        network.shuffle(address, step.frames, step.seed);
        return this.mendAfter(shuffleMillis, () => network.release(address));
      case 'cutOff':
        network.cutOff(address, step.deaf);
        return this.mendAfter(step.ms, () => network.reset(address));
      case 'stall':
        network.stall(address);
        return this.mendAfter(step.ms, () => network.goOn(address));
    }
  }

  private slowDown(ms: number): void {
    if (this.isSlow) return;
    const { disk, clock } = this.world;
    const slow = { from: clock.time, to: Number.POSITIVE_INFINITY };
    this.isSlow = true;
    this.lives.hasGoodDisk = false;
    this.model.slow.push(slow);
    disk.holdSyncs();
    this.later(ms, () => {
      disk.releaseSyncs();
      slow.to = clock.time;
      this.isSlow = false;
    });
  }

  private undisturbed(): Consumer[] {
    const { network } = this.world;
    return this.consumers.filter(({ localAddress }) => !network.isDisturbed(localAddress));
  }

  private addressOf(name: ClientName): string {
    const client = this.producers[name] ?? this.consumers.find(({ group }) => group === name);
    return client?.localAddress ?? '';
  }

  /** After some time, or when the last step is over. */
  private mendAfter(ms: number, mend: () => void): void {
    this.mends.add(mend);
    this.later(ms, () => {
      if (this.mends.delete(mend)) mend();
    });
  }

  private later(ms: number, task: () => void): void {
    this.world.clock.of({ isAlive: true }).after(ms, task);
  }

  private async finale(): Promise<void> {
    const { world, history } = this;
    world.heal();
    for (const mend of this.mends) mend();
    this.mends.clear();
    await world.clock.advance(finaleMillis);
    // Messages were refused until the broker looked at the disk, or checks waited for the old time.
    const isLate = this.model.wasFull || this.model.wasSetBack;
    if (isLate) await world.clock.advance(finaleMillis);
    if (world.storeFailure !== undefined) {
      await this.lives.restartFailed();
      await world.clock.advance(finaleMillis);
    }
    this.model.atRest(this.consumers);
    if (history.violation !== undefined) return;
    const contents = await this.lives.readAll();
    if (history.violation !== undefined) return;
    this.model.expire(contents);
    if (history.violation !== undefined) return;
    new Verdict(history, this.model, contents, isCalm(this.story)).judge(this.consumers);
    if (history.violation === undefined) await this.lives.stop(0);
  }
}
